//! `verify --baseline`: compares a restored database with the manifest that was made at the backup.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;
use crate::cli::BaselineArgs;
use crate::drill::{
    Account, ComparedWith, Comparison, Difference, Differing, Gatherer, Manifest, ManifestError, NotCovered, Present,
    Terms,
};
use crate::finding::Finding;
use crate::not_checked::{Builds, NotChecked, Unchecked};
use crate::obstacle::Obstacle;
use crate::output::Printer;
use crate::project_glob::ProjectGlobs;
use crate::scan::{Given, Scan, ScanPlan};
use crate::text::{counted, escape_controls, shorten};
use crate::timing::Timing;

use super::read_request::RequestedTimes;
use super::{Error, manifest};

/// As much of a project's name is shown.
const NAME_SHOWN: usize = 100;

/// A manifest to be compared with.
pub(super) struct Baseline {
    file: PathBuf,
    manifest: Manifest,
    /// `None` where it was not checked; a bad one is an error.
    signature_is_good: Option<bool>,
    /// Builds that were over before it may have been deleted on purpose.
    kept_since: Option<Timestamp>,
    printer: Printer,
}

/// What a comparison has found, as the report needs it.
#[derive(Default)]
pub(super) struct Compared {
    /// Builds that are there, to be told beside what rules find.
    pub(super) given: Vec<Given>,
    /// Those that are not there, in the order of the report.
    pub(super) absent: VecDeque<Differing>,
    /// What could not be compared.
    pub(super) not_checked: Vec<NotChecked>,
    /// What it comes to beside.
    pub(super) account: Account,
}

impl Baseline {
    /// Reads the manifest, and makes its T that of the run where none is given. `None` where none is asked for.
    pub(super) fn load(
        args: &BaselineArgs,
        times: &mut RequestedTimes,
        printer: Printer,
    ) -> Result<Option<Self>, Error> {
        let Some(file) = &args.baseline else { return Ok(None) };
        let refused = |source| Error::Baseline { file: file.clone(), source };
        let mut manifest = Manifest::read(file).map_err(refused)?;
        let signature = match &args.key_file {
            Some(key_file) => {
                manifest.verify(&manifest::key(key_file)?).map_err(refused)?;
                "its signature is good"
            }
            None if manifest.signature.is_some() => "its signature was not checked: no --key-file",
            None => "it is not signed",
        };
        let backup = manifest.backup_time;
        // A backup takes its time: what ran at its end may have begun after the manifest was made, and was cut all the same.
        let given = *times.backup.get_or_insert(backup);
        if given < backup {
            let why = format!(
                "--backup-time {given} is before the T of --baseline {}, {backup}: the backup cannot hold what the baseline does",
                file.display()
            );
            return Err(Error::Usage(why));
        }
        let Manifest { builds, covered_until, tool, database, .. } = &manifest;
        printer.say(&format!(
            "baseline {}: {} over by {covered_until}, of database {:?}, by {}; {signature}",
            file.display(),
            counted(*builds, "build"),
            database.name,
            shorten(tool, NAME_SHOWN)
        ));
        let kept_since = args.retention.map(|kept| times.restored.unwrap_or_else(Timestamp::now).checked_sub(kept));
        let kept_since = kept_since.transpose().map_err(|_| Error::Usage("--retention is too long".to_owned()))?;
        let signature_is_good = args.key_file.is_some().then_some(true);
        Ok(Some(Self { file: file.clone(), manifest, signature_is_good, kept_since, printer }))
    }

    /// What is told of it in a verdict.
    pub(super) fn named(&self) -> ComparedWith {
        let Manifest { backup_time, covered_until, builds, .. } = self.manifest;
        ComparedWith {
            file: self.file.display().to_string(),
            backup_time,
            covered_until,
            builds,
            signature_is_good: self.signature_is_good,
        }
    }

