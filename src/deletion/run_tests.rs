//! Runs against a scripted database and a scripted server, for what real ones will not do on demand.

#[path = "run_cancel_tests.rs"]
mod cancels;
#[path = "run_collateral_tests.rs"]
mod collateral;
#[path = "run_outcome_tests.rs"]
mod outcomes;
#[path = "run_timing_tests.rs"]
mod timing;

use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;
use std::sync::LazyLock;

use jiff::{SignedDuration, Timestamp};
use tokio::time::Instant;

use super::*;
use crate::admin::{Answer, Freshness, Target};
use crate::build_url::BuildUrl;
use crate::deletion::Permit;
use crate::deletion::RequestPaths;
use crate::deletion::collateral::{Count, Loss};
use crate::deletion::plan::Terms;
use crate::deletion::roles::ArchiveFailure;
use crate::deletion::send::FIRST_READING_LASTS;
use crate::report::Judged;
use crate::request_path::RequestPath;
use crate::scan::ProjectCount;
use crate::testing;
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
    /// The builds of the plan that go along with one that is deleted, and how many others do.
    takes_along: BTreeMap<u64, (Vec<u64>, u64)>,
    /// How many more builds may be gone than were sent.
    allowed: u64,
    /// Whether builds cannot be counted.
    uncounted: bool,
    /// How many deletions had been sent each time that the builds were counted.
    counts: Rc<RefCell<Vec<usize>>>,
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
    /// What the server says when it is to cancel each of these, which run.
    cancels: BTreeMap<u64, Answer>,
    cancelled: Rc<RefCell<BTreeSet<u64>>>,
    /// Whether nothing comes of a cancel that it accepts.
    ignores_cancels: bool,
}

fn number(chosen: &Chosen) -> u64 {
    number_of(chosen.url.as_ref().expect("a URL"))
}

fn number_of(build: &BuildUrl) -> u64 {
    build.number().expect("a number")
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

    async fn count(&mut self, projects: &BTreeSet<Option<String>>) -> Result<Count, Gone> {
        assert_eq!(projects.iter().flatten().collect::<Vec<_>>(), ["acme/api"]);
        let sent = self.sent.borrow();
        self.counts.borrow_mut().push(sent.len());
        if self.uncounted {
            return Ok(Count::NotChecked("a page is damaged".to_owned()));
        }
        let is_gone =
            |number: &&u64| self.scripts[*number].gone_after.is_some() && !self.back_after.contains_key(number);
        let gone = sent.keys().filter(is_gone).count() as u64;
        let asked_for = |number: &u64| self.sends(*number) > 0;
        let lost = self.takes_along.iter().filter(|(number, _)| asked_for(number)).map(|(_, (_, others))| others);
        let lost: u64 = lost.sum();
        let count = ProjectCount { earlier: 10_000 - gone - lost, later: lost, without_time: 0 };
        Ok(Count::Builds([(Some("acme/api".to_owned()), count)].into()))
    }

    fn search_everywhere(&mut self, _: bool) {}

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
        Terms { rules: vec!["stuck-running"], permit: &PERMIT, clock_tolerance: SignedDuration::ZERO }
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
        if self.cancels.contains_key(&number) {
            return Reading::There(Box::new(match self.cancelled.borrow().contains(&number) {
                false => at_work(number, true),
                // Somebody has started it once more.
                true if self.changed.contains(&number) => {
                    Finding { started_at: Some(jiff::Timestamp::UNIX_EPOCH), ..at_work(number, false) }
                }
                true => at_work(number, false),
            }));
        }
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
    async fn cancel(&self, path: &RequestPath, _: &Freshness) -> Answer {
        World::cancel(self, path.as_str())
    }

    async fn delete(&self, target: Target<'_>, fresh: &Freshness) -> Answer {
        let number = number_of(target.url);
        let unready = self.unready.borrow_mut().pop();
        if let Some(unready) = unready {
            sleep(unready).await;
        }
        if fresh.has_expired() {
            return Answer::Stale("too late".to_owned());
        }
        self.log.borrow_mut().push(format!("send {number}"));
        let intended = self.intents.borrow().iter().filter(|intended| **intended == number).count();
        assert!(intended >= self.sends(number), "build {number} was sent and is not on record");
        self.under_way.set(self.under_way.get() + 1);
        assert!(self.under_way.get() <= self.jobs, "{} at once", self.under_way.get());
        sleep(self.takes).await;
        self.under_way.set(self.under_way.get() - 1);
        self.sent.borrow_mut().insert(number, 0);
        for along in self.takes_along.get(&number).into_iter().flat_map(|(along, _)| along) {
            self.sent.borrow_mut().insert(*along, 0);
        }
        if self.interrupt_at == Some(number) {
            self.stop.soon.cancel();
        }
        let script = &self.scripts[&number];
        match script.answer.clone() {
            Answer::Busy(wait, text) => {
                // Busy twice, then at work.
                if self.sends(number) > 2 { Answer::Accepted(text) } else { self.not_sent(number, wait, text) }
            }
            Answer::Failed(text) if text == "never answers" => std::future::pending().await,
            answer => answer,
        }
    }
}

