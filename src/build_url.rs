//! The address of one build, parsed from text.
//!
//! Text from a report, a list or a database is hostile until it is parsed here. CircleCI's addresses are rebuilt from their parts, and
//! contain only characters without a meaning to a shell, to SQL or to a Clojure reader. Those of other CIs keep their letters, and contain
//! only what an address may contain (RFC 3986): no blank, no quotation mark, no control character.

use std::fmt;
use std::str::FromStr;

use url::Url;

use crate::text::Foreign;

/// How a CI writes the addresses of its builds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressForm {
    /// `https://HOST/VCS/ORG/PROJECT/NUMBER`, in several spellings: that of reports and profiles that do not say, but for profiles with a
    /// request of their own.
    #[default]
    CircleCi,
    /// Any http or https address, which means a build only letter by letter.
    AsWritten,
}

impl AddressForm {
    /// Both.
    pub const ALL: [Self; 2] = [Self::CircleCi, Self::AsWritten];

    /// Its words in a profile, and beside a report.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CircleCi => "circleci",
            Self::AsWritten => "as written",
        }
    }
}

impl FromStr for AddressForm {
    type Err = ();

    fn from_str(words: &str) -> Result<Self, ()> {
        Self::ALL.into_iter().find(|form| form.as_str() == words).ok_or(())
    }
}

/// The address of one build.
///
/// The text of one in CircleCI's form is canonical: the short name of the version control system (`gh`, `bb`), no query, no anchor, no
/// trailing slash. So two spellings of one build are equal. Others are equal where every letter is.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildUrl {
    host: String,
    form: Form,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Form {
    CircleCi(Parts),
    AsWritten(String),
}

/// The parts of an address in CircleCI's form, but for its host.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Parts {
    scheme: &'static str,
    vcs: &'static str,
    org: String,
    project: String,
    number: u64,
}

/// Why a text is not the address of a build. The caller's message shows the text and where it came from.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildUrlError {
    #[error("not a URL: {0}")]
    NotAUrl(String),
    #[error("it has more than {MAX_LENGTH} bytes")]
    TooLong,
    #[error("the scheme is {0}, not https")]
    Scheme(Foreign),
    #[error("it contains a user name or a password")]
    Credentials,
    /// The host is missing or contains a character that no host name has.
    #[error("its host is not a host name")]
    Host,
    #[error("its path is not /VCS/ORG/PROJECT/NUMBER")]
    Shape,
    /// The first segment is not a version control system.
    #[error("{0:?} is none of gh, github, bb, bitbucket, gl, gitlab, circleci")]
    Vcs(Foreign),
    /// The organisation or the project contains a character that no such name has.
    #[error("{0:?} is not the name of an organisation or a project")]
    Name(Foreign),
    #[error("{0:?} is not a build number")]
    Number(Foreign),
    #[error("it names a host, and no build there")]
    NoBuild,
    #[error("it contains a character that has to be percent-encoded in an address")]
    Character,
    #[error("it contains a % that is not followed by two hexadecimal digits")]
    PercentEncoding,
}

/// The most bytes of an address. The report's SQL cuts a longer one, and nothing may be looked up by the rest.
const MAX_LENGTH: usize = 4096;

/// The spellings of each version control system, the canonical one first.
const VCS: [&[&str]; 4] = [&["gh", "github"], &["bb", "bitbucket"], &["gl", "gitlab"], &["circleci"]];

impl BuildUrl {
    /// Parses an address in CircleCI's form as people paste it. `/github/` counts as `/gh/`; a trailing slash, a query and an anchor are
    /// dropped.
    ///
    /// # Errors
    /// Anything that is not `http(s)://HOST/VCS/ORG/PROJECT/NUMBER` with plain names.
    pub fn parse(text: &str) -> Result<Self, BuildUrlError> {
        let (text, url) = address(text)?;
        let segments: Vec<&str> = url.path_segments().ok_or(BuildUrlError::Shape)?.collect();
        // The parser silently drops tabs and newlines and resolves `..`. A path that it changes is not a build's.
        let [vcs, org, project, number] = match segments.as_slice() {
            [four @ .., ""] if four.len() == 4 => [four[0], four[1], four[2], four[3]],
            four if four.len() == 4 => [four[0], four[1], four[2], four[3]],
            _ => return Err(BuildUrlError::Shape),
        };
        let before_query = text.split(['?', '#']).next().unwrap_or_default();
        if !before_query.contains(&format!("/{vcs}/{org}/{project}/{number}")) {
            return Err(BuildUrlError::Shape);
        }
        let parts = Parts {
            scheme: scheme(&url)?,
            vcs: canonical_vcs(vcs).ok_or_else(|| BuildUrlError::Vcs(Foreign::name(vcs)))?,
            org: name(org)?,
            project: name(project)?,
            number: build_number(number)?,
        };
        Ok(Self { host: host_and_port(&url)?, form: Form::CircleCi(parts) })
    }