    /// Whether the database is read as the manifest was, since nothing else can be compared, and what differs has its words for
    /// itself.
    pub(super) fn fits(&self, plan: &ScanPlan) -> Result<(), Error> {
        if let Some(name) = plan.all_rule_names().iter().find(|name| Difference::parse(name).is_some()) {
            return Err(Error::Usage(format!(
                "--rules: {name:?} is what --baseline calls a difference, so no rule can have the name"
            )));
        }
        let (theirs, ours) = (&self.manifest.profile, plan.profile_name());
        if theirs.name == ours {
            return Ok(());
        }
        let source = ManifestError::Profile { theirs: shorten(&theirs.name, NAME_SHOWN), ours: ours.to_owned() };
        Err(Error::Baseline { file: self.file.clone(), source })
    }

    /// Counts the database and compares.
    pub(super) async fn compare(
        &self,
        scan: &Scan<'_>,
        plan: &ScanPlan,
        projects: &ProjectGlobs,
    ) -> Result<Compared, Error> {
        let then = &self.manifest;
        let clock = scan.clock().await?;
        let times = (then.covered_until, then.backup_time);
        let mut census = scan.census(times.0, times.1).await?;
        let mut gathered = Gatherer::default();
        while let Some(build) = census.next().await? {
            gathered.add(&build);
        }
        drop(census);
        let highest: BTreeMap<&str, Option<i64>> =
            then.projects.iter().map(|project| (&*project.project, gathered.highest_now(&project.project))).collect();
        let now = gathered.finish(manifest::about(plan, (None, String::new()), &clock, times));
        let mut compared = Compared::default();
        let otherwise = self.digests_otherwise(&now, &mut compared);
        let in_scope = |project: &str| projects.matches(Some(project));
        let terms = Terms { in_scope: &in_scope, digests: otherwise.is_none() };
        let highest = |project: &str| highest.get(project).copied().flatten();
        let mut found = Comparison::new(then, &now, highest, &terms);
        let in_both = found.account.builds - found.missing.len() as u64;
        let present = self.present(scan, &found).await?;
        found.settle(&present, self.kept_since);
        self.tell(&found);
        if let Some(why) = otherwise {
            if !found.differing.iter().any(|build| build.reason == BaselineReason::Changed) {
                compared.leave_out(Unchecked::Check(BaselineReason::Changed.as_str().to_owned()), why);
            }
            compared.leave_out(Unchecked::Digests(in_both), why);
        }
        compared.left_out(&then.not_covered_in(&in_scope), &Builds::OfBaseline);
        compared.left_out(&now.not_covered_in(&in_scope), &Builds::OfDatabase);
        if found.given_up > 0 {
            let what = Unchecked::Builds(found.given_up, Builds::AgainstBaseline);
            compared.leave_out(what, "they never ran, and nothing tells whether they were given up by T");
        }
        compared.account = found.account;
        compared.take(found.differing);
        Ok(compared)
    }

    /// Looks for the builds that are not over, or not there.
    async fn present(&self, scan: &Scan<'_>, found: &Comparison) -> Result<Vec<Present>, Error> {
        if found.missing.is_empty() {
            return Ok(Vec::new());
        }
        let mut wanted = ByProject::default();
        found.missing.iter().for_each(|missing| wanted.add(&missing.project, missing.entry.number));
        let there = scan.there((wanted.projects, wanted.places, wanted.numbers)).await?;
        let present = there.into_iter().map(|there| Present {
            position: there.position,
            lifecycle: there.lifecycle,
            has_started: there.has_started,
        });
        Ok(present.collect())
    }

