//! What a scan finds, read from the database row by row.
//!
//! All rules are one statement. Where it fails because of what it reads, it is made smaller until it does not: without the relations that
//! cannot be read as a whole, with steps and output looked up build by build, without the rules that fail alone.

use std::collections::{HashMap, VecDeque};

use crate::database::{Parameter, Row, Rows};
use crate::finding::Finding;
use crate::not_checked::Unchecked;
use crate::sql::{UNREAD, filled};

use super::attempt::attempt;
use super::baseline::BaselineFindings;
use super::compose::{BuildSelection, Part, Relations};
use super::engine::Scan;
use super::error::ScanError;
use super::prefilter::{Search, Suspects};
use super::relation::RelationSet;
use super::report_row::{Signs, finding};
use super::rule::Rule;
use super::unread::why;

/// What is being done, for errors.
const SCANNING: &str = "scanning for abnormal builds";
/// What stands before a statement whose rows come in batches.
const CURSOR: &str = UNREAD.part("cursor");
/// Asks for the next batch.
const FETCH: &str = UNREAD.part("fetch");
/// After so many builds in a row whose steps and output could not be looked up, no more are.
const VAIN_LOOKUPS: u32 = 50;

/// What a scan found.
pub struct Findings<'a> {
    scan: Scan<'a>,
    source: Source<'a>,
}

enum Source<'a> {
    /// No rule had anywhere to look.
    Nothing,
    /// The rows of one statement. The next has been read already: the first comes when all have been found and sorted.
    Stream { next: Option<Row>, rest: Rows<'a> },
    /// Batches of a cursor, with steps and output looked up build by build.
    Batches(Batches),
}

#[derive(Default)]
struct Batches {
    waiting: VecDeque<Row>,
    signs: HashMap<String, Row>,
    vain_lookups: u32,
}

/// How steps and output of what is found are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    /// In the same statement.
    Together,
    /// Build by build, by their keys.
    Apart,
}

