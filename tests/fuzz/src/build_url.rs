//! URLs of builds, as people paste them and databases hold them.

use halfbuilt::build_url::{AddressForm, BuildUrl};

/// An address prints plain characters and reads back the same, whichever form it has. An error is printable.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    check_as_written(text);
    check_in_the_form_of_circleci(text);
}

fn check_as_written(text: &str) {
    let url = match BuildUrl::parse_as_written(text) {
        Ok(url) => url,
        Err(error) => return super::assert_error_printable(&error),
    };
    assert_plain(&url);
    let shown = url.to_string();
    assert_eq!(shown, text.trim());
    assert_eq!(url.spellings(), [shown.as_str()]);
    assert_eq!((url.number(), url.project()), (None, None));
    assert_eq!(BuildUrl::parse_as_written(&format!("\t{shown}\r\n")).as_ref(), Ok(&url));
    assert!(url.resembles(&url) && BuildUrl::parse_in_any_form(text).is_ok());
    // Whoever follows it comes to the host that is confirmed.
    let (_, rest) = shown.split_once("://").expect("a scheme");
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default().to_lowercase();
    let default = if shown.starts_with("https") { ":443" } else { ":80" };
    assert_eq!(authority.strip_suffix(default).unwrap_or(&authority), url.host());
}

fn check_in_the_form_of_circleci(text: &str) {
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
    let (project, number) = (url.project().expect("a project"), url.number().expect("a number"));
    assert_eq!(format!("{}/{}", parts[2], parts[3]), project);
    assert_eq!((parts.len(), parts[4]), (5, number.to_string().as_str()));
    // No name was decoded, folded or cut: what is deleted stands in the text, letter by letter.
    let path = text.split(['?', '#']).next().unwrap_or_default();
    assert!(path.contains(&format!("/{project}/{number}")), "{text:?} became {shown}");
}

/// It contains no character with a meaning to a terminal or in a quoted text; in CircleCI's form none with a meaning to a shell, to SQL or to a
/// Clojure reader either.
pub fn assert_plain(url: &BuildUrl) {
    let shown = url.to_string();
    let others = match url.form() {
        AddressForm::CircleCi => "-._:/[]",
        AddressForm::AsWritten => "-._~:/?#[]@!$&'()*+,;=%",
    };
    let plain = |c: char| c.is_ascii_alphanumeric() || others.contains(c);
    assert!(shown.chars().all(plain), "{shown:?} is not plain");
}
