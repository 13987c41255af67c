//! Runs against a scripted database and a scripted server, for what real ones will not do on demand.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::LazyLock;

use tokio::time::Instant;

use super::*;
use crate::admin::{Answer, Freshness};
use crate::build_url::BuildUrl;
use crate::deletion::send::OLDEST;
use crate::deletion::{ArchiveFailure, Permit, Terms};
use crate::report::Judged;
use crate::timing::Timing;
use proptest::prelude::*;

/// What happened, in order: `read 1 2`, `send 1`, `ended 1 deleted`.
type Log = Rc<RefCell<Vec<String>>>;

/// What the server does with one build.
#[derive(Clone, Debug)]
struct Script {
    answer: Answer,
    /// After how many further readings the build is gone; `None`: never.
    gone_after: Option<usize>,
}

fn done() -> Script {
    Script { answer: Answer::Accepted("nil".to_owned()), gone_after: Some(0) }
}

fn says(answer: fn(String) -> Answer, gone_after: Option<usize>) -> Script {
    Script { answer: answer("so it says".to_owned()), gone_after }
}

#[derive(Clone)]
struct World {
    log: Log,
    scripts: BTreeMap<u64, Script>,
    /// Builds for which a deletion was sent, and how often they were read since.
    sent: Rc<RefCell<BTreeMap<u64, usize>>>,
    /// Builds that are not as they were.
    changed: BTreeSet<u64>,
    /// Builds that are there again after so many readings since they were sent.
    back_after: BTreeMap<u64, usize>,
    /// Whether the database was away, as of the next time that this is asked.
    been_away: bool,
    /// After how many deletions the lock is lost.
    lock_lost_after: Option<usize>,
    /// After how many readings the database fails.
    blind_after: Option<usize>,
    /// After how many records the disk is full.
    full_after: Option<usize>,
    /// The run is interrupted once this build has been sent.
    interrupt_at: Option<u64>,
    stop: Stop,
    /// How long the database takes to answer.
    slow: Duration,
    /// How long a deletion takes.
    takes: Duration,
    /// How long it takes to get ready for each of the next deletions.
    unready: Rc<RefCell<Vec<Duration>>>,
    /// How long it takes to put an intent on record.
    slow_record: Duration,
    /// The builds whose deletion was put on record before.
    intents: Rc<RefCell<Vec<u64>>>,
    /// As what each build is put into the archive; `None` where there is no archive.
    archives: Option<BTreeMap<u64, &'static str>>,
    jobs: usize,
    rate: Option<f64>,
    under_way: Rc<Cell<usize>>,
}

fn number(chosen: &Chosen) -> u64 {
    chosen.url.as_ref().expect("a URL").number()
}

#[derive(Debug, thiserror::Error)]
#[error("the database is gone")]
struct Gone;

impl BuildReader for World {
    type Error = Gone;

    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, Gone> {
        let numbers: Vec<String> = chosen.iter().map(|chosen| number(chosen).to_string()).collect();
        self.log.borrow_mut().push(format!("read {}", numbers.join(" ")));
        let reads = self.log.borrow().iter().filter(|entry| entry.starts_with("read")).count();
        sleep(self.slow).await;
        if self.blind_after.is_some_and(|after| reads > after) {
            return Err(Gone);
        }
        Ok(chosen.iter().map(|chosen| self.reading(number(chosen))).collect())
    }

    fn lock_watch(&self) -> Box<dyn Fn() -> bool> {
        let (log, lost_after) = (self.log.clone(), self.lock_lost_after);
        Box::new(move || {
            let sends = log.borrow().iter().filter(|entry| entry.starts_with("send")).count();
            lost_after.is_none_or(|after| sends < after)
        })
    }

    fn has_been_away(&mut self) -> bool {
        std::mem::take(&mut self.been_away)
    }

