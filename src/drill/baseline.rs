//! Compares a restored database with the manifest that was made at the backup.

use std::collections::{BTreeMap, VecDeque};
use std::path::{Path, PathBuf};

use jiff::Timestamp;

use crate::baseline_reason::BaselineReason;
use crate::collection::Collection;
use crate::finding::Finding;
use crate::not_checked::{Builds, NotChecked, Unchecked};
use crate::obstacle::Obstacle;
use crate::project_glob::ProjectGlobs;
use crate::scan::{BaselineFindings, Findings, Scan, ScanError, ScanPlan};
use crate::server_moment::Lack;
use crate::text::Foreign;
use crate::timing::Timing;

use super::comparison::{CompareOptions, Comparison, DifferingBuild, Present};
use super::judgement::ComparedWith;
use super::manifest::{CoveredTimes, Manifest, ManifestBuilder, ManifestError, NotCovered};
use super::signature::Key;
use super::totals::ComparisonTotals;

/// A manifest to compare with.
pub struct Baseline {
    file: PathBuf,
    manifest: Manifest,
    /// `None` where it was not checked; a bad one is an error.
    signature_is_good: Option<bool>,
    /// Builds that were over before it may have been deleted on purpose.
    kept_since: Option<Timestamp>,
}

/// What a comparison with a baseline found.
#[derive(Default)]
pub struct BaselineComparison {
    /// How much was compared, and what became of projects.
    pub totals: ComparisonTotals,
    /// What could not be compared.
    pub not_checked: Vec<NotChecked>,
    /// The name of the profile, where its SQL has changed since the baseline was made.
    pub changed_profile: Option<Foreign>,
    /// What the database lacks of what its server had seen when the baseline was made: it is of an older backup.
    pub lack: Option<Lack>,
    /// Builds that differ and are in the database.
    present: Vec<BaselineFindings>,
    /// Those that are not, in the order of the report.
    absent: VecDeque<DifferingBuild>,
}

/// What the rules and a comparison found, in the order of the report.
pub struct MergedFindings<'a> {
    findings: Findings<'a>,
    /// Has been read, and is yet to be returned.
    next: Option<Finding>,
    absent: VecDeque<DifferingBuild>,
}

impl Baseline {
    /// Reads the manifest. Its signature is not checked.
    ///
    /// # Errors
    /// It cannot be read, or is not what `manifest` writes.
    pub fn read(file: &Path) -> Result<Self, ManifestError> {
        let manifest = Manifest::read(file)?;
        Ok(Self { file: file.to_owned(), manifest, signature_is_good: None, kept_since: None })
    }

    /// Checks the signature.
    ///
    /// # Errors
    /// There is none, or it is not of this key.
    pub fn verify(&mut self, key: &Key) -> Result<(), ManifestError> {
        self.manifest.verify(key)?;
        self.signature_is_good = Some(true);
        Ok(())
    }

    /// Counts builds that were over before `kept_since` as deleted on purpose, not as lost.
    pub fn retire_before(&mut self, kept_since: Timestamp) {
        self.kept_since = Some(kept_since);
    }

    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// From when on builds are kept, where that is known.
    pub fn kept_since(&self) -> Option<Timestamp> {
        self.kept_since
    }

    /// What a verdict says of it.
    pub fn compared_with(&self) -> ComparedWith {
        let Manifest { backup_time, covered_until, builds, .. } = self.manifest;
        ComparedWith {
            file: self.file.display().to_string(),
            backup_time,
            covered_until,
            builds,
            signature_is_good: self.signature_is_good,
        }
    }

    /// Makes sure that the database is read by the profile of the manifest: what two profiles see cannot be compared.
    ///
    /// # Errors
    /// It is another profile.
    pub fn check_profile(&self, ours: &str) -> Result<(), ManifestError> {
        let theirs = &self.manifest.profile.name;
        if theirs == ours {
            return Ok(());
        }
        Err(ManifestError::Profile { theirs: Foreign::name(theirs), ours: ours.to_owned() })
    }

