//! One run at a time.

use std::io::{BufRead, BufReader, Write};

use halfbuilt::deletion::journal::{Journal, JournalError, read_or_new};

use crate::child::spawn;
use crate::samples::{add, place, start};

#[test]
fn a_journal_that_another_process_writes_is_refused_until_it_ends() {
    let (_folder, file) = place();
    let mut child = spawn("holds", &file, "");
    let mut stdout = BufReader::new(child.stdout.take().expect("a pipe")).lines();
    let opened = stdout.by_ref().map(|line| line.expect("a line")).find(|line| line.starts_with("opened"));
    assert!(opened.is_some(), "the child opened no journal");
    let error = Journal::open(&file).expect_err("in use");
    assert!(matches!(error, JournalError::InUse(_)), "{error:?}");
    // Whoever its start line names.
    let words = error.to_string();
    assert!(words.starts_with("it is in use by alice on bastion-1, process 4711, since "), "{words}");
    assert_eq!(read_or_new(&file).expect("a look needs no lock").lines, 1);
    child.stdin.take().expect("a pipe").write_all(b"\n").expect("a line");
    assert!(child.wait().expect("an end").success());
    assert_eq!(add(&file, vec![start()]).lines, 1);
}

#[test]
fn the_lock_goes_with_the_last_clone() {
    let (_folder, file) = place();
    let (journal, _) = Journal::open(&file).expect("a journal");
    let clone = journal.clone();
    drop(journal);
    assert!(matches!(Journal::open(&file), Err(JournalError::InUse(_))));
    drop(clone);
    assert!(Journal::open(&file).is_ok());
}
