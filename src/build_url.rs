//! The URL of one build, parsed from text and rebuilt from its parts.
//!
//! Text from a report, a list or a database is hostile until [`BuildUrl::parse`] accepts it. A [`BuildUrl`] contains only characters
//! without a meaning to a shell, to SQL or to a Clojure reader.

use std::fmt;

use url::Url;

use crate::text::Foreign;

/// The URL of one build: `https://HOST/VCS/ORG/PROJECT/NUMBER`.
///
/// Its text is canonical: the short name of the version control system (`gh`, `bb`), no query, no anchor, no trailing slash. So two
/// spellings of one build are equal.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BuildUrl {
    scheme: Scheme,
    host: String,
    vcs: &'static str,
    org: String,
    project: String,
    number: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scheme {
    Http,
    Https,
}

/// Why a text is not the URL of a build. The caller's message shows the text and where it came from.
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
}

/// The most bytes of a URL. The report's SQL cuts a longer one, and nothing may be looked up by the rest.
const MAX_LENGTH: usize = 4096;

/// The spellings of each version control system, the canonical one first.
const VCS: [&[&str]; 4] = [&["gh", "github"], &["bb", "bitbucket"], &["gl", "gitlab"], &["circleci"]];

impl BuildUrl {
    /// Parses the URL of a build as people paste it. `/github/` counts as `/gh/`; a trailing slash, a query and an anchor are dropped.
    ///
    /// # Errors
    /// Anything that is not `http(s)://HOST/VCS/ORG/PROJECT/NUMBER` with plain names.
    pub fn parse(text: &str) -> Result<Self, BuildUrlError> {
        let text = text.trim();
        if text.len() > MAX_LENGTH {
            return Err(BuildUrlError::TooLong);
        }
        let url = Url::parse(text).map_err(|error| BuildUrlError::NotAUrl(error.to_string()))?;
        let scheme = match url.scheme() {
            "http" => Scheme::Http,
            "https" => Scheme::Https,
            other => return Err(BuildUrlError::Scheme(Foreign::name(other))),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BuildUrlError::Credentials);
        }
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
        Ok(Self {
            scheme,
            host: host_and_port(&url)?,
            vcs: canonical_vcs(vcs).ok_or_else(|| BuildUrlError::Vcs(Foreign::name(vcs)))?,
            org: name(org)?,
            project: name(project)?,
            number: build_number(number)?,
        })
    }

    /// The host, with its port unless that is the scheme's default. `--confirm` names it.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// `org/project`, as in a profile.
    pub fn project(&self) -> String {
        format!("{}/{}", self.org, self.project)
    }

    /// The build's number within its project.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Whether it has the number of a build, and its project where that is named as `org/project`.
    pub fn names(&self, number: Option<i64>, project: Option<&str>) -> bool {
        let same_number = number.is_some_and(|own| u64::try_from(own) == Ok(self.number));
        let named = project.filter(|project| project.contains('/'));
        same_number && named.is_none_or(|project| project.eq_ignore_ascii_case(&self.project()))
    }

    /// All spellings of this URL that a database may hold, the canonical one first.
    pub fn spellings(&self) -> Vec<String> {
        let names = VCS.iter().find(|names| names[0] == self.vcs).copied().unwrap_or_default();
        names.iter().map(|vcs| self.spelled(vcs)).collect()
    }

    /// Whether this may be the same build under another name of the server, or in another case.
    pub fn resembles(&self, other: &Self) -> bool {
        let place = |url: &Self| (url.vcs, url.org.to_lowercase(), url.project.to_lowercase(), url.number);
        place(self) == place(other)
    }

    /// Whether both belong to one version control system. The same name in two systems is two builds.
    pub fn has_same_vcs(&self, other: &Self) -> bool {
        self.vcs == other.vcs
    }

    fn spelled(&self, vcs: &str) -> String {
        let scheme = match self.scheme {
            Scheme::Http => "http",
            Scheme::Https => "https",
        };
        let Self { host, org, project, number, .. } = self;
        format!("{scheme}://{host}/{vcs}/{org}/{project}/{number}")
    }
}

impl fmt::Display for BuildUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.spelled(self.vcs))
    }
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
mod tests {
    use super::*;

    const CANONICAL: &str = "https://ci.example.com/gh/acme/api/1234";

    #[test]
    fn the_spellings_people_paste_are_one_build() {
        for pasted in [
            CANONICAL,
            "https://ci.example.com/github/acme/api/1234",
            "https://ci.example.com/gh/acme/api/1234/",
            "https://ci.example.com/gh/acme/api/1234?tab=steps",
            "https://ci.example.com/gh/acme/api/1234#queue",
            "https://CI.example.com:443/gh/acme/api/1234",
            "  https://ci.example.com/gh/acme/api/1234\r\n",
        ] {
            let url = BuildUrl::parse(pasted).unwrap_or_else(|error| panic!("{pasted}: {error}"));
            assert_eq!(url.to_string(), CANONICAL, "{pasted}");
        }
    }

    #[test]
    fn it_is_split_into_its_parts() {
        let url = BuildUrl::parse("http://127.0.0.1:8080/bb/acme/web.site/7").expect("a build URL");
        assert_eq!(url.host(), "127.0.0.1:8080");
        assert_eq!(url.project(), "acme/web.site");
        assert_eq!(url.number(), 7);
        assert_eq!(
            url.spellings(),
            ["http://127.0.0.1:8080/bb/acme/web.site/7", "http://127.0.0.1:8080/bitbucket/acme/web.site/7"]
        );
    }

    #[test]
    fn what_is_not_a_build_is_refused() {
        for hostile in [
            "",
            "/gh/acme/api/1234",
            "ci.example.com/gh/acme/api/1234",
            "ftp://ci.example.com/gh/acme/api/1234",
            "https://user:secret@ci.example.com/gh/acme/api/1234",
            "https://ci.example.com/gh/acme/api",
            "https://ci.example.com/gh/acme/api/1234/artifacts",
            "https://ci.example.com/gh/acme/../1234",
            "https://ci.example.com/gh/acme/x/../api/1234",
            "https://ci.example.com/gh/acme/a\tpi/1234",
            "https://ci.example.com/gh/acme/a\tpi/1234?/gh/acme/api/1234",
            "https://ci.example.com/gh/acme/x/../api/1234#/gh/acme/api/1234",
            "https://ci.example.com/svn/acme/api/1234",
            "https://ci.example.com/gh/acme/api/12a4",
            "https://ci.example.com/gh/acme/api/-1",
            "https://ci.example.com/gh/acme/api/007",
            "https://ci.example.com/gh/acme/api/99999999999999999999",
            "https://ci.example.com/gh/acme/api\")(System/exit 0)(\"/1",
            "https://ci.example.com/gh/acme/api%22/1",
            "https://ci.example.com/gh//api/1",
            "\")(System/exit 0)(\"",
        ] {
            assert!(BuildUrl::parse(hostile).is_err(), "{hostile:?} was accepted as a build");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_parses_is_plain_and_parses_again(text in "(https?://)?[ -~]{0,20}/(gh|bb|github)/[ -~]{0,12}/[ -~]{0,12}/[0-9]{1,19}[ -~]{0,4}") {
            if let Ok(url) = BuildUrl::parse(&text) {
                let shown = url.to_string();
                let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/[]".contains(c);
                proptest::prop_assert!(shown.chars().all(plain), "{}", shown);
                proptest::prop_assert_eq!(BuildUrl::parse(&shown), Ok(url));
            }
        }
    }
}