    /// Why a digest of the manifest and one of this database do not mean the same; `None` where they do.
    fn digests_otherwise(&self, now: &Manifest, compared: &mut Compared) -> Option<&'static str> {
        let (theirs, ours) = (&self.manifest.profile, &now.profile);
        if self.manifest.digest_check != now.digest_check {
            return Some("this server digests otherwise than that of the baseline");
        }
        if (theirs.steps, theirs.output) != (ours.steps, ours.output) {
            return Some("the baseline covers other relations than the profile has now");
        }
        if theirs.digest != ours.digest {
            let name = shorten(&theirs.name, NAME_SHOWN);
            self.printer.warn(&format!(
                "profile {name} is not what it was when the baseline was made: it may see other things"
            ));
        }
        for (has, what) in [(theirs.steps, "steps"), (theirs.output, "output")] {
            if !has {
                compared.leave_out(Unchecked::AgainstBaseline(what), "it has none of them");
            }
        }
        None
    }

    fn tell(&self, found: &Comparison) {
        let Comparison { account, projects, ranges, ranges_differ, .. } = found;
        self.printer.say(&format!(
            "compared with the baseline: {} of {}; {ranges_differ} of {} differ",
            counted(account.builds, "build"),
            counted(*projects, "project"),
            counted(*ranges, "range")
        ));
        if let Some(kept_since) = self.kept_since {
            let (retired, undecided) = (counted(account.retired, "build"), counted(account.undecided, "build"));
            if account.retired > 0 {
                self.printer.say(&format!(
                    "left to retention: {retired}, over before {kept_since} in the baseline, and not here"
                ));
            }
            if account.undecided > 0 {
                self.printer.say(&format!(
                    "counted as lost: {undecided}, over about {kept_since}: the baseline does not tell whether before it"
                ));
            }
        }
        account.come_and_gone().iter().chain(&account.went_backwards()).for_each(|line| self.printer.warn(line));
    }
}

impl Compared {
    /// Takes over which builds of one side are not compared.
    fn left_out(&mut self, left: &NotCovered, side: &Builds) {
        // Those that were not over are for the rules.
        for (builds, why) in manifest::not_covered(&NotCovered { not_over: 0, ..*left }) {
            self.leave_out(Unchecked::Builds(builds, side.clone()), why);
        }
    }

    fn leave_out(&mut self, what: Unchecked, why: &str) {
        self.not_checked.push(NotChecked { what, why: why.to_owned() });
    }

    /// Sorts out which builds are there.
    fn take(&mut self, differing: Vec<Differing>) {
        let mut given =
            [BaselineReason::Changed, BaselineReason::Extra].map(|reason| (reason, ByProject::default(), vec![]));
        for found in differing {
            let of = given.iter_mut().find(|(reason, ..)| *reason == found.reason);
            match (of, found.number) {
                (Some((_, builds, evidence)), Some(number)) => {
                    builds.add(&found.project, number);
                    evidence.push(escape_controls(&found.words.to_string()));
                }
                _ => self.absent.push_back(found),
            }
        }
        let told = given.into_iter().filter(|(_, builds, _)| !builds.numbers.is_empty());
        self.given.extend(told.map(|(reason, ByProject { projects, places, numbers }, evidence)| Given {
            rule: reason.as_str(),
            projects,
            places,
            numbers,
            evidence,
        }));
    }

    /// The builds that are not there and stand before a finding in the report; all that are left, before the end of it.
    pub(super) fn absent_before(&mut self, scan: &Scan<'_>, found: Option<&Finding>) -> Vec<Finding> {
        let mut before = Vec::new();
        while let Some(next) = self.absent.front() {
            let place = |project: Option<&str>, number: Option<i64>| {
                (project.is_none(), project.map(str::to_owned), number.is_none(), number)
            };
            let own = place(Some(&next.project), next.number);
            if found.is_some_and(|found| own > place(found.project.as_deref(), found.build_num)) {
                break;
            }
            let Some(next) = self.absent.pop_front() else { break };
            before.push(scan.absent(&next.project, next.number, next.reason.as_str(), next.words.to_string()));
        }
        before
    }
}

/// A build that the baseline knows otherwise was over by T, and is never deletable: what it should be is not known.
pub(super) fn as_told(mut found: Finding) -> Finding {
    if let Some(reason) = found.reasons.iter().find_map(|reason| BaselineReason::parse(reason)) {
        found.timing = Timing::Ended;
        found.obstacles = vec![Obstacle::Baseline(reason)];
    }
    found
}

/// Builds by project and number, each project named once.
#[derive(Default)]
struct ByProject {
    projects: Vec<String>,
    places: Vec<i64>,
    numbers: Vec<i64>,
}

impl ByProject {
    /// Adds a build; those of a project follow one another.
    fn add(&mut self, project: &str, number: i64) {
        if self.projects.last().is_none_or(|last| last != project) {
            self.projects.push(project.to_owned());
        }
        self.places.push(self.projects.len() as i64);
        self.numbers.push(number);
    }
}
