//! How a CI server deletes a build by HTTP, as the headers of its profile say.

use std::collections::BTreeMap;
use std::fmt;

/// The headers of a profile that say it. Without the first one the others mean nothing.
pub const HEADERS: [&str; 6] = [DELETE, CANCEL, TOKEN, GONE, REFUSED, DENIED];

const DELETE: &str = "delete";
const CANCEL: &str = "cancel";
const TOKEN: &str = "token";
const GONE: &str = "gone";
const REFUSED: &str = "refused";
const DENIED: &str = "denied";

/// What a status code means where no header says so.
const USUAL: [(CodeMeaning, [u16; 2]); 3] =
    [(CodeMeaning::Gone, [404, 410]), (CodeMeaning::Refused, [409, 422]), (CodeMeaning::Denied, [401, 403])];

/// Codes by which a server asks to wait.
const BUSY: [u16; 2] = [429, 503];

/// The longest name of a header that is accepted, in characters.
const NAME_LENGTH: usize = 60;

/// Headers by which a request is framed or routed: no token goes there.
const HEADERS_OF_HTTP: [&str; 12] = [
    "accept",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];

/// Words for the form of a token that may be taken for the name of its header, and what is written in their place.
const SCHEMES: [(&str, &str); 4] = [
    ("basic", "Basic"),
    ("bearer", "Authorization Bearer"),
    ("token", "Authorization token"),
    ("digest", "Basic or Authorization Bearer: Digest is not supported"),
];

/// Whether HTTP itself needs the header of this name, so that it cannot carry a token.
pub fn is_header_of_http(name: &str) -> bool {
    HEADERS_OF_HTTP.iter().any(|header| name.eq_ignore_ascii_case(header))
}

/// How a server deletes a build by HTTP: the method, the header of the token, and what its answers mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpDeletion {
    pub delete: Method,
    /// By what a build that runs is cancelled before it is deleted; `None` where the server deletes what runs.
    pub cancel: Option<Method>,
    /// `None` where the profile does not say.
    pub token: Option<TokenHeader>,
    codes: BTreeMap<u16, CodeMeaning>,
}

/// The method of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    Delete,
    Post,
    Put,
    Patch,
    /// To cancel only: some servers cancel by it.
    Get,
}

/// The header in which the token goes, and the word before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenHeader {
    /// This header, with the token as it is.
    Plain(String),
    /// This header, with a word before the token: Bearer, token or Token.
    Word(String, &'static str),
    /// `Authorization: Basic`, for a token of the form `user:password`.
    Basic,
}

/// What a status code says of the build.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum CodeMeaning {
    /// There is no such build.
    Gone,
    /// This build is not deleted.
    Refused,
    /// Nothing is deleted for this token.
    Denied,
}

/// A header with a fault.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{header} {value:?}: {fault}")]
pub struct HeaderFault {
    pub header: &'static str,
    value: String,
    fault: String,
}

impl HttpDeletion {
    /// Reads the headers of a profile, by name; `None` where it has none of [`HEADERS`].
    ///
    /// # Errors
    /// The first fault.
    pub fn read(headers: &BTreeMap<&str, &str>) -> Result<Option<Self>, HeaderFault> {
        let value = |header: &'static str| headers.get(header).copied();
        let Some(delete) = value(DELETE) else {
            let alone = HEADERS.into_iter().find_map(|header| Some((header, value(header)?)));
            return match alone {
                None => Ok(None),
                Some((header, value)) => {
                    Err(fault(header, value, "expected the header \"-- delete: METHOD\" beside it"))
                }
            };
        };
        Ok(Some(Self {
            delete: method(DELETE, delete, &Method::DELETING)?,
            cancel: value(CANCEL).map(|cancel| method(CANCEL, cancel, &Method::ALL)).transpose()?,
            token: value(TOKEN).map(token).transpose()?,
            codes: codes(value)?,
        }))
    }

    /// What a status code means; `None` where the profile leaves that to HTTP.
    pub fn meaning(&self, code: u16) -> Option<CodeMeaning> {
        self.codes.get(&code).copied()
    }

