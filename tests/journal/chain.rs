//! Whatever is changed is found, and the line is named.

use std::process::Command;

use halfbuilt::deletion::journal::{Fault, JournalError, Past, check, read};
use halfbuilt::state::State;
use proptest::prelude::*;

use crate::samples::{a_run, add, bytes_of, intent, place, start};

fn lines(bytes: &[u8]) -> Vec<&[u8]> {
    bytes.split_inclusive(|byte| *byte == b'\n').collect()
}

/// The line that is said to be at fault.
#[track_caller]
fn fault(bytes: &[u8]) -> u64 {
    match check(bytes).expect_err("a fault") {
        JournalError::Damaged { line, .. } => line,
        JournalError::NotAJournal | JournalError::OtherFormat(_) => 1,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_reads_back() {
    let past = check(bytes_of(a_run()).as_slice()).expect("a journal");
    assert_eq!((past.lines, past.repairs, past.sessions.len()), (11, 0, 1));
    let session = past.last_session().expect("a session");
    assert_eq!((session.kept, session.archived, session.intents), (1, 2, 2));
    assert_eq!(session.results, [(State::Deleted, 2)].into());
    assert!(session.end.is_some() && past.unsettled().is_empty() && past.cut.is_none());
    assert_eq!(check([].as_slice()).expect("a new journal"), Past::default());
}

#[test]
fn an_auditor_checks_it_with_sha256sum() {
    let (_folder, file) = place();
    add(&file, a_run());
    let script = r#"prev=$(printf '0%.0s' {1..64})
        while IFS= read -r line; do
          [[ $line == *"\"prev\":\"$prev\"}" ]] || exit 1
          prev=$(printf %s "$line" | sha256sum | cut -c 1-64)
        done < "$1"
        printf %s "$prev""#;
    let done = Command::new("bash").args(["-c", script, "bash"]).arg(&file).output().expect("bash");
    assert!(done.status.success(), "{done:?}");
    let past = read(&file, None).expect("a journal").0;
    assert_eq!(String::from_utf8(done.stdout).ok(), past.last);
}

#[test]
fn any_program_reads_a_line() {
    let bytes = bytes_of(a_run());
    let keys = |line: &[u8]| {
        let object: serde_json::Map<String, serde_json::Value> = serde_json::from_slice(line).expect("an object");
        assert!(object["at"].as_str().is_some_and(|at| at.ends_with('Z') && at.len() == 27), "{object:?}");
        (object["seq"].as_u64(), object["event"].as_str().map(str::to_owned))
    };
    let seen: Vec<_> = lines(&bytes).into_iter().map(keys).collect();
    let events =
        ["start", "kept", "archived", "intent", "answer", "result", "archived", "intent", "answer", "result", "end"];
    let expected: Vec<_> = (1..).zip(events).map(|(seq, event)| (Some(seq), Some(event.to_owned()))).collect();
    assert_eq!(seen, expected);
    let first = String::from_utf8_lossy(lines(&bytes)[0]).into_owned();
    assert!(first.starts_with("{\"format\":\"halfbuilt-journal/1\",\"seq\":1,\"at\":\"20"), "{first}");
    assert!(first.ends_with(&format!(",\"prev\":\"{}\"}}\n", "0".repeat(64))), "{first}");
}

#[test]
fn any_byte_that_is_changed_is_found_and_its_line_is_named() {
    let whole = bytes_of(a_run());
    let last = lines(&whole).len() as u64;
    let known = check(whole.as_slice()).expect("a journal").last;
    let mut line = 1;
    let mut only_by_the_digest = 0;
    for place in 0..whole.len() {
        let byte = whole[place];
        for other in [byte ^ 1, byte ^ 0x20, b'\n', b'"', b'0', 0, 0xff] {
            if other == byte {
                continue;
            }
            let mut changed = whole.clone();
            changed[place] = other;
            let shown = format!("byte {place} of line {line}: {byte} to {other}");
            if line < last {
                assert_eq!(fault(&changed), line, "{shown}");
                continue;
            }
            match check(changed.as_slice()) {
                // No line follows that vouches for the last one: its digest does.
                Ok(past) => {
                    assert_ne!(past.last, known, "{shown}");
                    only_by_the_digest += 1;
                }
                // Where the digest in the last line is changed, it or the line before it was.
                Err(JournalError::Damaged { line: at, fault: Fault::DoesNotFit(with) }) => {
                    assert_eq!((at, with), (last - 1, last), "{shown}");
                }
                Err(error) => assert!(matches!(error, JournalError::Damaged { line: at, .. } if at == last), "{shown}"),
            }
        }
        line += u64::from(byte == b'\n');
    }
    assert!(only_by_the_digest > 0);
}

#[test]
fn a_line_that_is_removed_doubled_or_moved_is_found() {
    let whole = bytes_of(a_run());
    let lines = lines(&whole);
    for one in 0..lines.len() {
        let number = one as u64 + 1;
        let mut fewer = lines.clone();
        fewer.remove(one);
        if one + 1 < lines.len() {
            assert_eq!(fault(&fewer.concat()), number, "line {number} removed");
        }
        let mut more = lines.clone();
        more.insert(one, lines[one]);
        assert_eq!(fault(&more.concat()), number + 1, "line {number} doubled");
        for other in one + 1..lines.len() {
            let mut moved = lines.clone();
            moved.swap(one, other);
            assert_eq!(fault(&moved.concat()), number, "lines {number} and {} swapped", other + 1);
        }
    }
}

#[test]
fn lines_with_new_numbers_do_not_fit() {
    let whole = String::from_utf8(bytes_of(a_run())).expect("UTF-8");
    let mut lines: Vec<String> = whole.split_inclusive('\n').map(str::to_owned).collect();
    lines.remove(4);
    for (place, line) in lines.iter_mut().enumerate().skip(4) {
        *line = line.replacen(&format!("\"seq\":{}", place + 2), &format!("\"seq\":{}", place + 1), 1);
    }
    assert_eq!(fault(lines.concat().as_bytes()), 5);
}

#[test]
fn lines_that_are_cut_from_the_end_are_found_by_a_digest_that_was_kept() {
    let (_folder, file) = place();
    add(&file, a_run());
    let digest = read(&file, None).expect("a journal").0.last.expect("a line");
    let whole = std::fs::read(&file).expect("a file");
    assert_eq!(read(&file, Some(&digest)).expect("a journal").1, Some(11));
    // A run that continues does not make the digest worthless.
    add(&file, a_run());
    assert_eq!(read(&file, Some(&digest)).expect("a journal").1, Some(11));
    for kept in 1..11 {
        std::fs::write(&file, lines(&whole)[..kept].concat()).expect("a write");
        assert_eq!(check(std::fs::read(&file).expect("a file").as_slice()).expect("a journal").lines, kept as u64);
        assert!(matches!(read(&file, Some(&digest)), Err(JournalError::DigestNotFound(_))), "{kept} lines");
    }
}

#[test]
fn what_is_json_and_not_the_same_bytes_is_no_line() {
    let whole = String::from_utf8(bytes_of(vec![start()])).expect("UTF-8");
    for (what, from, to) in [
        ("white space", "\"seq\":1,", "\"seq\":1,\"pid\": 1,"),
        ("a field too many", ",\"prev\"", ",\"remark\":1,\"prev\""),
        ("a field twice", ",\"pid\":4711", ",\"pid\":1,\"pid\":4711"),
        ("another spelling", "alice", "\\u0061lice"),
        ("another event", "\"start\"", "\"begin\""),
        ("no time", "\"at\":\"20", "\"at\":\"x0"),
        ("a field less", ",\"pid\":4711", ""),
        ("another order", ",\"pid\":4711,\"report\"", ",\"report\""),
        ("a line end of Windows", "}\n", "}\r\n"),
    ] {
        let changed = whole.replacen(from, to, 1);
        assert_ne!(changed, whole, "{what}");
        assert_eq!(fault(changed.as_bytes()), 1, "{what}");
    }
}

#[test]
fn what_is_no_journal_is_not_taken_for_a_damaged_one() {
    let not: [&[u8]; 7] =
        [b"build_url,project\n", b"{\n  \"a\": 1\n}\n", b"{\"seq\":1}\n", b"\n", b"\0", b"x", &[0xff; 99]];
    for bytes in not {
        assert!(matches!(check(bytes), Err(JournalError::NotAJournal)), "{bytes:?}");
    }
    let newer = b"{\"format\":\"halfbuilt-journal/12\",\"seq\":1";
    assert!(
        matches!(check(newer.as_slice()), Err(JournalError::OtherFormat(f)) if f.as_str() == "halfbuilt-journal/12")
    );
}

#[test]
fn a_line_without_end_is_refused_in_bounded_memory() {
    let endless = std::io::Read::take(std::io::repeat(b'x'), 1 << 34);
    let began = bytes_of(vec![start()]);
    let input = std::io::BufReader::new(std::io::Read::chain(began.as_slice(), endless));
    assert!(matches!(check(input), Err(JournalError::Damaged { line: 2, fault: Fault::TooLong })));
}

proptest! {
    #[test]
    fn nothing_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let _ = check(bytes.as_slice());
        let mut journal = bytes_of(vec![start(), intent(1)]);
        journal.extend(bytes);
        let _ = check(journal.as_slice());
    }

    #[test]
    fn any_piece_that_is_replaced_is_found(at in 0.0f64..1.0, length in 0usize..900, new in prop::collection::vec(any::<u8>(), 0..40)) {
        let mut events = a_run();
        events.push(start());
        let whole = bytes_of(events);
        let last = whole.len() - lines(&whole).last().expect("a line").len();
        let from = (at * last as f64) as usize;
        let to = (from + length).min(last);
        let mut changed = whole.clone();
        changed.splice(from..to, new);
        prop_assume!(changed != whole);
        prop_assert!(check(changed.as_slice()).is_err());
    }

    #[test]
    fn whatever_a_server_says_reads_back(text in any::<String>(), reason in "\\PC{0,40}") {
        let (_folder, file) = place();
        let said = halfbuilt::deletion::journal::Event::looked(&crate::samples::url(1), false, &text);
        let result = halfbuilt::deletion::journal::Event::result(&crate::samples::url(1), State::Failed, &reason);
        add(&file, vec![start(), intent(1), said, result]);
        let past = read(&file, None).expect("a journal").0;
        prop_assert_eq!(past.lines, 4);
        prop_assert_eq!(past.unsettled().len(), 0);
    }
}
