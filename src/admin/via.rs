//! The value of `--via`: where deletions are sent.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::text::Foreign;

/// An admin path, as `--via` names it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Via {
    /// `nrepl://HOST:PORT`: a Clojure nREPL, such as the one behind `circleci dev-console` (port 6005 of the frontend).
    Nrepl {
        /// A host name or an address; an IPv6 address has no brackets here.
        host: String,
        port: u16,
    },
    /// `console:COMMAND`: a console program that is started and typed into, such as `circleci dev-console`.
    Console {
        /// The command line, for `sh -c`.
        command: String,
    },
    /// `https://…` or `http://…`: every deletion is a POST to this address.
    Http(Url),
}

/// Why a value of `--via` is not an admin path. No message repeats the value, because it may contain a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ViaError {
    #[error("--via is not a URL: {0}")]
    NotAUrl(#[from] url::ParseError),
    /// `HOST:PORT` alone.
    #[error("--via names a host and a port, and does not say what listens there")]
    NoScheme,
    #[error("--via console: names no command")]
    NoCommand,
    #[error("--via console: has a control character in its command")]
    ControlCharacter,
    #[error("--via has the scheme {0:?}, expected nrepl, console, https or http")]
    Scheme(Foreign),
    #[error("--via contains a user name or a password")]
    Credentials,
    /// The host is missing or contains a character that no host name has.
    #[error("--via names no host")]
    Host,
    /// `nrepl://HOST` without a port, or with port 0.
    #[error("--via nrepl://HOST names no port")]
    Port,
    #[error("--via has something after nrepl://HOST:PORT")]
    Path,
    /// A query or an anchor often contains a token.
    #[error("--via has a query or an anchor")]
    Query,
}

impl ViaError {
    /// What the operator can do about it.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotAUrl(_) | Self::Scheme(_) | Self::Host | Self::Path => {
                "write nrepl://HOST:PORT, 'console:COMMAND' or an https:// URL: `halfbuilt help delete`"
            }
            Self::NoScheme => "write nrepl:// before it for a Clojure console, https:// for an HTTP endpoint",
            Self::NoCommand | Self::ControlCharacter => {
                "write the command that opens the console, on one line: 'console:circleci dev-console'"
            }
            Self::Port => "CircleCI Server's console listens on port 6005 of the frontend",
            Self::Credentials | Self::Query => {
                "keep secrets off the command line: use --token-file FILE or the environment variable HALFBUILT_TOKEN"
            }
        })
    }
}

impl FromStr for Via {
    type Err = ViaError;

    fn from_str(text: &str) -> Result<Self, ViaError> {
        let text = text.trim();
        if let Some(command) = text.strip_prefix("console:") {
            let command = command.trim();
            return match command {
                "" => Err(ViaError::NoCommand),
                _ if command.contains(char::is_control) => Err(ViaError::ControlCharacter),
                _ => Ok(Self::Console { command: command.to_owned() }),
            };
        }
        if is_host_and_port(text) {
            return Err(ViaError::NoScheme);
        }
        let url = Url::parse(text)?;
        check_url(&url)?;
        if url.scheme() != "nrepl" {
            return Ok(Self::Http(url));
        }
        if !matches!(url.path(), "" | "/") {
            return Err(ViaError::Path);
        }
        let host = url.host_str().unwrap_or_default();
        let host = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        // The URL standard does not normalize the host of an unknown scheme.
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':');
        if host.is_empty() || !host.chars().all(plain) {
            return Err(ViaError::Host);
        }
        match url.port() {
            Some(port) if port > 0 => Ok(Self::Nrepl { host: host.to_owned(), port }),
            _ => Err(ViaError::Port),
        }
    }
}

/// Whether this is `HOST:PORT`; a URL parser takes the host for a scheme.
fn is_host_and_port(text: &str) -> bool {
    let Some((host, port)) = text.rsplit_once(':') else { return false };
    let of_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    let names_scheme = ["nrepl", "http", "https"].iter().any(|scheme| host.eq_ignore_ascii_case(scheme));
    !host.is_empty() && host.chars().all(of_host) && !names_scheme && port.parse::<u16>().is_ok()
}

