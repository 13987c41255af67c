//! URLs of builds, as people paste them and databases hold them.

use halfbuilt::build_url::BuildUrl;

/// A build URL prints plain characters and reads back the same. An error is printable.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let url = match BuildUrl::parse(text) {
        Ok(url) => url,
        Err(error) => return super::assert_error_printable(&error),
    };
    assert_plain(&url);
    let shown = url.to_string();
    let again = |text: &str| BuildUrl::parse(text).unwrap_or_else(|error| panic!("{text:?} of {shown:?}: {error}"));
    for spelling in url.spellings().into_iter().chain([
        format!(" {shown}/\r\n"),
        format!("{shown}?tab=steps#queue"),
        format!("{shown}/?a=/gh/other/project/1"),
    ]) {
        assert_eq!(again(&spelling), url, "{spelling}");
    }
    assert_eq!(url.spellings().first(), Some(&shown));
    assert!(url.resembles(&url) && url.has_same_vcs(&url));
    let (scheme, rest) = shown.split_once("://").expect("a scheme");
    assert!(matches!(scheme, "http" | "https"));
    let parts: Vec<&str> = rest.split('/').collect();
    assert_eq!(parts[0], url.host());
    assert_eq!(format!("{}/{}", parts[2], parts[3]), url.project());
    assert_eq!((parts.len(), parts[4]), (5, url.number().to_string().as_str()));
    // No name was decoded, folded or cut: what is deleted stands in the text, letter by letter.
    let path = text.split(['?', '#']).next().unwrap_or_default();
    assert!(path.contains(&format!("/{}/{}", url.project(), url.number())), "{text:?} became {shown}");
}

/// It contains no character with a meaning to a shell, to SQL, to a Clojure reader or to a terminal.
pub fn assert_plain(url: &BuildUrl) {
    let shown = url.to_string();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._:/[]".contains(c);
    assert!(shown.chars().all(plain), "{shown:?} is not plain");
}