    /// The codes of a meaning, in order.
    pub fn codes_of(&self, meaning: CodeMeaning) -> impl Iterator<Item = u16> {
        self.codes.iter().filter(move |(_, found)| **found == meaning).map(|(code, _)| *code)
    }
}

impl Method {
    const ALL: [Self; 5] = [Self::Delete, Self::Post, Self::Put, Self::Patch, Self::Get];
    /// Those that may delete.
    const DELETING: [Self; 4] = [Self::Delete, Self::Post, Self::Put, Self::Patch];

    /// Its name in HTTP.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Delete => "DELETE",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Get => "GET",
        }
    }

    /// Whether a server expects a body, if only an empty one.
    pub fn has_body(self) -> bool {
        matches!(self, Self::Post | Self::Put | Self::Patch)
    }
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl TokenHeader {
    /// The words that may stand before a token. To some servers their case matters.
    const WORDS: [&str; 3] = ["Bearer", "token", "Token"];
    /// The header of the scheme Basic (RFC 7617).
    const AUTHORIZATION: &str = "Authorization";

    /// The name of the header.
    pub fn name(&self) -> &str {
        match self {
            Self::Plain(name) | Self::Word(name, _) => name,
            Self::Basic => Self::AUTHORIZATION,
        }
    }
}

impl fmt::Display for TokenHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Plain(name) => f.write_str(name),
            Self::Word(name, word) => write!(f, "{name} {word}"),
            Self::Basic => write!(f, "{} Basic", Self::AUTHORIZATION),
        }
    }
}

impl CodeMeaning {
    /// The header that lists the codes of this meaning.
    pub fn header(self) -> &'static str {
        match self {
            Self::Gone => GONE,
            Self::Refused => REFUSED,
            Self::Denied => DENIED,
        }
    }
}

fn fault(header: &'static str, value: &str, fault: impl Into<String>) -> HeaderFault {
    HeaderFault { header, value: value.to_owned(), fault: fault.into() }
}

fn method(header: &'static str, value: &str, allowed: &[Method]) -> Result<Method, HeaderFault> {
    let found = allowed.iter().find(|method| method.as_str() == value);
    let names: Vec<&str> = allowed.iter().map(|method| method.as_str()).collect();
    found.copied().ok_or_else(|| fault(header, value, format!("expected one of {}", names.join(", "))))
}

fn token(value: &str) -> Result<TokenHeader, HeaderFault> {
    let words: Vec<&str> = value.split_ascii_whitespace().collect();
    let expected = "expected HEADER, HEADER with Bearer, token or Token after it, or Basic";
    let (name, word) = match words.as_slice() {
        ["Basic"] => return Ok(TokenHeader::Basic),
        [name] => (*name, None),
        [name, word] => {
            let word = TokenHeader::WORDS.into_iter().find(|known| known == word);
            (*name, Some(word.ok_or_else(|| fault(TOKEN, value, expected))?))
        }
        _ => return Err(fault(TOKEN, value, expected)),
    };
    // RFC 9110, section 5.6.2.
    let is_of_name = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if !name.chars().all(is_of_name) || name.len() > NAME_LENGTH {
        return Err(fault(TOKEN, value, expected));
    }
    if word.is_none() {
        // A scheme is no header: the token would go out as it is under this name.
        let scheme = SCHEMES.iter().find(|(scheme, _)| name.eq_ignore_ascii_case(scheme));
        if let Some((_, meant)) = scheme {
            return Err(fault(TOKEN, value, format!("it is no header: expected {meant}")));
        }
    }
    if is_header_of_http(name) {
        return Err(fault(TOKEN, value, "no token is sent in this header"));
    }
    Ok(match word {
        None => TokenHeader::Plain(name.to_owned()),
        Some(word) => TokenHeader::Word(name.to_owned(), word),
    })
}