/// Checks that a URL of `--via` has a known scheme and no place for a secret.
pub(super) fn check_url(url: &Url) -> Result<(), ViaError> {
    if !matches!(url.scheme(), "nrepl" | "https" | "http") {
        return Err(ViaError::Scheme(Foreign::name(url.scheme())));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(ViaError::Credentials);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(ViaError::Query);
    }
    Ok(())
}

impl fmt::Display for Via {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nrepl { host, port } if host.contains(':') => write!(f, "nrepl://[{host}]:{port}"),
            Self::Nrepl { host, port } => write!(f, "nrepl://{host}:{port}"),
            Self::Console { command } => write!(f, "console:{}", Foreign::new(command)),
            // Rebuilt from its harmless parts, because a `Via` can be made without `from_str`.
            Self::Http(url) => {
                write!(f, "{}://{}", url.scheme(), url.host_str().unwrap_or_default())?;
                url.port().map_or(Ok(()), |port| write!(f, ":{port}"))?;
                f.write_str(url.path())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_parsed_and_printed() {
        for (text, shown) in [
            ("nrepl://127.0.0.1:6005", "nrepl://127.0.0.1:6005"),
            (" nrepl://frontend.internal:6005/ ", "nrepl://frontend.internal:6005"),
            ("nrepl://[::1]:6005", "nrepl://[::1]:6005"),
            ("https://ci.example.com/admin/delete-build", "https://ci.example.com/admin/delete-build"),
            ("http://127.0.0.1:8080", "http://127.0.0.1:8080/"),
            (" console: docker exec -i x lein repl ", "console:docker exec -i x lein repl"),
        ] {
            let via: Via = text.parse().unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!(via.to_string(), shown);
            assert_eq!(shown.parse(), Ok(via));
        }
        let via = "nrepl://[::1]:6005".parse();
        assert_eq!(via, Ok(Via::Nrepl { host: "::1".into(), port: 6005 }));
    }

    #[test]
    fn what_is_not_an_admin_path_is_refused_and_not_repeated() {
        for (text, error) in [
            ("127.0.0.1:6005", ViaError::NoScheme),
            ("frontend:6005", ViaError::NoScheme),
            ("[::1]:6005", ViaError::NoScheme),
            ("console: ", ViaError::NoCommand),
            ("console:a\nb", ViaError::ControlCharacter),
            ("console:a\u{9b}31m", ViaError::ControlCharacter),
            ("ftp://ci.example.com", ViaError::Scheme(Foreign::new("ftp"))),
            ("nrepl://me:hunter2@host:6005", ViaError::Credentials),
            ("https://hunter2@ci.example.com/", ViaError::Credentials),
            ("https://ci.example.com/?circle-token=hunter2", ViaError::Query),
            ("https://ci.example.com/#hunter2", ViaError::Query),
            ("nrepl://ci.example.com", ViaError::Port),
            ("nrepl://ci.example.com:0", ViaError::Port),
            ("nrepl://ci.example.com:6005/user", ViaError::Path),
            ("nrepl://ci%20example.com:6005", ViaError::Host),
            ("nrepl:6005", ViaError::Path),
        ] {
            let refused = text.parse::<Via>().expect_err(text);
            assert_eq!(refused, error, "{text}");
            assert!(!refused.to_string().contains("hunter2"), "{refused}");
            assert!(refused.hint().is_some(), "{refused}");
        }
        for text in ["", "frontend", "nrepl://host:99999", "https://"] {
            assert!(matches!(text.parse::<Via>(), Err(ViaError::NotAUrl(_))), "{text}");
        }
    }

    #[test]
    fn a_secret_is_never_printed_even_if_it_got_in() {
        let url = Url::parse("https://me:hunter2@ci.example.com:8443/x?token=hunter2#hunter2").expect("a URL");
        assert_eq!(Via::Http(url).to_string(), "https://ci.example.com:8443/x");
    }
}