impl<'a> Scan<'a> {
    /// Starts to read the findings, sorted by project and number.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn findings(self) -> Result<Findings<'a>, ScanError> {
        self.findings_with_baseline(Vec::new()).await
    }

    /// The same, with the builds that differ from a baseline.
    ///
    /// # Errors
    /// What the server complains about before the first row.
    pub async fn findings_with_baseline(mut self, baseline: Vec<BaselineFindings>) -> Result<Findings<'a>, ScanError> {
        let (_, mut parameters) = self.scope_parameters();
        if let Suspects::Only(keys) = &self.search_space.suspects {
            parameters.push(Parameter::Texts(keys.clone()));
        }
        if let Some(held) = self.held.take() {
            self.held_at = Some(parameters.len() + 1);
            parameters.extend(held.into_parameters());
        }
        if !baseline.is_empty() {
            // The server compiled the statement that counted every build; this one does not gain by it.
            self.snapshot.set_jit(false).await?;
        }
        let baseline: Vec<Rule> = baseline.into_iter().map(|found| found.into_rule(&mut parameters)).collect();
        let mut mode = if self.fit.is_read_whole() { Mode::Together } else { Mode::Apart };
        loop {
            match self.ask(mode, &parameters, &baseline).await? {
                Ok(source) => return Ok(Findings { scan: self, source }),
                Err(error) => mode = self.give_way(mode, error, &parameters, &baseline).await?,
            }
        }
    }

    /// Asks for the findings, and waits for the first. The inner error leaves the snapshot as it was.
    async fn ask(
        &self,
        mode: Mode,
        parameters: &[Parameter],
        baseline: &[Rule],
    ) -> Result<Result<Source<'a>, ScanError>, ScanError> {
        let parts = self.parts(baseline);
        if !parts.iter().any(|part| part.is_reported) {
            return Ok(Ok(Source::Nothing));
        }
        self.snapshot.mark().await?;
        let statement = self.findings_in(mode).findings(&parts);
        let asked = match mode {
            Mode::Together => self.stream(&statement, parameters).await,
            Mode::Apart => self.batches(&statement, parameters).await,
        };
        match asked {
            Err(error) if error.is_about_what_is_read() => {
                self.snapshot.go_back().await?;
                Ok(Err(error))
            }
            done => done.map(Ok),
        }
    }

    async fn stream(&self, statement: &str, parameters: &[Parameter]) -> Result<Source<'a>, ScanError> {
        let mut rest = self.snapshot.rows(SCANNING, statement, parameters).await?;
        let next = rest.next().await?;
        Ok(Source::Stream { next, rest })
    }

    async fn batches(&self, statement: &str, parameters: &[Parameter]) -> Result<Source<'a>, ScanError> {
        // Rules that need no step look up signs of life.
        self.snapshot.set_by_index(self.fit.looks_up_by_index()).await?;
        let declared = format!("{CURSOR}{statement}");
        let mut none = self.snapshot.rows(SCANNING, &declared, parameters).await?;
        while none.next().await?.is_some() {}
        drop(none);
        let mut batches = Batches::default();
        batches.fetch(self).await?;
        Ok(Source::Batches(batches))
    }

    /// Makes the statement smaller, after it has failed: without what cannot be read as a whole, without the rules that fail alone, and
    /// at last with steps and output looked up build by build.
    ///
    /// # Errors
    /// The same error, where that is not possible.
    async fn give_way(
        &mut self,
        mode: Mode,
        mut error: ScanError,
        parameters: &[Parameter],
        baseline: &[Rule],
    ) -> Result<Mode, ScanError> {
        if mode == Mode::Together && self.fit.is_read_whole() {
            match self.fit.clone().find_unread(self.plan, self.snapshot, error).await {
                Ok(fit) => {
                    self.fit = fit;
                    self.leave_out_unread().await?;
                    return Ok(if self.fit.is_read_whole() { Mode::Together } else { Mode::Apart });
                }
                Err(same) if same.is_about_what_is_read() => error = same,
                Err(fatal) => return Err(fatal),
            }
        }
        match self.do_without(parameters, baseline).await? {
            true => Ok(mode),
            false if mode == Mode::Together => Ok(Mode::Apart),
            false => Err(error),
        }
    }

    /// Finds the rules that fail alone. Those that do not without signs of life are run without; the others are left out. `false` where
    /// there was none.
    async fn do_without(&mut self, parameters: &[Parameter], baseline: &[Rule]) -> Result<bool, ScanError> {
        let unread = self.fit.unread().relations();
        let mut failing = Vec::new();
        let mut without_signs = Vec::new();
        for part in self.parts(baseline) {
            let Err(error) = self.run_alone(part, parameters).await? else { continue };
            let name = part.rule.name.clone();
            match part.without != unread && self.run_alone(Part { without: unread, ..part }, parameters).await?.is_ok()
            {
                true => without_signs.push(name),
                false => failing.push((name, why(&error))),
            }
        }
        let before = (self.rules.len(), self.without_signs.len());
        without_signs.retain(|name| self.rules.iter().any(|(_, rule)| rule.name == *name));
        for name in without_signs {
            self.leave_out(Unchecked::RuleBesideBuilds(name.clone()), "not all of them can be read");
            self.without_signs.push(name);
        }
        let (left_out, rules): (Vec<_>, Vec<_>) =
            self.rules.iter().copied().partition(|(_, rule)| failing.iter().any(|(name, _)| *name == rule.name));
        self.rules = rules;
        for (_, rule) in left_out {
            let why = failing.iter().find(|(name, _)| *name == rule.name).map(|(_, why)| why.as_str());
            self.could_not_run(rule, why.unwrap_or_default());
        }
        Ok(before != (self.rules.len(), self.without_signs.len()))
    }

    /// Whether a rule can be run, whatever steps and output of its findings come to.
    async fn run_alone(&self, part: Part<'_>, parameters: &[Parameter]) -> Result<Result<(), ScanError>, ScanError> {
        let asked = self.findings_in(Mode::Apart).findings(&[part]);
        let statement = filled(const { UNREAD.part("run_whole") }, &[("asked", &asked)]);
        let run = async {
            self.snapshot.set_by_index(self.fit.looks_up_by_index()).await?;
            let mut rows = self.snapshot.rows(SCANNING, &statement, parameters).await?;
            while rows.next().await?.is_some() {}
            drop(rows);
            Ok(self.snapshot.set_by_index(false).await?)
        };
        match attempt(self.snapshot, run).await? {
            Err(error) if !error.is_about_what_is_read() => Err(error),
            done => Ok(done),
        }
    }

    fn findings_in(&self, mode: Mode) -> Relations<'_> {
        let (scope, _) = self.scope_parameters();
        let likeness = self.search_space.likeness();
        let held = self.held_at;
        Relations { reads_signs: mode == Mode::Together, likeness, held, ..self.fit.relations(self.plan, scope) }
    }

    /// The rules as they are run, and those of a baseline.
    fn parts<'r>(&self, baseline: &'r [Rule]) -> Vec<Part<'r>>
    where
        'a: 'r,
    {
        let suspects = self.scope_parameters().1.len() + 1;
        let looking = self.rules.iter().filter_map(|(rank, rule)| self.part(*rank, rule, suspects));
        let mut parts: Vec<Part<'r>> = looking.collect();
        if parts.is_empty() && baseline.is_empty() {
            return parts;
        }
        if !self.search_space.names_differ && !parts.iter().any(|part| part.rule.finds_same_address()) {
            let (rank, rule) = (self.plan.rules.len(), &self.plan.same_address);
            parts.push(Part { is_reported: false, ..Part::everywhere(rule, rank) });
        }
        parts.extend(self.hidden_losses(&parts));
        for (place, rule) in baseline.iter().enumerate() {
            // After the rules, and after the two that are never left out.
            let rank = self.plan.rules.len() + 2 + place;
            parts.push(Part::everywhere(rule, rank));
        }
        parts
    }

    /// A rule as it is run; `None` if it has nowhere to look.
    fn part(&self, rank: usize, rule: &'a Rule, suspects: usize) -> Option<Part<'a>> {
        if rule.finds_losses() && !self.premise.losses.are_of_builds() {
            return None;
        }
        let suspects = match self.search_space.search(rule) {
            Search::Nowhere => return None,
            Search::Suspects => Some(suspects),
            Search::Everywhere => None,
        };
        let lacks_signs = self.without_signs.contains(&rule.name);
        let without = if lacks_signs { self.fit.unread().relations() } else { RelationSet::default() };
        Some(Part { suspects, without, ..Part::everywhere(rule, rank) })
    }
}

