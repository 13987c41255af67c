//! The output of a console, and our answers in it.

use halfbuilt::admin::{ConsoleEvent, console_events};

/// The mark of the form that was typed. In an input, the byte 0xfe stands for it.
const NONCE: &str = "ponmlkjihgfedcbaabcdefghijklmnop";
const NONCE_BYTE: u8 = 0xfe;
/// The mark of a form that was never typed.
const STRANGER: &str = "acegikmobdfhjlnppnljhfdbomkigeca";
/// The most UTF-16 units of a value that a form prints.
const MAX_UNITS: usize = 400;

/// The answers are bounded and do not depend on how the bytes are cut. Without the mark there is no answer. With it there is one,
/// whatever is printed before it and whatever a terminal inserts.
pub fn check(bytes: &[u8]) {
    let noise: Vec<u8> = bytes.iter().copied().filter(|byte| *byte != NONCE_BYTE).collect();
    let mut printed = Vec::new();
    for byte in bytes {
        match *byte {
            NONCE_BYTE => printed.extend(NONCE.as_bytes()),
            byte => printed.push(byte),
        }
    }
    let events = super::read_all_cuts(&printed, |pieces| console_events(NONCE, pieces));
    assert!(events.len() <= printed.len() / NONCE.len(), "more answers than marks");
    for event in &events {
        if let ConsoleEvent::Answer(Ok(text) | Err(text)) = event {
            // One more for the mark of a cut.
            assert!(text.encode_utf16().count() <= MAX_UNITS + 1, "{} characters of an answer", text.len());
        }
    }
    if !holds_in_order(&printed, STRANGER) {
        assert_eq!(console_events(STRANGER, [printed.as_slice()]), [], "an answer to a form that was never typed");
    }
    if !holds_in_order(&noise, NONCE) {
        assert_eq!(console_events(NONCE, [noise.as_slice()]), [], "an answer without the mark");
    }
    // Nobody guesses half of the mark. Noise with nearly all of it could take its last letters from a true answer, which is then
    // garbled, and the build is read again.
    if !holds_in_order(&noise, &NONCE[..NONCE.len() / 2]) {
        check_true_answer(&noise);
    }
}

/// Whether the bytes contain the letters in this order, with anything between them: an answer needs at least that.
fn holds_in_order(bytes: &[u8], letters: &str) -> bool {
    let mut bytes = bytes.iter();
    letters.bytes().all(|letter| bytes.any(|byte| *byte == letter))
}

/// An answer after a new line is found, whatever stands before that line and after the answer.
fn check_true_answer(noise: &[u8]) {
    let units: Vec<u16> = String::from_utf8_lossy(noise).encode_utf16().take(MAX_UNITS).collect();
    let text = String::from_utf16_lossy(&units);
    let digits: String = units.iter().map(|unit| format!("{unit:04X}")).collect();
    let is_value = noise.len().is_multiple_of(2);
    let answer = format!("{NONCE}{}{digits}{NONCE}", if is_value { 'V' } else { 'T' });
    // A terminal breaks the line somewhere, and colours it elsewhere.
    let at = noise.first().map_or(0, |byte| usize::from(*byte)) % answer.len();
    let (front, back) = answer.split_at(at);
    let printed = [noise, b"\n", front.as_bytes(), b"\x1b[1;3", b"2m\r\n\x1b[m", back.as_bytes(), noise].concat();
    let events = super::read_all_cuts(&printed, |pieces| console_events(NONCE, pieces));
    let expected = ConsoleEvent::Answer(if is_value { Ok(text) } else { Err(text) });
    assert_eq!(events.first(), Some(&expected), "an answer was not found");
}
