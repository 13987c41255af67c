//! Text with bytes that are no UTF-8. Each such byte is kept as one character, so nothing is lost, and texts that differ stay different.
//!
//! The bytes 0x80 to 0xff are the last 128 characters of Unicode, U+10FF80 to U+10FFFF, which are for private use. Where a text has one
//! of these itself, its four bytes are kept like any other byte that is no UTF-8: so both ways are exact.

use std::borrow::Cow;

/// What stands for the byte 0, if it could occur.
const ZERO: u32 = 0x10_ff00;
/// The first byte of the UTF-8 of every character that stands for a byte.
const MARK: u8 = 0xf4;

/// The text of some bytes.
pub(crate) fn decode(bytes: &[u8]) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        // Nearly all texts are of this kind, and there may be millions of them.
        Ok(text) if !bytes.contains(&MARK) => Cow::Borrowed(text),
        _ => {
            let mut text = String::with_capacity(bytes.len());
            for chunk in bytes.utf8_chunks() {
                for c in chunk.valid().chars() {
                    match byte_of(c) {
                        None => text.push(c),
                        Some(_) => text.extend(c.encode_utf8(&mut [0; 4]).bytes().map(character_of)),
                    }
                }
                text.extend(chunk.invalid().iter().copied().map(character_of));
            }
            Cow::Owned(text)
        }
    }
}

/// The bytes of a text.
pub(crate) fn encode(text: &str) -> Cow<'_, [u8]> {
    if !has_bytes(text) {
        return Cow::Borrowed(text.as_bytes());
    }
    let mut bytes = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            Some(byte) => bytes.push(byte),
        }
    }
    Cow::Owned(bytes)
}

/// The text as it is stored, where all of it is UTF-8.
pub(crate) fn whole(text: String) -> Option<String> {
    if has_bytes(&text) { String::from_utf8(encode(&text).into_owned()).ok() } else { Some(text) }
}

/// Whether a text has bytes that are no UTF-8.
pub(crate) fn has_bytes(text: &str) -> bool {
    text.as_bytes().contains(&MARK) && text.chars().any(|c| byte_of(c).is_some())
}

/// The text with an escape such as `\xe9` for each byte that is no UTF-8, for files and people. A text that holds such an escape itself looks
/// the same, so nothing is ever looked up by this.
pub(crate) fn escape(text: &str) -> Cow<'_, str> {
    if !has_bytes(text) {
        return Cow::Borrowed(text);
    }
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match byte_of(c) {
            None => escaped.push(c),
            Some(byte) => escaped.push_str(&format!("\\x{byte:02x}")),
        }
    }
    Cow::Owned(escaped)
}

/// The byte for which a character stands.
pub(super) fn byte_of(c: char) -> Option<u8> {
    u8::try_from(u32::from(c).checked_sub(ZERO)?).ok().filter(|byte| !byte.is_ascii())
}

fn character_of(byte: u8) -> char {
    char::from_u32(ZERO + u32::from(byte)).filter(|_| !byte.is_ascii()).unwrap_or(char::from(byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_that_are_no_utf8_are_shown_by_escapes() {
        assert_eq!(escape(&decode(b"d\xe9ploiement")), "d\\xe9ploiement");
        assert_eq!(escape(&decode("déploiement \u{1f600}\u{100000}".as_bytes())), "déploiement \u{1f600}\u{100000}");
        assert!(has_bytes(&decode(b"\xff")) && !has_bytes("é"));
    }

    #[test]
    fn a_character_that_stands_for_a_byte_is_not_taken_for_one() {
        let own = "\u{10ffe9}";
        assert_ne!(decode(own.as_bytes()), own);
        assert_eq!(escape(&decode(own.as_bytes())), "\\xf4\\x8f\\xbf\\xa9");
        assert_eq!(encode(&decode(own.as_bytes())), own.as_bytes());
        assert_eq!(whole(decode(own.as_bytes()).into_owned()).as_deref(), Some(own));
        assert_eq!(whole(decode(b"d\xe9p").into_owned()), None);
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_come_back(bytes in proptest::collection::vec(0_u8..=255, 0..40)) {
            let text = decode(&bytes).into_owned();
            proptest::prop_assert_eq!(encode(&text).into_owned(), bytes);
        }

        #[test]
        fn plain_text_stays_as_it_is(text in "\\PC{0,20}") {
            proptest::prop_assume!(!has_bytes(&text));
            proptest::prop_assert_eq!(decode(text.as_bytes()), text.as_str());
        }
    }
}
