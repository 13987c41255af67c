//! libpq's connection strings, password files and service files.

use halfbuilt::fuzzing::{connection_string, password, service};

/// A connection string means the same in another spelling. An entry in a file is found, whatever else the file contains. A message about
/// a fault contains no text of the file, which may hold a password.
pub fn check(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    check_strings(&text);
    check_services(&text);
    check_passwords(bytes);
}

fn check_strings(text: &str) {
    let keywords = match connection_string(text) {
        Ok(keywords) => keywords,
        Err(error) => return super::assert_error_printable(&error),
    };
    let quoted = |value: &str| value.replace('\\', "\\\\").replace('\'', "\\'");
    let pairs: Vec<String> = keywords.iter().map(|(key, value)| format!("{key} = '{}'", quoted(value))).collect();
    let is_key = |key: &String| !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    if keywords.keys().all(is_key) {
        assert_eq!(connection_string(&pairs.join(" ")).expect("pairs"), keywords, "as pairs");
        let encoded = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let parameters: Vec<String> = keywords.iter().map(|(key, value)| format!("{key}={}", encoded(value))).collect();
        let url = format!("postgresql://?{}", parameters.join("&"));
        // In a URL this keyword means sslmode=require.
        if keywords.get("ssl").is_none_or(|value| value != "true") {
            assert_eq!(connection_string(&url).expect("a URL"), keywords, "as a URL");
        }
    }
}

fn check_services(text: &str) {
    match service(text, "ci") {
        Ok(Some(found)) => {
            for (index, (keyword, _)) in found.iter().enumerate() {
                assert!(!found[..index].iter().any(|(earlier, _)| earlier == keyword), "{keyword} is there twice");
            }
            let more = format!("{text}\n[other]\nnonsense\n[ci]\nport=1\n");
            assert_eq!(service(&more, "ci"), Ok(Some(found)), "what follows changes it");
        }
        Ok(None) => {
            let more = format!("{text}\n[ci]\nport=5433\n");
            assert_eq!(
                service(&more, "ci"),
                Ok(Some(vec![("port".to_owned(), "5433".to_owned())])),
                "it was not found"
            );
        }
        Err((line, fault)) => {
            assert!((1..=text.lines().count()).contains(&line), "line {line}");
            super::assert_printable(fault);
        }
    }
}

fn check_passwords(bytes: &[u8]) {
    let found = |file: &[u8]| password(file, "db.example.com", "c:i", "r\\o").expect("a host");
    let secret = found(bytes);
    assert!(secret.as_ref().is_none_or(|secret| secret.len() < bytes.len()));
    // A password has no line ends.
    let wanted: Vec<u8> = bytes.iter().copied().filter(|byte| !matches!(byte, b'\n' | b'\r')).collect();
    let escaped = wanted.iter().flat_map(|byte| match byte {
        b':' | b'\\' => vec![b'\\', *byte],
        byte => vec![*byte],
    });
    let line: Vec<u8> = b"db.example.com:5432:c\\:i:r\\\\o:".iter().copied().chain(escaped).collect();
    let first = [&line, &b"\n"[..], bytes].concat();
    assert_eq!(found(&first), Some(wanted.clone()), "the first line does not win");
    let last = [bytes, &b"\n"[..], &line].concat();
    assert_eq!(found(&last), Some(secret.unwrap_or(wanted)), "the last line is not found");
}