impl World {
    /// What came of a cancel.
    fn cancel(&self, path: &str) -> Answer {
        let number: u64 = path.trim_start_matches("/cancel/").parse().expect("a number");
        self.log.borrow_mut().push(format!("cancel {number}"));
        if self.interrupt_at == Some(number) {
            self.stop.soon.cancel();
        }
        let answer = self.cancels[&number].clone();
        if matches!(answer, Answer::Accepted(_)) && !self.ignores_cancels {
            self.cancelled.borrow_mut().insert(number);
        }
        answer
    }
}

impl Recorder for World {
    async fn intend(&self, planned: &Planned, _: &Finding, deed: Deed) -> io::Result<()> {
        if deed == Deed::Cancel {
            self.log.borrow_mut().push(format!("announce cancel {}", number(&planned.chosen)));
            return Ok(());
        }
        sleep(self.slow_record).await;
        self.intents.borrow_mut().push(number(&planned.chosen));
        match self.full_after.is_some_and(|after| self.recorded() > after) {
            true => Err(io::Error::other("disk full")),
            false => Ok(()),
        }
    }

    fn answered(&self, _: &Planned, _: &Answer, _: Deed) {}

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

    fn not_counted(&self, why: &str) {
        self.log.borrow_mut().push(format!("not counted: {why}"));
    }

    fn lost(&mut self, loss: &Loss, is_said: bool) {
        self.log.borrow_mut().push(format!("lost {}{}", loss.builds(), if is_said { "" } else { ", a warning" }));
    }

    fn waits(&self, wait: Duration, _: &str) {
        self.log.borrow_mut().push(format!("waits {}", wait.as_secs()));
    }

    fn reads_again(&self, _: &str) {
        self.log.borrow_mut().push("reads again".to_owned());
    }

    fn slows_down(&self, at_once: usize, _: &str) {
        self.log.borrow_mut().push(format!("slackens to {at_once}"));
    }
}

fn finding(fingerprint: &str) -> Finding {
    Finding { fingerprint: fingerprint.to_owned(), ..testing::finding() }
}

/// A build that runs or was cancelled.
fn at_work(number: u64, runs: bool) -> Finding {
    let (lifecycle, fingerprint) = if runs { ("running", "as it was") } else { ("finished", "cancelled") };
    Finding {
        key: number.to_string(),
        lifecycle: Some(lifecycle.to_owned()),
        stopped_at: (!runs).then(Timestamp::now),
        cancel_path: runs.then(|| format!("/cancel/{number}")),
        delete_path: Some(format!("/delete/{number}")),
        ..finding(fingerprint)
    }
}

fn planned(number: u64) -> Planned {
    let url = format!("https://ci.example.com/gh/acme/api/{number}");
    let judged = Judged {
        timing: Timing::InFlight,
        deletable: true,
        note: String::new(),
        build_num: None,
        queued_at: None,
        started_at: None,
        fingerprint: "as it was".to_owned(),
    };
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
        project: Some("acme/api".to_owned()),
        paths: RequestPaths::default(),
        sent_before: false,
        cancels_first: false,
        cancelled: None,
        cancel_may_be_sent: false,
    }
}

fn world(scripts: impl IntoIterator<Item = Script>) -> World {
    World {
        log: Log::default(),
        scripts: (1..).zip(scripts).collect(),
        sent: Rc::default(),
        changed: BTreeSet::new(),
        back_after: BTreeMap::new(),
        takes_along: BTreeMap::new(),
        allowed: 0,
        uncounted: false,
        counts: Rc::default(),
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
        cancels: BTreeMap::new(),
        cancelled: Rc::default(),
        ignores_cancels: false,
    }
}

async fn carried_out(world: &World) -> (Vec<String>, Ending<Gone>) {
    carried_on(world, false).await
}

/// The same of a plan whose builds an earlier run may have sent.
async fn carried_on(world: &World, sent_before: bool) -> (Vec<String>, Ending<Gone>) {
    let paths = |number: &u64| match world.cancels.contains_key(number) {
        true => RequestPaths::of(&at_work(*number, true)),
        false => RequestPaths::default(),
    };
    let plan = world.scripts.keys().map(|number| Planned { sent_before, paths: paths(number), ..planned(*number) });
    let plan: Vec<Planned> = plan.collect();
    let (mut reader, deleter, mut recorder) = (world.clone(), world.clone(), world.clone());
    let speed = Speed { jobs: world.jobs, rate: world.rate };
    let ending =
        run(&plan, Vec::new(), (speed, world.allowed), (&mut reader, &deleter, &mut recorder), &world.stop).await;
    (world.log.borrow().clone(), ending)
}

fn states(log: &[String]) -> Vec<&str> {
    log.iter().filter_map(|entry| entry.strip_prefix("ended ")).collect()
}
