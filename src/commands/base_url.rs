//! The address of a server, as `--base-url` gives it.

use url::Url;

/// The address of a server: a scheme and a host, perhaps a path, nothing else.
pub(super) fn parse(text: &str) -> Result<String, String> {
    let url = Url::parse(text).map_err(|_| "expected the address of a server, such as https://ci.example.com")?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err("expected http:// or https://".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it must not hold a user name or a password".to_owned());
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err("it must not hold a query or an anchor".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_server_is_an_address() {
        assert_eq!(parse("https://ci.example.com/"), Ok("https://ci.example.com".to_owned()));
        for text in ["ci.example.com", "ftp://ci", "https://u:p@ci", "https://ci?x", "https://ci#x"] {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