impl<'a> Findings<'a> {
    /// The scan, with all that could not be looked at.
    pub fn scan(&self) -> &Scan<'a> {
        &self.scan
    }

    /// The next finding, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<Finding>, ScanError> {
        let Self { scan, source } = self;
        let (row, signs) = match source {
            Source::Nothing => return Ok(None),
            Source::Stream { next, rest } => {
                let Some(row) = next.take() else { return Ok(None) };
                *next = rest.next().await?;
                (row, None)
            }
            Source::Batches(batches) => {
                if batches.waiting.is_empty() {
                    batches.fetch(scan).await?;
                }
                let Some(row) = batches.waiting.pop_front() else { return Ok(None) };
                let key = row.text("build_key")?.unwrap_or_default();
                (row, Some(batches.signs.remove(&key)))
            }
        };
        let signs = match &signs {
            None => Signs::InRow,
            Some(Some(read)) => Signs::Read(read),
            Some(None) => Signs::Unread,
        };
        finding(scan.plan, &scan.fit, &scan.premise, &row, signs).map(Some)
    }
}

impl Batches {
    /// Reads the next batch, and looks up the steps and the output of its builds.
    async fn fetch(&mut self, scan: &Scan<'_>) -> Result<(), ScanError> {
        let mut rows = scan.snapshot.rows(SCANNING, FETCH, &[]).await?;
        while let Some(row) = rows.next().await? {
            self.waiting.push_back(row);
        }
        drop(rows);
        let mut keys = Vec::new();
        for row in &self.waiting {
            if row.boolean("is_there")?.unwrap_or(false) {
                keys.extend(row.text("build_key")?);
            }
        }
        self.signs.clear();
        if scan.fit.lacks_signs() {
            return Ok(());
        }
        let Some(statement) = scan.fit.relations(scan.plan, BuildSelection::Keys).builds_by_key() else {
            return Ok(());
        };
        // Halves and halves of halves, until only what cannot be read is left out.
        let mut left = vec![keys];
        while let Some(some) = left.pop() {
            if some.is_empty() || self.vain_lookups >= VAIN_LOOKUPS {
                continue;
            }
            let read = async {
                scan.snapshot.set_by_index(scan.fit.looks_up_by_index()).await?;
                let parameters = [Parameter::Texts(some.clone())];
                let mut rows = scan.snapshot.rows("looking up steps and output", &statement, &parameters).await?;
                let mut found = Vec::new();
                while let Some(row) = rows.next().await? {
                    found.push((row.text("build_key")?.unwrap_or_default(), row));
                }
                drop(rows);
                scan.snapshot.set_by_index(false).await?;
                Ok(found)
            };
            match attempt(scan.snapshot, read).await? {
                Ok(found) => {
                    self.vain_lookups = 0;
                    self.signs.extend(found);
                }
                Err(error) if !error.is_about_what_is_read() => return Err(error),
                Err(_) if some.len() == 1 => self.vain_lookups += 1,
                Err(_) => {
                    let (one, other) = some.split_at(some.len() / 2);
                    left.extend([one.to_vec(), other.to_vec()]);
                }
            }
        }
        Ok(())
    }
}
