//! One spelling for the host names that people and configurations write: without scheme, path, port and brackets, in small letters.

use std::net::IpAddr;

/// The host in a text; `None` where there is none.
pub(super) fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    let text = text.split(['/', '?', '#', '\\']).next().unwrap_or_default();
    let text = text.rsplit_once('@').map_or(text, |(_, host)| host);
    let host = match text.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => match text.rsplit_once(':') {
            Some((host, port)) if !host.contains(':') && port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            _ => text,
        },
    };
    let host = host.trim_end_matches('.').to_lowercase();
    if let Ok(address) = host.parse::<IpAddr>() {
        return Some(address.to_canonical().to_string());
    }
    let is_name = host.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '-' | '_'));
    (is_name && !host.is_empty()).then_some(host)
}

/// What `--host` names.
///
/// # Errors
/// It names no host.
pub fn named_host(text: &str) -> Result<String, String> {
    plain(text).ok_or_else(|| "expected a host name, such as ci.example.com".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_spelling_of_a_host_is_one() {
        for text in [
            "ci.example.com",
            " CI.Example.com. ",
            "https://ci.example.com/",
            "http://me:hunter2@ci.example.com:8443/a?b#c",
            "ci.example.com:443",
            "ci.example.com:",
        ] {
            assert_eq!(plain(text).as_deref(), Some("ci.example.com"), "{text}");
        }
        for text in ["[2001:DB8::5]:443", "https://[2001:db8:0::5]/", "2001:db8::5"] {
            assert_eq!(plain(text).as_deref(), Some("2001:db8::5"), "{text}");
        }
        assert_eq!(plain("10.0.1.7:443").as_deref(), Some("10.0.1.7"));
        for text in ["", " ", "https://", ":443", ".", "[]", "a b", "password=hunter2"] {
            assert_eq!(plain(text), None, "{text}");
        }
    }
}
