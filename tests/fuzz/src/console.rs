//! What a console prints, and our own answers in it.

use halfbuilt::admin::{ConsoleEvent, console_events};

/// The mark of the form that was typed. In an input it is written as the byte 0xfe.
const NONCE: &str = "ponmlkjihgfedcbaabcdefghijklmnop";
const NONCE_BYTE: u8 = 0xfe;
/// The mark of a form that was never typed.
const STRANGER: &str = "acegikmobdfhjlnppnljhfdbomkigeca";
/// How much of a value a form prints, in UTF-16 units.
const MOST_UNITS: usize = 400;

/// The answers do not depend on how the bytes are cut; they are bounded; without the mark there is none, whatever is printed; and
/// with it there is one, whatever was printed before and is printed in between by a terminal.
pub fn check(bytes: &[u8]) {
    let noise: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != NONCE_BYTE).collect();
    let mut printed = Vec::new();
    for byte in bytes {
        match *byte {
            NONCE_BYTE => printed.extend(NONCE.as_bytes()),
            byte => printed.push(byte),
        }
    }
    let events = super::however_cut(&printed, |pieces| console_events(NONCE, pieces));
    assert!(events.len() <= printed.len() / NONCE.len(), "more answers than marks");
    for event in &events {
        if let ConsoleEvent::Answer(Ok(text) | Err(text)) = event {
            // What was cut is marked as that.
            assert!(text.encode_utf16().count() <= MOST_UNITS + 1, "{} characters of an answer", text.len());
        }
    }
    if !holds_in_order(&printed, STRANGER) {
        assert_eq!(console_events(STRANGER, [printed.as_slice()]), [], "an answer to a form that was never typed");
    }
    if !holds_in_order(&noise, NONCE) {
        assert_eq!(console_events(NONCE, [noise.as_slice()]), [], "an answer without the mark");
    }
    // Nobody guesses half of the mark; who has nearly all of it could have its last letters taken from a true answer, which is then
    // garbled, and the build is looked up.
    if !holds_in_order(&noise, &NONCE[..NONCE.len() / 2]) {
        true_answer(&noise);
    }
}

/// Whether the letters stand there in this order, whatever is between them: the least that an answer takes.
fn holds_in_order(bytes: &[u8], letters: &str) -> bool {
    let mut bytes = bytes.iter();
    letters.bytes().all(|letter| bytes.any(|byte| *byte == letter))
}

/// An answer after a new line is heard, whatever stands before that line and after the answer.
fn true_answer(noise: &[u8]) {
    let units: Vec<u16> = String::from_utf8_lossy(noise).encode_utf16().take(MOST_UNITS).collect();
    let text = String::from_utf16_lossy(&units);
    let digits: String = units.iter().map(|unit| format!("{unit:04X}")).collect();
    let is_value = noise.len().is_multiple_of(2);
    let answer = format!("{NONCE}{}{digits}{NONCE}", if is_value { 'V' } else { 'T' });
    // A terminal breaks the line somewhere, and colours it elsewhere.
    let at = noise.first().map_or(0, |byte| usize::from(*byte)) % answer.len();
    let (front, back) = answer.split_at(at);
    let printed = [noise, b"\n", front.as_bytes(), b"\x1b[1;3", b"2m\r\n\x1b[m", back.as_bytes(), noise].concat();
    let events = super::however_cut(&printed, |pieces| console_events(NONCE, pieces));
    let expected = ConsoleEvent::Answer(if is_value { Ok(text) } else { Err(text) });
    assert_eq!(events.first(), Some(&expected), "an answer was not heard");
}
