//! The journal over a store that counts, waits and fails.

use std::io;
use std::sync::{Arc, Condvar, Mutex};

use futures_util::future::join_all;

use crate::state::State;

use super::chain::walk;
use super::event::Event;
use super::handle::Journal;
use super::line::{LONGEST, Tail};
use super::writer::Store;

/// What a store did, and what it is to do.
#[derive(Default)]
struct Disk {
    written: Vec<u8>,
    synced: usize,
    syncs: usize,
    writes: usize,
    /// Whether the next sync has to wait.
    held: bool,
    /// How many more bytes fit.
    room: Option<usize>,
    /// Which sync fails.
    fails_at: Option<usize>,
}

#[derive(Clone, Default)]
struct Shared(Arc<(Mutex<Disk>, Condvar)>);

impl Shared {
    fn on<T>(&self, look: impl FnOnce(&mut Disk) -> T) -> T {
        let seen = look(&mut self.0.0.lock().expect("a lock"));
        self.0.1.notify_all();
        seen
    }

    fn journal(&self) -> Journal {
        Journal::over(self.clone(), Tail::new()).expect("a thread")
    }

    fn lines(&self) -> usize {
        self.on(|disk| disk.written.iter().filter(|byte| **byte == b'\n').count())
    }
}

impl Store for Shared {
    fn write(&mut self, lines: &[u8]) -> io::Result<()> {
        self.on(|disk| {
            disk.writes += 1;
            let fits = disk.room.unwrap_or(lines.len()).min(lines.len());
            disk.written.extend(&lines[..fits]);
            if fits < lines.len() { Err(io::Error::from_raw_os_error(nix::libc::ENOSPC)) } else { Ok(()) }
        })
    }

    fn sync(&mut self) -> io::Result<()> {
        let (disk, changed) = &*self.0;
        let mut disk = changed.wait_while(disk.lock().expect("a lock"), |disk| disk.held).expect("a lock");
        disk.syncs += 1;
        if disk.fails_at == Some(disk.syncs) {
            return Err(io::Error::from_raw_os_error(nix::libc::EIO));
        }
        disk.synced = disk.written.len();
        Ok(())
    }
}

fn event(number: usize) -> Event {
    Event::result(&format!("https://ci.example.com/gh/acme/api/{number}"), State::NotAttempted, "no reason")
}

fn chain(error: &io::Error) -> String {
    let causes = crate::causes::distinct_causes(error);
    std::iter::once(error.to_string()).chain(causes).collect::<Vec<_>>().join(": ")
}

#[tokio::test]
async fn what_has_returned_is_synced() {
    let disk = Shared::default();
    let journal = disk.journal();
    for number in 1..=10 {
        journal.append(vec![event(number), event(number)]).await.expect("an append");
        assert_eq!(disk.on(|disk| (disk.synced, disk.syncs)), (disk.on(|disk| disk.written.len()), number));
        assert_eq!(disk.lines(), 2 * number);
    }
}

#[tokio::test]
async fn all_that_comes_during_a_sync_takes_one_more() {
    let disk = Shared::default();
    let journal = disk.journal();
    disk.on(|disk| disk.held = true);
    let first = tokio::spawn({
        let journal = journal.clone();
        async move { journal.append(vec![event(0)]).await }
    });
    while disk.on(|disk| disk.writes) == 0 {
        tokio::task::yield_now().await;
    }
    let rest = tokio::spawn({
        let journal = journal.clone();
        async move { join_all((1..1000).map(|number| journal.append(vec![event(number)]))).await }
    });
    // No event says that all have been sent: each turn of the runtime sends at least a hundred.
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    disk.on(|disk| disk.held = false);
    first.await.expect("a task").expect("an append");
    rest.await.expect("a task").into_iter().for_each(|outcome| outcome.expect("an append"));
    assert_eq!(disk.on(|disk| (disk.syncs, disk.writes)), (2, 2));
    assert_eq!(disk.lines(), 1000);
}

#[tokio::test]
async fn a_note_takes_no_sync_of_its_own_and_keeps_its_place() {
    let disk = Shared::default();
    let journal = disk.journal();
    journal.note(event(1));
    while disk.lines() < 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(disk.on(|disk| disk.syncs), 0);
    journal.note(event(2));
    journal.append(vec![event(3)]).await.expect("an append");
    assert_eq!(disk.on(|disk| (disk.syncs, disk.synced == disk.written.len())), (1, true));
    let text = disk.on(|disk| String::from_utf8(disk.written.clone()).expect("UTF-8"));
    let places: Vec<usize> = (1..=3).map(|number| text.find(&format!("api/{number}\"")).expect("a line")).collect();
    assert!(places.is_sorted(), "{text}");
}