    /// Counts the database and compares.
    ///
    /// # Errors
    /// The database failed.
    pub async fn compare(
        &self,
        scan: &Scan<'_>,
        plan: &ScanPlan,
        projects: &ProjectGlobs,
    ) -> Result<BaselineComparison, ScanError> {
        let then = &self.manifest;
        let clock = scan.clock().await?;
        let times = CoveredTimes { covered_until: then.covered_until, backup: then.backup_time };
        let mut census = scan.census(times.covered_until, times.backup).await?;
        let mut gathered = ManifestBuilder::default();
        while let Some(build) = census.next().await? {
            gathered.add(&build);
        }
        drop(census);
        let highest: BTreeMap<&str, Option<i64>> =
            then.projects.iter().map(|project| (&*project.project, gathered.highest_now(&project.project))).collect();
        let now = gathered.finish(Manifest::empty(plan, (None, String::new()), &clock, times));
        let mut compared = BaselineComparison { lack: self.lack(scan).await?, ..BaselineComparison::default() };
        let incomparable = match scan.is_read_whole() {
            true => self.digests_differ(&now, &mut compared),
            false => Some("steps or output of this database cannot be read"),
        };
        let in_scope = |project: &str| projects.matches(Some(project));
        let terms = CompareOptions { in_scope: &in_scope, digests: incomparable.is_none() };
        let highest = |project: &str| highest.get(project).copied().flatten();
        let mut found = Comparison::new(then, &now, highest, &terms);
        let in_both = found.totals.builds - found.missing.len() as u64;
        let present = look_up_missing(scan, &found).await?;
        // A build that was over before is not in the collection, and not lost.
        found.settle(&present, self.kept_since.max(scan.collection().and_then(Collection::complete_since)));
        if let Some(why) = incomparable {
            if !found.differing.iter().any(|build| build.reason == BaselineReason::Changed) {
                compared.leave_out(Unchecked::Check(BaselineReason::Changed.as_str().to_owned()), why);
            }
            compared.leave_out(Unchecked::Digests(in_both), why);
        }
        compared.leave_out_not_covered(&then.not_covered_in(&in_scope), &Builds::OfBaseline);
        compared.leave_out_not_covered(&now.not_covered_in(&in_scope), &Builds::OfDatabase);
        if found.given_up > 0 {
            let what = Unchecked::Builds(found.given_up, Builds::AgainstBaseline);
            compared.leave_out(what, "never ran, and whether given up by T is not on record");
        }
        compared.totals = found.totals;
        compared.take(found.differing);
        Ok(compared)
    }

    /// What the database lacks of what its server had seen when the manifest was made. `None` too where that cannot be known: of a manifest
    /// of an older release, of another server, or that was made after its T.
    async fn lack(&self, scan: &Scan<'_>) -> Result<Option<Lack>, ScanError> {
        let Manifest { moment, database, counted_at, backup_time, .. } = &self.manifest;
        let ours = &scan.identity().system_identifier;
        let is_comparable = database.system_identifier.is_some()
            && database.system_identifier == *ours
            && *counted_at == Some(*backup_time);
        let Some(then) = moment.and_then(|moment| moment.server).filter(|_| is_comparable) else { return Ok(None) };
        Ok(scan.moment().await?.and_then(|now| now.lack_since(&then)))
    }

    /// Why a digest of the manifest and one of this database do not mean the same; `None` where they do.
    fn digests_differ(&self, now: &Manifest, compared: &mut BaselineComparison) -> Option<&'static str> {
        let (theirs, ours) = (&self.manifest.profile, &now.profile);
        if self.manifest.digest_check != now.digest_check {
            return Some("this server computes digests differently from the server of the baseline");
        }
        if (theirs.steps, theirs.output) != (ours.steps, ours.output) {
            return Some("the baseline covers other relations than the profile has now");
        }
        if theirs.digest != ours.digest {
            compared.changed_profile = Some(Foreign::name(&theirs.name));
        }
        for (has, what) in [(theirs.steps, "steps"), (theirs.output, "output")] {
            if !has {
                compared.leave_out(Unchecked::AgainstBaseline(what), "it has none of them");
            }
        }
        None
    }
}

