//! The scanner, fed with anything in any pieces.

use proptest::prelude::*;

use super::*;
use crate::admin::AdminFn;
use crate::admin::console::form;
use crate::build_url::BuildUrl;

const NONCE: &str = "fbkapdhcoeimgjlnnaicbpkfodehglmj";
const OTHER: &str = "jmlghedofkpbciannljgmieochdpakbf";

fn units(text: &str) -> String {
    text.encode_utf16().map(|unit| format!("{unit:04X}")).collect()
}

fn printed(kind: char, text: &str) -> String {
    format!("{NONCE}{kind}{}{NONCE}", units(text))
}

fn events(text: &str) -> Vec<ConsoleEvent> {
    console_events(NONCE, [text.as_bytes()])
}

fn value(text: &str) -> ConsoleEvent {
    ConsoleEvent::Answer(Ok(text.to_owned()))
}

#[test]
fn an_answer_is_found_wherever_it_stands() {
    let answer = printed('V', "{:deleted \"é😀\"}");
    let found = vec![value("{:deleted \"é😀\"}")];
    let coloured: String = answer.chars().map(|c| format!("\x1b[33m{c}\x1b[m")).collect();
    let broken: String = answer.chars().map(|c| format!("{c}\r\n ")).collect();
    for text in [
        answer.clone(),
        format!("user=> {answer}nil\nuser=> "),
        format!("half a line{answer}"),
        format!("{}{answer}", &NONCE[..8]),
        format!("{}{answer}", &NONCE[..31]),
        coloured,
        broken,
        format!("\x1b]0;half a title\n{answer}"),
        format!("\x1b[\n{answer}"),
    ] {
        assert_eq!(events(&text), found, "{text:?}");
    }
    assert_eq!(events(&printed('T', "class A: b")), [ConsoleEvent::Answer(Err("class A: b".to_owned()))]);
    assert_eq!(events(&printed('V', "")), [value("")]);
    assert_eq!(events(&format!("{answer}{answer}")), [found.clone(), found].concat());
}

#[test]
fn what_is_not_whole_is_no_answer() {
    for odd in [
        format!("{NONCE}{NONCE}"),
        format!("{NONCE}V004{NONCE}"),
        format!("{NONCE}V004e{NONCE}"),
        format!("{NONCE}X004E{NONCE}"),
        format!("{NONCE}004E{NONCE}"),
        format!("{NONCE}V00-4E"),
        format!("{NONCE}Vé"),
        format!("{NONCE}V{}", "0".repeat(MAX_BODY + LETTERS)),
    ] {
        assert_eq!(events(&odd), [ConsoleEvent::Garbled], "{odd}");
        // What comes after it is heard.
        assert_eq!(events(&format!("{odd}\n{}", printed('V', "1"))).last(), Some(&value("1")), "{odd}");
    }
    assert_eq!(events(&format!("{NONCE}V{}", "0".repeat(MAX_BODY - 1))), []);
    // What was cut is marked.
    let whole = "x".repeat(MAX_UNITS - 1);
    assert_eq!(events(&printed('V', &whole)), [value(&whole)]);
    assert_eq!(events(&printed('V', &format!("{whole}y"))), [value(&format!("{whole}…"))]);
}

#[test]
fn memory_is_bounded() {
    let mut scanner = Scanner::new(NONCE);
    for _ in 0..1000 {
        scanner.feed(&[b'x'; 1000]);
        scanner.feed(NONCE.as_bytes());
        scanner.feed(&[b'0'; 1000]);
    }
    assert!(scanner.before.capacity() <= 2 * LETTERS, "{}", scanner.before.capacity());
    assert!(scanner.body.is_none_or(|body| body.capacity() <= 2 * (MAX_BODY + LETTERS)));
}

#[test]
fn without_a_nonce_nothing_is_an_answer() {
    assert_eq!(console_events("", [&b"V004E"[..], b""]), []);
}

/// Pieces of what consoles print, and of what looks like an answer.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("\x1b[31m".to_owned()),
        Just("\x1b]0;".to_owned()),
        Just("\r\n".to_owned()),
        Just("user=> ".to_owned()),
        Just(OTHER.to_owned()),
        Just(NONCE[..20].to_owned()),
        Just(NONCE[8..].to_owned()),
        Just("V004E".to_owned()),
        ".{0,20}",
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn the_pieces_do_not_matter(
        (before, after) in (text(), text()),
        answer in ".{0,40}",
        cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..20),
    ) {
        let stream = format!("{before}\n{}{after}", printed('V', &answer)).into_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(stream.len() + 1)).collect();
        cuts.extend([0, stream.len()]);
        cuts.sort_unstable();
        let pieces = cuts.windows(2).map(|cut| &stream[cut[0]..cut[1]]);
        prop_assert_eq!(console_events(NONCE, pieces), console_events(NONCE, [stream.as_slice()]));
    }

    #[test]
    fn an_answer_is_heard_after_anything(before in text(), answer in ".{0,40}") {
        // Visible bytes of the mark right before it are the one thing that could hide it.
        let stream = format!("{before}\n.{}", printed('V', &answer));
        prop_assert!(events(&stream).contains(&value(&answer)), "{:?}", stream);
    }

    #[test]
    fn without_the_mark_there_is_no_answer(bytes in proptest::collection::vec(any::<u8>(), 0..400), text in text()) {
        let stream = [bytes.as_slice(), text.as_bytes()].concat();
        let visible: Vec<u8> = stream.iter().copied().filter(u8::is_ascii_lowercase).collect();
        prop_assume!(!visible.windows(LETTERS).any(|window| window == NONCE.as_bytes()));
        prop_assert_eq!(console_events(NONCE, [stream.as_slice()]), []);
    }

    #[test]
    fn no_echo_of_the_form_is_an_answer(width in 1..200_usize, times in 1..4_usize, number in 1..1000_u32) {
        let nonce = Nonce::random().expect("random numbers");
        let build = BuildUrl::parse(&format!("https://ci.example.com/gh/acme/api/{number}")).expect("a build");
        let form = form::delete(&AdminFn::defaults()[0], &build, &nonce).repeat(times);
        let lines: Vec<&str> = form.as_bytes().chunks(width).map(|line| std::str::from_utf8(line).expect("ASCII")).collect();
        for echo in [lines.join("\r\n"), lines.join("\x1b[K\r"), lines.join(&nonce.backward())] {
            prop_assert_eq!(console_events(nonce.forward(), [echo.as_bytes()]), []);
        }
    }
}