#[tokio::test]
async fn the_end_writes_and_syncs_what_was_noted() {
    for finishes in [true, false] {
        let disk = Shared::default();
        let journal = disk.journal();
        journal.note(event(1));
        if finishes {
            journal.finish().await.expect("an end");
        } else {
            drop(journal);
        }
        assert_eq!(disk.lines(), 1);
        assert!(disk.on(|disk| disk.synced == disk.written.len()), "finishes: {finishes}");
    }
}

#[tokio::test]
async fn after_a_full_disk_nothing_is_written_any_more() {
    let disk = Shared::default();
    let journal = disk.journal();
    journal.append(vec![event(1)]).await.expect("an append");
    let whole = disk.on(|disk| {
        disk.room = Some(50);
        disk.written.len()
    });
    let error = journal.append(vec![event(2)]).await.expect_err("a full disk");
    assert_eq!(error.kind(), io::ErrorKind::StorageFull);
    assert_eq!(chain(&error), "the journal cannot be written: No space left on device (os error 28)");
    // There is room again, and a line must not follow on half a line.
    disk.on(|disk| disk.room = None);
    journal.note(event(3));
    let again = journal.append(vec![event(4)]).await.expect_err("a broken journal");
    assert_eq!(chain(&again), chain(&error));
    assert!(journal.finish().await.is_err());
    let (writes, syncs, written) = disk.on(|disk| (disk.writes, disk.syncs, disk.written.clone()));
    assert_eq!((writes, syncs, written.len()), (2, 1, whole + 50));
}

#[tokio::test]
async fn a_sync_that_failed_is_never_tried_again() {
    let disk = Shared::default();
    disk.on(|disk| disk.fails_at = Some(2));
    let journal = disk.journal();
    journal.append(vec![event(1)]).await.expect("an append");
    for _ in 0..3 {
        let error = journal.append(vec![event(2)]).await.expect_err("a failed sync");
        assert_eq!(chain(&error), "the journal cannot be synced: Input/output error (os error 5)");
    }
    drop(journal);
    assert_eq!(disk.on(|disk| (disk.syncs, disk.writes)), (2, 2));
}

#[tokio::test]
async fn all_who_wait_hear_of_a_failure() {
    let disk = Shared::default();
    disk.on(|disk| disk.fails_at = Some(1));
    let journal = disk.journal();
    let outcomes = join_all((0..32).map(|number| journal.append(vec![event(number)]))).await;
    assert!(outcomes.iter().all(Result::is_err), "{outcomes:?}");
}

#[tokio::test]
async fn a_line_that_could_not_be_read_again_is_not_written() {
    let disk = Shared::default();
    let journal = disk.journal();
    let huge = Event::result("https://ci.example.com/gh/acme/api/1", State::Failed, &"x".repeat(LONGEST));
    let error = journal.append(vec![huge]).await.expect_err("a line too long");
    assert_eq!(chain(&error), "the journal cannot be written: a line is longer than 16 MiB");
    assert!(journal.append(vec![event(1)]).await.is_err());
    assert_eq!(disk.on(|disk| disk.written.len()), 0);
}

#[tokio::test]
async fn who_does_not_wait_has_written_all_the_same() {
    let disk = Shared::default();
    let journal = disk.journal();
    let mut append = Box::pin(journal.append(vec![event(1)]));
    let _ = futures_util::poll!(&mut append);
    drop(append);
    journal.finish().await.expect("an end");
    assert_eq!(disk.lines(), 1);
}

#[tokio::test]
async fn a_very_long_line_that_is_written_is_read_again() {
    let disk = Shared::default();
    let journal = disk.journal();
    journal.append(vec![event(1)]).await.expect("an append");
    let frame = disk.on(|disk| disk.written.len()) - "{\"format\":\"halfbuilt-journal/1\",".len() + 1;
    let long = |length| {
        Event::Kept(super::event::Kept {
            url: String::new(),
            line: 1,
            state: State::Refused,
            reason: "x".repeat(length),
        })
    };
    let fits = LONGEST - 2 * frame;
    journal.append(vec![long(fits)]).await.expect("an append");
    let written = disk.on(|disk| disk.written.clone());
    let error = walk(written.as_slice(), |_, _| {}).err().expect("no start, so no journal").to_string();
    assert!(error.starts_with("line 1 contradicts the lines before it"), "{error}");
    let second = written.split(|byte| *byte == b'\n').nth(1).expect("a line");
    assert!(super::line::parse(second).is_ok());
}