/// What the codes mean: by the headers, and else as usual. A header says all codes of its meaning.
fn codes<'a>(value: impl Fn(&'static str) -> Option<&'a str>) -> Result<BTreeMap<u16, CodeMeaning>, HeaderFault> {
    let mut codes = BTreeMap::new();
    for (meaning, _) in USUAL {
        let header = meaning.header();
        let Some(listed) = value(header) else { continue };
        for word in listed.split([',', ' ', '\t']).filter(|word| !word.is_empty()) {
            let code = code(word).map_err(|why| fault(header, listed, why))?;
            match codes.insert(code, meaning) {
                None => {}
                Some(other) if other == meaning => return Err(fault(header, listed, format!("{code} appears twice"))),
                Some(other) => {
                    return Err(fault(header, listed, format!("{code} is in {other} too", other = other.header())));
                }
            }
        }
        if !codes.values().any(|found| *found == meaning) {
            return Err(fault(header, listed, "expected status codes, such as 404 410"));
        }
    }
    for (meaning, usual) in USUAL.into_iter().filter(|(meaning, _)| value(meaning.header()).is_none()) {
        for code in usual {
            codes.entry(code).or_insert(meaning);
        }
    }
    Ok(codes)
}

fn code(word: &str) -> Result<u16, String> {
    let digits = word.len() == 3 && word.bytes().all(|byte| byte.is_ascii_digit());
    match word.parse::<u16>().ok().filter(|_| digits) {
        Some(busy) if BUSY.contains(&busy) => Err(format!("{busy} always asks to wait")),
        Some(code @ 400..=599) => Ok(code),
        Some(other) => Err(format!("{other}: expected a code from 400 to 599")),
        None => Err(format!("{word:?} is not a status code")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &'static str) -> Result<Option<HttpDeletion>, String> {
        let headers = text.lines().filter_map(|line| line.split_once(": ")).collect();
        HttpDeletion::read(&headers).map_err(|fault| fault.to_string())
    }

    fn found(text: &'static str) -> HttpDeletion {
        read(text).expect(text).expect(text)
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(read(""), Ok(None));
        let deletion = found("delete: DELETE");
        assert_eq!((deletion.delete, deletion.cancel, &deletion.token), (Method::Delete, None, &None));
        let of = |meaning| deletion.codes_of(meaning).collect::<Vec<_>>();
        assert_eq!(of(CodeMeaning::Gone), [404, 410]);
        assert_eq!(of(CodeMeaning::Refused), [409, 422]);
        assert_eq!(of(CodeMeaning::Denied), [401, 403]);
        assert_eq!(deletion.meaning(500), None);
    }

    #[test]
    fn everything_can_be_said() {
        let deletion = found("delete: POST\ncancel: GET\ngone: 404\nrefused: 400, 403\t422\ndenied: 401");
        assert_eq!((deletion.delete, deletion.cancel), (Method::Post, Some(Method::Get)));
        let meaning = |code| deletion.meaning(code);
        assert_eq!([404, 410].map(meaning), [Some(CodeMeaning::Gone), None]);
        assert_eq!(
            [400, 403, 422, 409].map(meaning),
            [const { Some(CodeMeaning::Refused) }; 3].into_iter().chain([None]).collect::<Vec<_>>()[..]
        );
        assert_eq!(meaning(401), Some(CodeMeaning::Denied));
        // A code that one header names is taken from where it usually belongs.
        assert_eq!(found("delete: PUT\nrefused: 403").meaning(403), Some(CodeMeaning::Refused));
        for (text, token) in [
            ("delete: PATCH\ntoken: PRIVATE-TOKEN", TokenHeader::Plain("PRIVATE-TOKEN".to_owned())),
            ("delete: PATCH\ntoken: Authorization Bearer", TokenHeader::Word("Authorization".to_owned(), "Bearer")),
            ("delete: PATCH\ntoken: Authorization  token", TokenHeader::Word("Authorization".to_owned(), "token")),
            ("delete: PATCH\ntoken: X Token", TokenHeader::Word("X".to_owned(), "Token")),
            ("delete: PATCH\ntoken: Basic", TokenHeader::Basic),
        ] {
            assert_eq!(found(text).token, Some(token), "{text}");
        }
        assert_eq!(TokenHeader::Basic.name(), "Authorization");
    }

    #[test]
    fn what_cannot_be_is_named() {
        for (text, fault) in [
            ("delete: delete", "delete \"delete\": expected one of DELETE, POST, PUT, PATCH"),
            ("delete: GET", "delete \"GET\": expected one of DELETE, POST, PUT, PATCH"),
            ("delete: DELETE\ncancel: HEAD", "cancel \"HEAD\": expected one of DELETE, POST, PUT, PATCH, GET"),
            ("cancel: POST", "cancel \"POST\": expected the header \"-- delete: METHOD\" beside it"),
            ("denied: 401", "denied \"401\": expected the header \"-- delete: METHOD\" beside it"),
            ("delete: DELETE\ngone: 204", "gone \"204\": 204: expected a code from 400 to 599"),
            ("delete: DELETE\ngone: 600", "gone \"600\": 600: expected a code from 400 to 599"),
            ("delete: DELETE\nrefused: 429", "refused \"429\": 429 always asks to wait"),
            ("delete: DELETE\ndenied: 401,503", "denied \"401,503\": 503 always asks to wait"),
            ("delete: DELETE\ngone: 4O4", "gone \"4O4\": \"4O4\" is not a status code"),
            ("delete: DELETE\ngone: +404", "gone \"+404\": \"+404\" is not a status code"),
            ("delete: DELETE\ngone: 404 404", "gone \"404 404\": 404 appears twice"),
            ("delete: DELETE\ngone: 404\nrefused: 404", "refused \"404\": 404 is in gone too"),
            ("delete: DELETE\ngone: ,", "gone \",\": expected status codes, such as 404 410"),
            ("delete: DELETE\ntoken: basic", "token \"basic\": it is no header: expected Basic"),
            ("delete: DELETE\ntoken: BASIC", "token \"BASIC\": it is no header: expected Basic"),
            ("delete: DELETE\ntoken: bearer", "token \"bearer\": it is no header: expected Authorization Bearer"),
            ("delete: DELETE\ntoken: Token", "token \"Token\": it is no header: expected Authorization token"),
            (
                "delete: DELETE\ntoken: Digest",
                "token \"Digest\": it is no header: expected Basic or Authorization Bearer: Digest is not supported",
            ),
            ("delete: DELETE\ntoken: Host", "token \"Host\": no token is sent in this header"),
        ] {
            assert_eq!(read(text), Err(fault.to_owned()), "{text}");
        }
        for token in ["A bearer", "A Basic", "Basic x", "A Bearer x", "X-T\u{e9}", "A:", "A,B"] {
            let headers = BTreeMap::from([("delete", "DELETE"), ("token", token)]);
            let fault = HttpDeletion::read(&headers).expect_err(token).to_string();
            assert!(fault.starts_with("token ") && fault.contains("expected HEADER"), "{fault}");
        }
    }

    proptest::proptest! {
        #[test]
        fn every_code_has_one_meaning_and_none_that_asks_to_wait_has_any(
            gone in "[0-9, ]{0,16}", refused in "(4[0-9]{2} ?){0,3}", denied in "(5[0-9]{2},?){0,3}"
        ) {
            let headers = BTreeMap::from([("delete", "DELETE"), ("gone", &*gone), ("refused", &*refused), ("denied", &*denied)]);
            if let Ok(Some(deletion)) = HttpDeletion::read(&headers) {
                for code in 0..1000 {
                    let lists = [CodeMeaning::Gone, CodeMeaning::Refused, CodeMeaning::Denied];
                    let listed = lists.into_iter().filter(|meaning| deletion.codes_of(*meaning).any(|found| found == code));
                    proptest::prop_assert_eq!(listed.collect::<Vec<_>>(), deletion.meaning(code).into_iter().collect::<Vec<_>>());
                    let may_mean = (400..600).contains(&code) && !BUSY.contains(&code);
                    proptest::prop_assert!(may_mean || deletion.meaning(code).is_none());
                }
            }
        }
    }
}
