//! Records how each build ends: in the journal, in the results, and on the progress bar.

use std::collections::{BTreeMap, HashSet};
use std::io::IsTerminal;
use std::time::Duration;

use crate::admin::Answer;
use crate::build_url::BuildUrl;
use crate::deletion::journal::{Event, Intent, Journal, Kept};
use crate::deletion::{Decision, Deed, Ended, Identity, Loss, Planned, Recorder, lasting_digest};
use crate::finding::Finding;
use crate::http_deletion::HttpDeletion;
use crate::output::{Color, OutputError, OutputFile, Printer, Progress, plan_table, show};
use crate::report::{self, ResultRow, ResultWriter, RowKind};
use crate::request_path::RequestPath;
use crate::state::State;
use crate::text::{Foreign, counted};

use crate::commands::Error;
use crate::commands::under_way::UnderWay;

/// Puts every build that has ended on record, and moves the bar.
pub(super) struct RunRecorder {
    results: ResultWriter<OutputFile>,
    /// Whether rows that have been written can still be changed. What has been printed cannot.
    can_be_amended: bool,
    /// The rows whose end has changed since they were written, by address and line.
    amended: BTreeMap<(String, u64), (State, String)>,
    states: BTreeMap<State, u64>,
    /// How many builds are gone that were not sent.
    lost: u64,
    progress: Progress,
    journal: Journal,
    /// By which requests the profile deletes, if it does.
    deletion: Option<HttpDeletion>,
    /// The builds that an earlier session sent, and whose end this session records.
    looked_up: HashSet<String>,
    under_way: UnderWay,
    /// Whether writing a row failed: then no more rows are written.
    failed: bool,
    /// Whether a record could not be written, here or in the journal: then every end is also said.
    says_all: bool,
}

impl RunRecorder {
    /// Writes the header row of the results.
    pub(super) fn new(
        output: OutputFile,
        deletions: u64,
        (journal, deletion): (Journal, Option<&HttpDeletion>),
        looked_up: HashSet<String>,
        under_way: UnderWay,
        printer: Printer,
    ) -> Result<Self, Error> {
        let can_be_amended = output.can_be_amended();
        let results = ResultWriter::new(output).map_err(Error::Unrecorded)?;
        let progress = Progress::counted("deleting", deletions, printer);
        let amended = BTreeMap::new();
        Ok(Self {
            results,
            can_be_amended,
            amended,
            states: BTreeMap::new(),
            lost: 0,
            progress,
            journal,
            deletion: deletion.cloned(),
            looked_up,
            under_way,
            failed: false,
            says_all: false,
        })
    }

    /// A build that the plan keeps is recorded as kept, unless an earlier session had sent it.
    fn event(&mut self, Ended { planned, state, reason }: &Ended<'_>) -> Event {
        let url = address(planned);
        // Once: a list may hold a build twice.
        if self.looked_up.remove(&url) || planned.is_deletion() {
            return Event::result(&url, *state, reason);
        }
        Event::Kept(Kept { url, line: planned.chosen.line, state: *state, reason: reason.clone() })
    }

    fn add(&mut self, Ended { planned, state, reason }: &Ended<'_>) -> std::io::Result<()> {
        *self.states.entry(*state).or_default() += 1;
        let is_deletion = planned.is_deletion();
        let written = match self.failed {
            true => Ok(()),
            false => {
                self.results.write(&ResultRow { chosen: &planned.chosen, kind: row_kind(planned, *state, reason) })
            }
        };
        self.failed |= written.is_err();
        self.says_all |= self.failed;
        // What was not attempted is not done.
        if is_deletion && *state != State::NotAttempted {
            self.progress.advance();
        }
        let is_news = is_deletion && !matches!(state, State::Deleted | State::NotAttempted);
        if is_news || self.says_all {
            self.progress.tell(&format!("{state}: {}: {reason}", planned.chosen.url_text));
        }
        written
    }

    /// How many builds are gone that were not sent.
    pub(super) fn lost_builds(&self) -> u64 {
        self.lost
    }

    /// Ends the results. Returns how many builds ended in each state, and whether every row could be written.
    pub(super) fn finish(self) -> (BTreeMap<State, u64>, Result<(), Error>) {
        let amended = &self.amended;
        let finished = self.results.finish().map_err(Error::Unrecorded).and_then(|mut output| {
            if self.can_be_amended && !amended.is_empty() {
                output.amend(|rows, to| report::amended(rows, to, amended))?;
            }
            Ok(output.finish()?)
        });
        (self.states, finished)
    }
}

impl Recorder for RunRecorder {
    async fn intend(&self, planned: &Planned, now: &Finding, deed: Deed) -> std::io::Result<()> {
        self.journal.append(vec![intent(planned, now, deed, self.deletion.as_ref())]).await?;
        self.under_way.begin(&address(planned));
        Ok(())
    }

    fn answered(&self, planned: &Planned, answer: &Answer, deed: Deed) {
        let url = address(planned);
        self.journal.note(match deed {
            Deed::Delete => Event::answer(&url, answer),
            Deed::Cancel => Event::answer_to_cancel(&url, answer),
        });
    }

