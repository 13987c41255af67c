//! What a deletion leaves behind: the results, row by row, the count of each state, the bar.

use std::collections::BTreeMap;
use std::io::IsTerminal;

use crate::deletion::{Decision, Listener, Planned};
use crate::output::{OutputError, OutputFile, PlanTable, Printer, Progress};
use crate::report::{ResultRow, ResultWriter};
use crate::state::State;

use super::Error;

/// Puts every build that has ended on record and moves the bar.
pub(super) struct Record {
    /// None on a terminal, where rows would fly past: there each build that is not deleted is told above the bar.
    results: Option<ResultWriter<OutputFile>>,
    states: BTreeMap<State, u64>,
    progress: Progress,
}

impl Record {
    /// Begins the results with their header row.
    pub(super) fn new(output: OutputFile, on_stdout: bool, deletions: u64, printer: Printer) -> Result<Self, Error> {
        let results = if on_stdout && std::io::stdout().is_terminal() {
            printer.say("-o FILE would keep the result of each build");
            None
        } else {
            Some(ResultWriter::new(output).map_err(Error::Unrecorded)?)
        };
        Ok(Self { results, states: BTreeMap::new(), progress: Progress::counted("deleting", deletions, printer) })
    }

    /// Ends the results and tells how many builds ended in each state.
    pub(super) fn finish(self) -> Result<BTreeMap<State, u64>, Error> {
        if let Some(results) = self.results {
            results.finish().map_err(Error::Unrecorded)?.finish()?;
        }
        Ok(self.states)
    }
}

impl Listener for Record {
    fn ended(&mut self, planned: &Planned, state: State, reason: &str) -> std::io::Result<()> {
        if let Some(results) = &mut self.results {
            let (chosen, planned) = (&planned.chosen, planned.is_deletion());
            results.write(&ResultRow { chosen, planned, state, reason })?;
        }
        *self.states.entry(state).or_default() += 1;
        if planned.is_deletion() {
            self.progress.advance();
            if !matches!(state, State::Deleted | State::NotAttempted) {
                self.progress.say(&format!("{state}: {}: {reason}", planned.chosen.url_text));
            }
        }
        Ok(())
    }
}

/// Shows a plan that is not carried out: a table on a terminal, the results file elsewhere.
pub(super) fn show_plan(plan: &[Planned], mut output: OutputFile, on_stdout: bool) -> Result<(), Error> {
    let name = output.name();
    let failed = |source| OutputError::new(name.clone(), source);
    if on_stdout && std::io::stdout().is_terminal() {
        PlanTable::write(plan, &mut output).map_err(failed)?;
        return Ok(output.finish()?);
    }
    let mut results = ResultWriter::new(&mut output).map_err(failed)?;
    for planned in plan {
        let (state, reason) = match &planned.decision {
            Decision::Delete(why) => (State::NotAttempted, format!("dry run; {why}")),
            Decision::Keep(state, reason) => (*state, reason.clone()),
        };
        let row = ResultRow { chosen: &planned.chosen, planned: planned.is_deletion(), state, reason: &reason };
        results.write(&row).map_err(failed)?;
    }
    results.finish().map_err(failed)?;
    Ok(output.finish()?)
}