    fn terms(&self) -> Terms<'_> {
        static PERMIT: LazyLock<Permit> = LazyLock::new(Permit::default);
        Terms { rules: vec!["stuck-running"], permit: &PERMIT }
    }

    async fn archive(&mut self, chosen: &[&Chosen]) -> Result<Option<Vec<Option<String>>>, ArchiveFailure<Gone>> {
        let Some(archived) = self.archives.clone() else { return Ok(None) };
        let numbers: Vec<String> = chosen.iter().map(|chosen| number(chosen).to_string()).collect();
        self.log.borrow_mut().push(format!("archive {}", numbers.join(" ")));
        Ok(Some(chosen.iter().map(|chosen| archived.get(&number(chosen)).map(ToString::to_string)).collect()))
    }
}

impl World {
    fn reading(&self, number: u64) -> Reading {
        if let Some(reads) = self.sent.borrow_mut().get_mut(&number) {
            let gone = self.scripts[&number].gone_after.is_some_and(|after| *reads >= after);
            let back = self.back_after.get(&number).is_some_and(|after| *reads >= *after);
            *reads += 1;
            if gone && !back {
                return Reading::Gone;
            }
        }
        let fingerprint = if self.changed.contains(&number) { "changed" } else { "as it was" };
        Reading::There(Box::new(finding(fingerprint)))
    }
}

impl World {
    fn recorded(&self) -> usize {
        self.log.borrow().iter().filter(|entry| entry.starts_with("ended")).count()
    }

    fn sends(&self, number: u64) -> usize {
        self.log.borrow().iter().filter(|entry| **entry == format!("send {number}")).count()
    }

    fn not_sent(&self, number: u64, wait: Duration, text: String) -> Answer {
        self.sent.borrow_mut().remove(&number);
        Answer::Busy(wait, text)
    }
}

impl Deleter for World {
    async fn delete(&self, build: &BuildUrl, fresh: &Freshness) -> Answer {
        let unready = self.unready.borrow_mut().pop();
        if let Some(unready) = unready {
            sleep(unready).await;
        }
        if fresh.is_over() {
            return Answer::Stale("too late".to_owned());
        }
        self.log.borrow_mut().push(format!("send {}", build.number()));
        let intended = self.intents.borrow().iter().filter(|number| **number == build.number()).count();
        assert!(intended >= self.sends(build.number()), "build {} was sent and is not on record", build.number());
        self.under_way.set(self.under_way.get() + 1);
        assert!(self.under_way.get() <= self.jobs, "{} at once", self.under_way.get());
        sleep(self.takes).await;
        self.under_way.set(self.under_way.get() - 1);
        self.sent.borrow_mut().insert(build.number(), 0);
        if self.interrupt_at == Some(build.number()) {
            self.stop.soon.cancel();
        }
        let script = &self.scripts[&build.number()];
        match script.answer.clone() {
            Answer::Busy(wait, text) => {
                // Busy twice, then at work.
                if self.sends(build.number()) > 2 {
                    Answer::Accepted(text)
                } else {
                    self.not_sent(build.number(), wait, text)
                }
            }
            Answer::Failed(text) if text == "never answers" => std::future::pending().await,
            answer => answer,
        }
    }
}

impl Recorder for World {
    async fn intend(&self, planned: &Planned, _: &Finding) -> io::Result<()> {
        sleep(self.slow_record).await;
        self.intents.borrow_mut().push(number(&planned.chosen));
        match self.full_after.is_some_and(|after| self.recorded() > after) {
            true => Err(io::Error::other("disk full")),
            false => Ok(()),
        }
    }

    fn answered(&self, _: &Planned, _: &Answer) {}