    /// Parses an address of which every letter counts. Blanks around it are dropped.
    ///
    /// # Errors
    /// Anything that is not an http or https address of something on a host, written as RFC 3986 asks for.
    pub fn parse_as_written(text: &str) -> Result<Self, BuildUrlError> {
        let (text, url) = address(text)?;
        if !text.chars().all(may_be_in_an_address) {
            return Err(BuildUrlError::Character);
        }
        if !is_percent_encoded(text) {
            return Err(BuildUrlError::PercentEncoding);
        }
        let scheme = scheme(&url)?;
        let after_scheme = text.strip_prefix(scheme).and_then(|rest| rest.strip_prefix("://"));
        let after_scheme = after_scheme.ok_or_else(|| BuildUrlError::Scheme(Foreign::name(text)))?;
        let (authority, rest) = after_scheme.split_at(after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len()));
        // The parser rewrites some hosts, such as 0x7f.1. What is confirmed has to be what stands there.
        let host = host_and_port(&url)?;
        let with_port =
            url.port_or_known_default().map(|port| format!("{}:{port}", url.host_str().unwrap_or_default()));
        let authority = authority.to_ascii_lowercase();
        if authority != host && Some(authority) != with_port {
            return Err(BuildUrlError::Host);
        }
        if matches!(rest, "" | "/") {
            return Err(BuildUrlError::NoBuild);
        }
        Ok(Self { host, form: Form::AsWritten(text.to_owned()) })
    }

    /// Parses an address as the profile of its CI asks for.
    ///
    /// # Errors
    /// As [`Self::parse`] or [`Self::parse_as_written`].
    pub fn parse_in(form: AddressForm, text: &str) -> Result<Self, BuildUrlError> {
        match form {
            AddressForm::CircleCi => Self::parse(text),
            AddressForm::AsWritten => Self::parse_as_written(text),
        }
    }

    /// Parses an address where no profile says how it is written: in CircleCI's form if it has that, else as written.
    ///
    /// # Errors
    /// As [`Self::parse_as_written`].
    pub fn parse_in_any_form(text: &str) -> Result<Self, BuildUrlError> {
        Self::parse(text).or_else(|_| Self::parse_as_written(text))
    }

    /// The host, with its port unless that is the scheme's default. `--confirm` names it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// How it is written. CircleCI's form alone may be pasted into a Clojure console.
    pub fn form(&self) -> AddressForm {
        match self.form {
            Form::CircleCi(_) => AddressForm::CircleCi,
            Form::AsWritten(_) => AddressForm::AsWritten,
        }
    }

    /// `org/project`, as in a profile; `None` where the address does not say.
    pub fn project(&self) -> Option<String> {
        let parts = self.parts()?;
        Some(format!("{}/{}", parts.org, parts.project))
    }

    /// The build's number within its project; `None` where the address does not say.
    pub fn number(&self) -> Option<u64> {
        Some(self.parts()?.number)
    }

    /// Whether it has the number of a build, and its project where that is named as `org/project`. An address that says neither has.
    pub fn names(&self, number: Option<i64>, project: Option<&str>) -> bool {
        let (Some(own_number), Some(own_project)) = (self.number(), self.project()) else { return true };
        let same_number = number.is_some_and(|number| u64::try_from(number) == Ok(own_number));
        let named = project.filter(|project| project.contains('/'));
        same_number && named.is_none_or(|project| project.eq_ignore_ascii_case(&own_project))
    }

    /// All spellings of this address that a database may hold, the canonical one first.
    pub fn spellings(&self) -> Vec<String> {
        match &self.form {
            Form::CircleCi(parts) => {
                let names = VCS.iter().find(|names| names[0] == parts.vcs).copied().unwrap_or_default();
                names.iter().map(|vcs| parts.spelled(&self.host, vcs)).collect()
            }
            Form::AsWritten(text) => vec![text.clone()],
        }
    }

    /// Whether this may be the same build under another name of the server, or in another case.
    pub fn resembles(&self, other: &Self) -> bool {
        let place = |parts: &Parts| (parts.vcs, parts.org.to_lowercase(), parts.project.to_lowercase(), parts.number);
        match (&self.form, &other.form) {
            (Form::CircleCi(own), Form::CircleCi(other)) => place(own) == place(other),
            (Form::AsWritten(own), Form::AsWritten(other)) => place_as_written(own) == place_as_written(other),
            (Form::CircleCi(_), Form::AsWritten(_)) | (Form::AsWritten(_), Form::CircleCi(_)) => false,
        }
    }

    /// What follows the host in lower case, without a slash at its end: addresses that agree in it may mean one build.
    pub fn place(&self) -> String {
        place_as_written(&self.to_string())
    }

    /// Whether both belong to one version control system. The same name in two systems is two builds.
    pub fn has_same_vcs(&self, other: &Self) -> bool {
        self.parts().map(|parts| parts.vcs) == other.parts().map(|parts| parts.vcs)
    }

    fn parts(&self) -> Option<&Parts> {
        match &self.form {
            Form::CircleCi(parts) => Some(parts),
            Form::AsWritten(_) => None,
        }
    }
}