/// Looks for the builds that are not over in the database, or not in it.
async fn look_up_missing(scan: &Scan<'_>, found: &Comparison) -> Result<Vec<Present>, ScanError> {
    if found.missing.is_empty() {
        return Ok(Vec::new());
    }
    let mut wanted = ByProject::default();
    found.missing.iter().for_each(|missing| wanted.add(&missing.project, missing.entry.number));
    let present = scan.still_present((wanted.projects, wanted.places, wanted.numbers)).await?;
    let present = present.into_iter().map(|build| Present {
        position: build.position,
        lifecycle: build.lifecycle,
        has_started: build.has_started,
    });
    Ok(present.collect())
}

impl BaselineComparison {
    fn leave_out_not_covered(&mut self, left: &NotCovered, which: &Builds) {
        // Those that were not over are for the rules.
        for (builds, why) in (NotCovered { not_over: 0, ..*left }).by_reason() {
            self.leave_out(Unchecked::Builds(builds, which.clone()), why);
        }
    }

    fn leave_out(&mut self, what: Unchecked, why: &str) {
        self.not_checked.push(NotChecked { what, why: why.to_owned() });
    }

    /// Separates the builds that are in the database from those that are not.
    fn take(&mut self, differing: Vec<DifferingBuild>) {
        let mut present =
            [BaselineReason::Changed, BaselineReason::Extra].map(|reason| (reason, ByProject::default(), vec![]));
        for found in differing {
            let of = present.iter_mut().find(|(reason, ..)| *reason == found.reason);
            match (of, found.number) {
                (Some((_, builds, evidence)), Some(number)) => {
                    builds.add(&found.project, number);
                    evidence.push(Foreign::new(&found.words.to_string()).into());
                }
                _ => self.absent.push_back(found),
            }
        }
        let present = present.into_iter().filter(|(_, builds, _)| !builds.numbers.is_empty());
        self.present.extend(present.map(|(reason, ByProject { projects, places, numbers }, evidence)| {
            BaselineFindings { rule: reason.as_str(), projects, places, numbers, evidence }
        }));
    }

    /// Starts to read what the rules found, with what differs from the baseline.
    ///
    /// # Errors
    /// What the server complains about, up to the first finding.
    pub async fn merge<'a>(self, scan: Scan<'a>) -> Result<MergedFindings<'a>, ScanError> {
        let mut findings = scan.findings_with_baseline(self.present).await?;
        let next = findings.next().await?.map(forbid_deletion);
        Ok(MergedFindings { findings, next, absent: self.absent })
    }
}

impl<'a> MergedFindings<'a> {
    /// The scan, with all that could not be looked at.
    pub fn scan(&self) -> &Scan<'a> {
        self.findings.scan()
    }

    /// The next finding, or `None` after the last.
    ///
    /// # Errors
    /// What the server complains about; a value that cannot be read.
    pub async fn next(&mut self) -> Result<Option<Finding>, ScanError> {
        let is_next = self.absent.front().is_some_and(|absent| stands_before(absent, self.next.as_ref()));
        if is_next && let Some(DifferingBuild { project, number, reason, words }) = self.absent.pop_front() {
            return Ok(Some(self.scan().absent(&project, number, reason.as_str(), words.to_string())));
        }
        let Some(found) = self.next.take() else { return Ok(None) };
        self.next = self.findings.next().await?.map(forbid_deletion);
        Ok(Some(found))
    }
}

/// Whether a build that is not in the database comes before a finding in the report. All come before its end.
fn stands_before(absent: &DifferingBuild, found: Option<&Finding>) -> bool {
    let place = |project: Option<&str>, number: Option<i64>| {
        (project.is_none(), project.map(str::to_owned), number.is_none(), number)
    };
    let own = place(Some(&absent.project), absent.number);
    found.is_none_or(|found| own <= place(found.project.as_deref(), found.build_num))
}

/// A build that differs from the baseline was over by T, and is never deletable: what it should be is not known.
fn forbid_deletion(mut found: Finding) -> Finding {
    if let Some(reason) = found.reasons.iter().find_map(|reason| BaselineReason::parse(reason)) {
        found.timing = Timing::Ended;
        found.obstacles.retain(|obstacle| matches!(obstacle, Obstacle::ListedAsAlive(_)));
        found.obstacles.push(Obstacle::Baseline(reason));
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
