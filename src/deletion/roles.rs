//! What a run needs from outside, each behind a small trait: a reader, a deleter, a recorder; and how it is asked to end.

use std::collections::BTreeSet;
use std::io;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::admin::{Answer, Freshness, Target};
use crate::finding::Finding;
use crate::report::Chosen;
use crate::request_path::RequestPath;
use crate::state::State;

use super::collateral::{Count, Loss};
use super::journal::sent_before;
use super::plan::{Planned, Reading, Terms};

/// Reads chosen builds again.
pub trait BuildReader {
    type Error: std::error::Error;

    /// What the database says now of each build, in the same order.
    fn read(&mut self, chosen: &[&Chosen]) -> impl Future<Output = Result<Vec<Reading>, Self::Error>>;

    /// How many builds these projects have (`None` stands for builds without one): those that were there when the run began are counted apart
    /// from those that came later.
    fn count(&mut self, projects: &BTreeSet<Option<String>>) -> impl Future<Output = Result<Count, Self::Error>>;

    /// From now on builds are also searched for by their addresses, whatever their keys are, which may take a look at every build; or by names
    /// and keys alone again.
    fn search_everywhere(&mut self, wanted: bool);

    /// A function that says at any moment, without asking the server, whether this run may still hold the deletion lock.
    fn lock_watch(&self) -> Box<dyn Fn() -> bool>;

    /// Whether the database was away since this was asked last, and may have gone back to an earlier state.
    fn has_been_away(&mut self) -> bool;

    /// The terms by which a reading is judged.
    fn terms(&self) -> Terms<'_>;

    /// Archives these builds; they are on disk when it returns. Returns for each build the fingerprint of what was archived; `None`
    /// where no archive is asked for.
    fn archive(
        &mut self,
        chosen: &[&Chosen],
    ) -> impl Future<Output = Result<Option<Vec<Option<String>>>, ArchiveFailure<Self::Error>>>;
}

/// Why builds could not be archived.
#[derive(Debug)]
pub enum ArchiveFailure<E> {
    /// They could not be read.
    Blind(E),
    /// They could not be written.
    Unwritten(io::Error),
}

/// What the server is asked to do with a build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// To delete it.
    Delete,
    /// To cancel it, so that it can be deleted.
    Cancel,
}

/// Sends deletions, several at the same time.
pub trait Deleter {
    /// Sends one cancel, as [`Self::delete`] sends a deletion.
    fn cancel(&self, path: &RequestPath, fresh: &Freshness) -> impl Future<Output = Answer>;

    /// Sends one deletion, once, if the reading that allows it is still fresh when it is written to an open connection.
    fn delete(&self, target: Target<'_>, fresh: &Freshness) -> impl Future<Output = Answer>;
}

/// A build that has ended.
#[derive(Clone, Debug)]
pub struct Ended<'a> {
    pub planned: &'a Planned,
    /// The state in which it is left.
    pub state: State,
    pub reason: String,
}

impl<'a> Ended<'a> {
    /// A build that is gone, and whose deletion an earlier run may have sent, was deleted by that run.
    pub(super) fn new(planned: &'a Planned, state: State, reason: String) -> Self {
        match state {
            State::AlreadyGone if planned.sent_before => {
                Self { planned, state: State::Deleted, reason: sent_before(&reason) }
            }
            _ => Self { planned, state, reason },
        }
    }
}

/// Puts on record what a run does, before and after.
pub trait Recorder {
    /// Records that a build, as it was just read, is about to be sent. The record is on disk when this returns.
    ///
    /// # Errors
    /// It cannot be put on record: then it is not sent, nor is anything after it.
    fn intend(&self, planned: &Planned, now: &Finding, deed: Deed) -> impl Future<Output = io::Result<()>>;

    /// Records what the server said of it.
    fn answered(&self, planned: &Planned, answer: &Answer, deed: Deed);

    /// Records how builds ended.
    ///
    /// # Errors
    /// They cannot be put on record: then nothing more is sent.
    fn ended(&mut self, ended: &[Ended<'_>]) -> impl Future<Output = io::Result<()>>;

    /// Records builds that counted as deleted and are there again, each with its new end.
    ///
    /// # Errors
    /// It cannot be put on record: then nothing more is sent.
    fn returned(&mut self, ended: &[Ended<'_>]) -> impl Future<Output = io::Result<()>>;

    /// It is not checked whether the server deletes other builds along, and why.
    fn not_counted(&self, why: &str);

    /// So many builds are gone that were not sent, as of the end. `is_said`: that is how the run ends, or else nobody hears of it.
    fn lost(&mut self, loss: &Loss, is_said: bool);

    /// The run waits for the server.
    fn waits(&self, wait: Duration, why: &str);

    /// The reading grew too old before the admin server was ready: the builds are read again.
    fn reads_again(&self, why: &str);

    /// From now on fewer are sent at once.
    fn slows_down(&self, at_once: usize, why: &str);
}

/// How a run is asked to end before its time.
#[derive(Clone, Default)]
pub struct Stop {
    /// Nothing more is sent; what was sent is proved.
    pub soon: CancellationToken,
    /// Nothing is waited for: what was sent and not proved is unknown.
    pub now: CancellationToken,
}
