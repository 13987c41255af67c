//! Lists of what is alive.

use halfbuilt::alive::{AliveKind, AliveList, BuildName};

/// Whatever a file holds, what is said of it is printable; and where it is a list of builds, each of its lines is a key that it names.
pub fn check(bytes: &[u8]) {
    let list = match AliveList::of("alive.txt", bytes) {
        Ok(list) => list,
        Err(error) => {
            super::assert_error_printable(&error);
            super::assert_printable(&error.hint().unwrap_or_default());
            return;
        }
    };
    super::assert_printable(list.kind.as_str());
    let looked_up = list.names.looked_up();
    let is_plain = |text: &String| text.bytes().all(|byte| matches!(byte, b' '..=b'~'));
    assert!(looked_up.texts.iter().all(is_plain), "what is looked up is in every encoding");
    assert!(looked_up.texts.len() <= bytes.len() * 4 && looked_up.numbers.len() <= bytes.len() * 4);
    if list.kind != AliveKind::Plain {
        return;
    }
    let text = std::str::from_utf8(bytes).unwrap_or_default().trim_start_matches('\u{feff}');
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut named = 0;
    for line in lines {
        named += 1;
        for key in [line, &line.to_lowercase()] {
            assert!(list.may_list(BuildName { key, ..BuildName::default() }), "{key:?}");
        }
        assert!(
            list.may_list(BuildName { url: Some(line), ..BuildName::default() })
                || !line.contains(char::is_alphanumeric)
        );
    }
    assert_eq!(named, list.alive);
}