    async fn ended(&mut self, ended: &[Ended<'_>]) -> std::io::Result<()> {
        ended.iter().for_each(|ended| self.under_way.end(&address(ended.planned)));
        let events = ended.iter().map(|ended| self.event(ended)).collect();
        let journalled = self.journal.append(events).await;
        // The results may still take what the journal does not.
        self.says_all |= journalled.is_err();
        // Each is written, even where one of them fails.
        let written: Vec<_> = ended.iter().map(|ended| self.add(ended)).collect();
        journalled.and(written.into_iter().collect())
    }

    async fn returned(&mut self, ended: &[Ended<'_>]) -> std::io::Result<()> {
        let events = |Ended { planned, state, reason }: &Ended<'_>| {
            let url = address(planned);
            [Event::looked(&url, false, reason), Event::result(&url, *state, reason)]
        };
        let journalled = self.journal.append(ended.iter().flat_map(events).collect()).await;
        for Ended { planned, state, reason } in ended {
            // A build that is not in this plan was not counted with it.
            if planned.chosen.line > 0
                && let Some(deleted) = self.states.get_mut(&State::Deleted)
            {
                *deleted = deleted.saturating_sub(1);
                self.states.retain(|_, builds| *builds > 0);
            }
            *self.states.entry(*state).or_default() += 1;
            let url_text = &planned.chosen.url_text;
            self.progress.tell(&format!("{state}: {url_text}: {reason}"));
            let row = (Foreign::new(url_text).into(), planned.chosen.line);
            self.amended.insert(row, (*state, reason.clone()));
        }
        if self.can_be_amended || self.failed {
            return journalled;
        }
        self.progress.say("their rows are printed again: the last row of a build counts");
        let again = ended.iter().filter(|ended| ended.planned.chosen.line > 0).try_for_each(|ended| {
            let kind = row_kind(ended.planned, ended.state, &ended.reason);
            self.results.write(&ResultRow { chosen: &ended.planned.chosen, kind })
        });
        self.failed |= again.is_err();
        journalled.and(again)
    }

    fn not_counted(&self, why: &str) {
        self.progress.tell(&format!("not checked: whether the server deletes others along: {why}"));
    }

    fn lost(&mut self, loss: &Loss, is_said: bool) {
        self.lost = loss.builds();
        if !is_said {
            let lost = counted(self.lost, "build");
            self.progress.warn(&format!("{lost} went along that no deletion was sent for: {}", loss.fact()));
        }
    }

    fn waits(&self, wait: Duration, why: &str) {
        self.progress.say(&format!("waiting {:.0} s for the server: {why}", wait.as_secs_f64()));
    }

    fn reads_again(&self, why: &str) {
        self.progress.say(&format!("the admin server was not ready in time, the builds are read again: {why}"));
    }

    fn slows_down(&self, at_once: usize, why: &str) {
        self.progress.say(&format!("from now on at most {at_once} at once: {why}"));
    }
}

/// What the results say of a build that has ended.
fn row_kind<'a>(planned: &Planned, state: State, reason: &'a str) -> RowKind<'a> {
    if planned.is_deletion() { RowKind::Result(state, reason) } else { RowKind::Kept(state, reason) }
}

/// The build's canonical address, or what stands in its place.
fn address(planned: &Planned) -> String {
    planned.chosen.url.as_ref().map_or_else(|| planned.chosen.url_text.clone(), ToString::to_string)
}

/// The record that is written before a deletion or a cancel is sent.
fn intent(planned: &Planned, now: &Finding, deed: Deed, deletion: Option<&HttpDeletion>) -> Event {
    Event::Intent(Box::new(Intent {
        url: address(planned),
        project: now.project.clone(),
        number: planned.chosen.url.as_ref().and_then(BuildUrl::number),
        line: planned.chosen.line,
        reasons: now.reasons.clone(),
        evidence: now.evidence.clone(),
        timing: now.timing,
        fingerprint: now.fingerprint.clone(),
        key: Identity::of(now).key,
        queued_at: now.queued_at.map(|time| time.to_string()),
        cancel: (deed == Deed::Cancel).then(|| lasting_digest(now)),
        request: deletion.and_then(|deletion| request(deletion, now, deed)),
    }))
}

/// What is asked of the server, without its address and the token; `None` where nothing can be.
fn request(deletion: &HttpDeletion, now: &Finding, deed: Deed) -> Option<String> {
    let (method, path) = match deed {
        Deed::Delete => (deletion.delete, &now.delete_path),
        Deed::Cancel => (deletion.cancel?, &now.cancel_path),
    };
    let path = RequestPath::parse(path.as_deref()?).ok()?;
    Some(format!("{method} {path}"))
}

/// Writes a plan that is not carried out: a table on a terminal, rows of results elsewhere.
pub(super) fn write_plan(plan: &[Planned], mut output: OutputFile, on_stdout: bool, color: Color) -> Result<(), Error> {
    let name = output.name();
    let failed = |source| OutputError::new(name.clone(), source);
    if on_stdout && std::io::stdout().is_terminal() {
        return Ok(show(&plan_table(plan, color))?);
    }
    let mut results = ResultWriter::new(&mut output).map_err(failed)?;
    for planned in plan {
        let why = planned.decision.to_string();
        let kind = match &planned.decision {
            Decision::Delete { .. } => RowKind::Planned(&why),
            Decision::Keep(state, _) => RowKind::Kept(*state, &why),
        };
        let row = ResultRow { chosen: &planned.chosen, kind };
        results.write(&row).map_err(failed)?;
    }
    results.finish().map_err(failed)?;
    Ok(output.finish()?)
}