    async fn ended(&mut self, ended: &[Ended<'_>]) -> io::Result<()> {
        let recorded = self.recorded();
        for Ended { planned, state, .. } in ended {
            self.log.borrow_mut().push(format!("ended {} {state}", number(&planned.chosen)));
        }
        if self.full_after.is_some_and(|after| recorded >= after) {
            return Err(io::Error::other("disk full"));
        }
        Ok(())
    }

    async fn returned(&mut self, ended: &[Ended<'_>]) -> io::Result<()> {
        for Ended { planned, state, .. } in ended {
            self.log.borrow_mut().push(format!("returned {} {state}", number(&planned.chosen)));
        }
        Ok(())
    }

    fn waits(&self, wait: Duration, _: &str) {
        self.log.borrow_mut().push(format!("waits {}", wait.as_secs()));
    }

    fn reads_again(&self, _: &str) {
        self.log.borrow_mut().push("reads again".to_owned());
    }

    fn slackens(&self, at_once: usize, _: &str) {
        self.log.borrow_mut().push(format!("slackens to {at_once}"));
    }
}

fn finding(fingerprint: &str) -> Finding {
    Finding {
        key: String::new(),
        build_url: None,
        project: None,
        build_num: None,
        lifecycle: None,
        status: None,
        queued_at: None,
        started_at: None,
        stopped_at: None,
        last_activity_at: None,
        timing: Timing::InFlight,
        reasons: vec!["stuck-running".to_owned()],
        evidence: String::new(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        shares: None,
        obstacles: Vec::new(),
        fingerprint: fingerprint.to_owned(),
    }
}

fn planned(number: u64) -> Planned {
    let url = format!("https://ci.example.com/gh/acme/api/{number}");
    let judged =
        Judged { timing: Timing::InFlight, deletable: true, note: String::new(), fingerprint: "as it was".to_owned() };
    Planned {
        chosen: Chosen {
            line: number,
            url: BuildUrl::parse(&url).ok(),
            url_text: url,
            project: None,
            reasons: vec!["stuck-running".to_owned()],
            judged: Some(judged),
        },
        decision: Decision::Delete { timing: Timing::InFlight, evidence: String::new() },
        sent_before: false,
    }
}

fn world(scripts: impl IntoIterator<Item = Script>) -> World {
    World {
        log: Log::default(),
        scripts: (1..).zip(scripts).collect(),
        sent: Rc::default(),
        changed: BTreeSet::new(),
        back_after: BTreeMap::new(),
        been_away: false,
        lock_lost_after: None,
        blind_after: None,
        full_after: None,
        interrupt_at: None,
        stop: Stop::default(),
        slow: Duration::ZERO,
        takes: Duration::ZERO,
        unready: Rc::default(),
        slow_record: Duration::ZERO,
        intents: Rc::default(),
        archives: None,
        jobs: 1,
        rate: None,
        under_way: Rc::default(),
    }
}

async fn carried_out(world: &World) -> (Vec<String>, Ending<Gone>) {
    carried_on(world, false).await
}

/// The same of a plan whose builds an earlier run may have sent.
async fn carried_on(world: &World, sent_before: bool) -> (Vec<String>, Ending<Gone>) {
    let plan = world.scripts.keys().map(|number| Planned { sent_before, ..planned(*number) });
    let plan: Vec<Planned> = plan.collect();
    let (mut reader, deleter, mut recorder) = (world.clone(), world.clone(), world.clone());
    let speed = Speed { jobs: world.jobs, rate: world.rate };
    let ending = run(&plan, Vec::new(), speed, (&mut reader, &deleter, &mut recorder), &world.stop).await;
    (world.log.borrow().clone(), ending)
}

fn states(log: &[String]) -> Vec<&str> {
    log.iter().filter_map(|entry| entry.strip_prefix("ended ")).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_build_is_proved_gone_before_the_second_is_sent() {
    let (log, ending) = carried_out(&world([done(), done(), done()])).await;
    assert_eq!(
        log,
        [
            "read 1",
            "send 1",
            "read 1",
            "ended 1 deleted",
            "read 2 3",
            "send 2",
            "send 3",
            "read 2 3",
            "ended 2 deleted",
            "ended 3 deleted",
            // Once more at the end, all of them.
            "read 1 2 3",
        ]
    );
    assert!(matches!(ending, Ending::Complete));
}

/// The server was still at what a killed run had sent: the build goes after the plan was made, before it is sent again or after.
#[tokio::test(start_paused = true)]
async fn what_an_earlier_run_sent_and_is_gone_was_deleted_by_it() {
    let gone_before = says(Answer::Accepted, Some(0));
    for (sent_before, state) in [(true, "deleted"), (false, "already-gone")] {
        for script in [says(Answer::Gone, Some(0)), says(Answer::Refused, Some(0))] {
            let (log, ending) = carried_on(&world([script.clone()]), sent_before).await;
            assert_eq!(states(&log), [format!("1 {state}")], "{script:?}");
            assert!(matches!(ending, Ending::Complete));
        }
        let world = world([gone_before.clone()]);
        world.sent.borrow_mut().insert(1, 0);
        let (log, _) = carried_on(&world, sent_before).await;
        assert_eq!(log, ["read 1".to_owned(), format!("ended 1 {state}")]);
    }
    // It was not this run's doing, and proves nothing: the next one is the canary.
    let (log, _) = carried_on(&world([says(Answer::Gone, Some(0)), done(), done()]), true).await;
    assert!(log.contains(&"read 2".to_owned()), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn a_canary_that_is_still_there_stops_the_run() {
    for script in [
        says(Answer::Accepted, None),
        says(Answer::Gone, None),
        says(Answer::Refused, None),
        says(Answer::Failed, None),
        says(Answer::Unknown, None),
        says(Answer::Denied, None),
    ] {
        let (log, ending) = carried_out(&world([script.clone(), done(), done()])).await;
        assert!(!log.contains(&"send 2".to_owned()), "{script:?}: {log:?}");
        assert_eq!(states(&log)[1..], ["2 not-attempted", "3 not-attempted"], "{script:?}");
        assert!(matches!(ending, Ending::Stopped(_) | Ending::Denied(_)), "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_first_build_that_is_kept_is_no_canary() {
    let mut world = world([done(), done(), done()]);
    world.changed.insert(1);
    let (log, _) = carried_out(&world).await;
    assert_eq!(log[..6], ["read 1", "ended 1 changed", "read 2", "send 2", "read 2", "ended 2 deleted"]);
}

#[tokio::test(start_paused = true)]
async fn a_first_build_that_was_gone_already_is_no_canary() {
    let (log, ending) = carried_out(&world([says(Answer::Gone, Some(0)), done(), done()])).await;
    assert_eq!(states(&log), ["1 already-gone", "2 deleted", "3 deleted"]);
    assert_eq!(log[4..7], ["read 2", "send 2", "read 2"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn the_database_has_the_last_word() {
    for (script, expected) in [
        (says(Answer::Accepted, Some(0)), "deleted"),
        (says(Answer::Accepted, Some(2)), "deleted"),
        (says(Answer::Accepted, None), "failed"),
        (says(Answer::Gone, Some(0)), "already-gone"),
        (says(Answer::Gone, None), "failed"),
        (says(Answer::Refused, Some(0)), "already-gone"),
        (says(Answer::Refused, None), "refused"),
        (says(Answer::Failed, Some(0)), "deleted"),
        (says(Answer::Failed, None), "failed"),
        (says(Answer::Unknown, Some(1)), "deleted"),
        (says(Answer::Unknown, None), "unknown"),
    ] {
        let (log, ending) = carried_out(&world([done(), script.clone()])).await;
        assert_eq!(states(&log)[1], format!("2 {expected}"), "{script:?}");
        assert!(matches!(ending, Ending::Complete), "{script:?}");
        assert_eq!(log.iter().filter(|entry| *entry == "send 2").count(), 1, "{script:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn silence_three_times_in_a_row_stops_the_run() {
    let silent = || says(Answer::Unknown, None);
    let (log, ending) =
        carried_out(&world([done(), silent(), silent(), done(), silent(), silent(), silent(), done()])).await;
    assert!(log.contains(&"send 7".to_owned()));
    assert!(!log.contains(&"send 8".to_owned()));
    assert!(states(&log).contains(&"8 not-attempted"));
    assert!(matches!(ending, Ending::Stopped(_)));
}

#[tokio::test(start_paused = true)]
async fn where_the_server_lets_nobody_in_nothing_more_is_sent() {
    let (log, ending) = carried_out(&world([done(), says(Answer::Denied, None), done()])).await;
    assert_eq!(states(&log), ["1 deleted", "2 not-attempted", "3 not-attempted"]);
    assert!(matches!(ending, Ending::Denied(_)));
}

#[tokio::test(start_paused = true)]
async fn where_the_proof_cannot_be_read_the_outcome_is_unknown() {
    let mut world = world([done(), done(), done()]);
    world.blind_after = Some(3);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 unknown", "3 unknown"]);
    assert!(matches!(ending, Ending::Blind(_)));
}

#[tokio::test(start_paused = true)]
async fn where_nothing_can_be_put_on_record_nothing_more_is_sent_and_everything_is_told() {
    for (full_after, sent) in [(0, 1), (1, 4)] {
        let mut world = world((0..4).map(|_| done()));
        world.full_after = Some(full_after);
        let (log, ending) = carried_out(&world).await;
        assert_eq!(log.iter().filter(|entry| entry.starts_with("send")).count(), sent);
        assert_eq!(states(&log).len(), world.scripts.len());
        assert!(matches!(ending, Ending::Unrecorded(_)));
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_lets_what_was_sent_be_proved() {
    let mut world = world([done(), done(), done(), done()]);
    world.interrupt_at = Some(3);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted", "4 not-attempted"]);
    assert!(matches!(ending, Ending::Interrupted));
}

fn busy() -> Script {
    Script { answer: Answer::Busy(Duration::from_secs(60), "busy".to_owned()), gone_after: Some(0) }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_was_waited_for_is_not_asked_before_the_build_is_read_again() {
    let (log, ending) = carried_out(&world([done(), done(), busy()])).await;
    assert_eq!(
        log[4..],
        [
            "read 2 3",
            "send 2",
            "send 3",
            "read 2",
            "ended 2 deleted",
            "waits 60",
            "read 3",
            "send 3",
            "waits 60",
            "read 3",
            "send 3",
            "read 3",
            "ended 3 deleted",
            "read 1 2 3",
        ]
    );
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn waiting_for_a_server_ends_with_an_interruption() {
    let world = world([busy()]);
    let (stop, begun) = (world.stop.clone(), Instant::now());
    tokio::task::LocalSet::new()
        .run_until(async {
            tokio::task::spawn_local(async move {
                sleep(Duration::from_secs(5)).await;
                stop.soon.cancel();
            });
            let (log, ending) = carried_out(&world).await;
            assert_eq!(states(&log), ["1 not-attempted"]);
            assert!(matches!(ending, Ending::Interrupted));
        })
        .await;
    assert!(begun.elapsed() < Duration::from_secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_slow_database_slows_the_run_and_does_not_stop_it() {
    let mut world = world([done(), done(), done()]);
    world.slow = Duration::from_secs(8);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted"]);
    // What has grown old while it was read is read again before it is sent.
    assert_eq!(log[4..8], ["read 2 3", "send 2", "read 2", "ended 2 deleted"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_grew_old_while_the_admin_path_got_ready_is_read_again_before_it_is_sent() {
    let world = world([done(), done()]);
    let late = FRESH + Duration::from_millis(1);
    world.unready.replace(vec![late, Duration::ZERO, late, late]);
    let (log, ending) = carried_out(&world).await;
    let canary = ["read 1", "reads again", "read 1", "reads again", "read 1", "send 1", "read 1", "ended 1 deleted"];
    assert_eq!(log[..8], canary);
    assert_eq!(log[8..], ["read 2", "reads again", "read 2", "send 2", "read 2", "ended 2 deleted", "read 1 2"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn an_admin_path_that_is_never_ready_in_time_ends_the_run() {
    let world = world([done(), done()]);
    world.unready.replace(vec![FRESH * 2; 100]);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 not-attempted", "2 not-attempted"]);
    assert_eq!(log.iter().filter(|entry| *entry == "read 1").count(), STALE_READINGS);
    let Ending::Stopped(why) = ending else { panic!("{ending:?}") };
    assert_eq!(why, "the admin path is too slow: 3 times in a row it was not ready in time (too late)");
}

/// A slow database makes the first reading of a batch last longer; a slow admin path does not.
#[tokio::test(start_paused = true)]
async fn only_a_slow_database_makes_a_reading_last_longer() {
    for (slow, unready, sent) in
        [(0, 4, false), (1, 4, false), (3, 2, true), (3, 4, false), (6, 3, true), (6, 5, false)]
    {
        let mut world = world([done()]);
        world.slow = Duration::from_secs(slow);
        world.unready.replace(vec![Duration::from_secs(unready); 100]);
        let (log, _) = carried_out(&world).await;
        assert_eq!(log.contains(&"send 1".to_owned()), sent, "{slow} s to read, {unready} s to get ready");
    }
}

/// The README says how old a reading may be.
#[test]
fn the_readme_tells_these_limits() {
    let readme = include_str!("../../README.md");
    let text: Vec<&str> = readme.split_whitespace().collect();
    let (fresh, oldest) = (FRESH.as_secs(), OLDEST.as_secs());
    let sentence = format!(
        "{fresh} seconds; where the database or the journal's disk is slow, twice the time that they took, {oldest} at most"
    );
    assert!(text.join(" ").contains(&sentence), "the README does not say: {sentence}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_deleted_by_what_was_read_long_ago() {
    let mut world = world([done(), done(), done()]);
    world.slow = Duration::from_secs(30);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 not-attempted", "2 not-attempted", "3 not-attempted"]);
    assert!(!log.iter().any(|entry| entry.starts_with("send")));
    assert!(matches!(ending, Ending::Stopped(why) if why.starts_with("it takes 30 s to read a build again")));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_everything_is_not_asked_for_ever() {
    for answer in [Answer::Failed as fn(String) -> Answer, Answer::Accepted] {
        let failing = std::iter::repeat_with(|| says(answer, None)).take(60);
        let mut world = world([done(), done()].into_iter().chain(failing));
        world.jobs = 4;
        let (log, ending) = carried_out(&world).await;
        assert!(matches!(ending, Ending::Stopped(why) if why == "10 deletions in a row have failed"));
        assert!(log.iter().filter(|entry| entry.starts_with("send")).count() <= 2 + FIRST_BATCH);
        assert_eq!(states(&log).len(), 62);
    }
}

#[tokio::test(start_paused = true)]
async fn who_cannot_wait_has_everything_on_record_all_the_same() {
    let silent = Script { answer: Answer::Failed("never answers".to_owned()), gone_after: None };
    let world = world([done(), done(), silent, done()]);
    let stop = world.stop.clone();
    tokio::task::LocalSet::new()
        .run_until(async {
            tokio::task::spawn_local(async move {
                sleep(Duration::from_secs(5)).await;
                stop.soon.cancel();
                sleep(Duration::from_secs(5)).await;
                stop.now.cancel();
            });
            let (log, ending) = carried_out(&world).await;
            assert_eq!(states(&log), ["1 deleted", "2 unknown", "3 unknown", "4 not-attempted"]);
            assert!(matches!(ending, Ending::Interrupted));
        })
        .await;
}

#[tokio::test(start_paused = true)]
async fn several_are_under_way_at_once_and_the_canary_alone() {
    let mut world = world((0..9).map(|_| done()));
    (world.jobs, world.takes) = (4, Duration::from_millis(100));
    let begun = Instant::now();
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[..5], ["read 1", "send 1", "read 1", "ended 1 deleted", "read 2 3 4 5 6 7 8 9"]);
    assert_eq!(states(&log).len(), 9);
    assert_eq!(begun.elapsed(), Duration::from_millis(300));
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_on_a_reading_that_is_old() {
    // Two at once, two seconds each: after four seconds the others have to be read again.
    let mut world = world((0..7).map(|_| done()));
    (world.jobs, world.takes) = (2, Duration::from_secs(2));
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[4..9], ["read 2 3 4 5 6 7", "send 2", "send 3", "send 4", "send 5"]);
    assert_eq!(log[9], "read 2 3 4 5");
    assert_eq!(log[14..17], ["read 6 7", "send 6", "send 7"]);
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn what_takes_long_to_put_on_record_is_read_again_and_sent_once() {
    let mut world = world((0..4).map(|_| done()));
    world.slow_record = Duration::from_secs(5);
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log), ["1 deleted", "2 deleted", "3 deleted", "4 deleted"]);
    assert!((1..=4).all(|number| world.sends(number) == 1), "{log:?}");
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_rate_is_kept_and_what_is_sent_is_fresh() {
    let mut world = world((0..5).map(|_| done()));
    (world.jobs, world.rate) = (4, Some(0.1));
    let begun = Instant::now();
    let (log, ending) = carried_out(&world).await;
    assert_eq!(begun.elapsed().as_secs(), 40);
    for number in 1..=5 {
        let sent = log.iter().position(|entry| *entry == format!("send {number}")).expect("sent");
        assert_eq!(log[sent - 1], format!("read {number}"), "{log:?}");
    }
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_comes_back_silences_no_run() {
    // Five at once lose their answers together: that is one silence, not five.
    let silent = || says(Answer::Unknown, Some(0));
    let mut world = world([done(), silent(), silent(), silent(), silent(), silent(), done()]);
    (world.jobs, world.takes) = (6, Duration::from_millis(10));
    let (log, ending) = carried_out(&world).await;
    assert_eq!(states(&log).len(), 7);
    assert!(states(&log).iter().all(|state| state.ends_with("deleted")), "{log:?}");
    assert!(matches!(ending, Ending::Complete));
}

#[tokio::test(start_paused = true)]
async fn each_build_is_put_aside_before_it_is_sent() {
    let mut world = world([done(), done(), done(), done()]);
    // The third is put aside as something else than what is read just before it would be sent.
    world.archives = Some([(1, "as it was"), (2, "as it was"), (3, "as it had been"), (4, "as it was")].into());
    let (log, ending) = carried_out(&world).await;
    assert_eq!(log[..3], ["archive 1", "read 1", "send 1"]);
    assert_eq!(log[5..9], ["archive 2 3 4", "read 2 3 4", "send 2", "send 4"]);
    assert_eq!(log.iter().filter(|entry| *entry == "archive 3").count(), ARCHIVED_AT_MOST - 1);
    assert_eq!(world.sends(3), 0);
    assert!(states(&log).contains(&"3 changed"));
    assert!(matches!(ending, Ending::Complete));
}

fn script() -> impl Strategy<Value = Script> {
    let answer = prop_oneof![
        4 => Just(Answer::Accepted as fn(String) -> Answer),
        1 => Just(Answer::Gone as fn(String) -> Answer),
        1 => Just(Answer::Refused as fn(String) -> Answer),
        1 => Just(Answer::Failed as fn(String) -> Answer),
        1 => Just(Answer::Unknown as fn(String) -> Answer),
        1 => Just(Answer::Denied as fn(String) -> Answer),
        1 => Just((|text| Answer::Busy(Duration::from_secs(1), text)) as fn(String) -> Answer),
    ];
    (answer, prop_oneof![3 => Just(Some(0)), 1 => Just(Some(2)), 1 => Just(None)])
        .prop_map(|(answer, gone_after)| says(answer, gone_after))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_happens_each_build_is_sent_once_at_most_and_ends_in_one_state(
        scripts in proptest::collection::vec(script(), 1..40),
        changed in proptest::collection::btree_set(1_u64..40, 0..10),
        interrupt_at in proptest::option::of(1_u64..40),
        blind_after in proptest::option::of(1_usize..8),
        full_after in proptest::option::of(0_usize..40),
        (jobs, takes) in (1_usize..9, 0_u64..4000),
        put_aside in proptest::option::of(proptest::collection::btree_set(1_u64..40, 0..40)),
    ) {
        let mut world = world(scripts);
        world.changed = changed.clone();
        world.interrupt_at = interrupt_at;
        world.blind_after = blind_after;
        world.full_after = full_after;
        (world.jobs, world.takes) = (jobs, Duration::from_millis(takes));
        world.archives = put_aside.map(|builds| builds.into_iter().map(|number| (number, "as it was")).collect());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let (log, _) = runtime.expect("a runtime").block_on(carried_out(&world));
        let ended = states(&log);
        prop_assert_eq!(ended.len(), world.scripts.len());
        for number in world.scripts.keys() {
            let sent = log.iter().filter(|entry| **entry == format!("send {number}")).count();
            let busy = matches!(world.scripts[number].answer, Answer::Busy(..));
            let most = if busy { 3 } else { 1 };
            prop_assert!(sent <= most);
            prop_assert!(sent == 0 || !changed.contains(number), "a changed build was sent");
            prop_assert_eq!(ended.iter().filter(|entry| entry.starts_with(&format!("{number} "))).count(), 1);
            let gone = world.sent.borrow().contains_key(number) && world.scripts[number].gone_after.is_some();
            let deleted = ended.contains(&format!("{number} deleted").as_str());
            prop_assert!(!deleted || gone, "deleted means gone");
            let aside = world.archives.as_ref().is_none_or(|aside| aside.contains_key(number));
            prop_assert!(sent == 0 || aside, "a build was sent that is not in the archive");
        }
        // Until one has been proved gone, each is waited for.
        let first_deleted = log.iter().position(|entry| entry.ends_with(" deleted")).unwrap_or(log.len());
        let mut under_way = BTreeSet::new();
        for entry in &log[..first_deleted] {
            match entry.split(' ').collect::<Vec<_>>()[..] {
                ["send", number] => drop(under_way.insert(number)),
                ["ended", number, _] => drop(under_way.remove(number)),
                _ => {}
            }
            prop_assert!(under_way.len() <= 1, "more than a canary was sent: {:?}", log);
        }
    }
}

/// A database that has gone back to an earlier state, by a failover or a restore, has again what was deleted.
#[tokio::test(start_paused = true)]
async fn what_is_there_again_at_the_end_was_not_deleted() {
    let mut world = world([done(), done(), done()]);
    world.back_after = BTreeMap::from([(1, 1), (3, 1)]);
    let (log, ending) = carried_out(&world).await;
    assert!(matches!(ending, Ending::Complete), "{ending:?}");
    assert_eq!(log[log.len() - 3..], ["read 1 2 3", "returned 1 failed", "returned 3 failed"]);
}

#[tokio::test(start_paused = true)]
async fn after_the_database_was_away_all_that_was_deleted_is_read_again_before_anything_more_is_sent() {
    let mut world = world([done(), done()]);
    world.been_away = true;
    world.back_after = BTreeMap::from([(1, 1)]);
    let (log, _) = carried_out(&world).await;
    let returned = log.iter().position(|entry| entry == "returned 1 failed").expect("it is told");
    let sent = log.iter().position(|entry| entry == "send 2").expect("it is sent");
    assert!(returned < sent, "{log:?}");
    // What is known to be there again is not read for ever.
    assert_eq!(log.last().map(String::as_str), Some("read 2"), "{log:?}");
}

#[tokio::test(start_paused = true)]
async fn where_the_end_cannot_be_looked_at_the_run_is_blind() {
    let mut world = world([done()]);
    world.blind_after = Some(2);
    let (_, ending) = carried_out(&world).await;
    assert!(matches!(ending, Ending::Blind(_)), "{ending:?}");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_once_the_lock_is_known_to_be_lost() {
    let mut world = world([done(), done(), done(), done()]);
    world.lock_lost_after = Some(2);
    let (log, _) = carried_out(&world).await;
    assert_eq!(log.iter().filter(|entry| entry.starts_with("send")).count(), 2, "{log:?}");
}