impl Parts {
    fn spelled(&self, host: &str, vcs: &str) -> String {
        let Self { scheme, org, project, number, .. } = self;
        format!("{scheme}://{host}/{vcs}/{org}/{project}/{number}")
    }
}

impl fmt::Display for BuildUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.form {
            Form::CircleCi(parts) => f.write_str(&parts.spelled(&self.host, parts.vcs)),
            Form::AsWritten(text) => f.write_str(text),
        }
    }
}

/// An http or https address without credentials, trimmed and as the parser sees it.
fn address(text: &str) -> Result<(&str, Url), BuildUrlError> {
    let text = text.trim();
    if text.len() > MAX_LENGTH {
        return Err(BuildUrlError::TooLong);
    }
    let url = Url::parse(text).map_err(|error| BuildUrlError::NotAUrl(error.to_string()))?;
    scheme(&url)?;
    if !url.username().is_empty() || url.password().is_some() {
        return Err(BuildUrlError::Credentials);
    }
    Ok((text, url))
}

fn scheme(url: &Url) -> Result<&'static str, BuildUrlError> {
    match url.scheme() {
        "http" => Ok("http"),
        "https" => Ok("https"),
        other => Err(BuildUrlError::Scheme(Foreign::name(other))),
    }
}

/// The characters of RFC 3986 (2.2 and 2.3), and %.
fn may_be_in_an_address(c: char) -> bool {
    c.is_ascii_alphanumeric() || "-._~:/?#[]@!$&'()*+,;=%".contains(c)
}

fn is_percent_encoded(text: &str) -> bool {
    let is_hexadecimal = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
    let bytes = text.as_bytes();
    let percents = bytes.iter().enumerate().filter(|(_, byte)| **byte == b'%');
    percents.into_iter().all(|(place, _)| is_hexadecimal(bytes.get(place + 1)) && is_hexadecimal(bytes.get(place + 2)))
}

/// As the part `build_by_address` of sql/engine/relations.sql has it.
fn place_as_written(address: &str) -> String {
    let after_scheme = address.split_once("://").map_or(address, |(_, rest)| rest);
    let place = &after_scheme[after_scheme.find(['/', '?', '#']).unwrap_or(after_scheme.len())..];
    place.trim_end_matches('/').to_ascii_lowercase()
}

fn host_and_port(url: &Url) -> Result<String, BuildUrlError> {
    let host = url.host_str().ok_or(BuildUrlError::Host)?;
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
    if host.is_empty() || !host.chars().all(plain) {
        return Err(BuildUrlError::Host);
    }
    Ok(match url.port() {
        Some(port) => format!("{host}:{port}"),
        None => host.to_owned(),
    })
}

fn canonical_vcs(segment: &str) -> Option<&'static str> {
    VCS.iter().find(|names| names.contains(&segment)).map(|names| names[0])
}

/// GitHub, GitLab and Bitbucket allow letters, digits, `.`, `_` and `-` in such names.
fn name(segment: &str) -> Result<String, BuildUrlError> {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    let dots_only = segment.chars().all(|c| c == '.');
    if dots_only || !segment.chars().all(plain) {
        return Err(BuildUrlError::Name(Foreign::name(segment)));
    }
    Ok(segment.to_owned())
}

fn build_number(segment: &str) -> Result<u64, BuildUrlError> {
    let error = || BuildUrlError::Number(Foreign::name(segment));
    if segment.starts_with('0') || !segment.bytes().all(|b| b.is_ascii_digit()) {
        return Err(error());
    }
    segment.parse().map_err(|_| error())
}

#[cfg(test)]
#[path = "build_url_tests.rs"]
mod tests;
