//! The builds that a drill is known to have cut: started just before the backup, so that a verdict can tell whether it sees
//! what there is to see.

use crate::baseline_reason::BaselineReason;
use crate::build_url::BuildUrl;
use crate::finding::Finding;
use crate::text::shorten;
use crate::timing::Timing;

/// How much of an address from the database is shown, in characters.
const SHOWN: usize = 300;

/// A build that has to be among the findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBuild {
    /// Its address.
    pub url: BuildUrl,
    /// How it was found; `None` where it was not.
    pub found: Option<FoundAs>,
    /// The address of a finding that may be the same build under another name of the server, or in other letters.
    pub resembles: Option<String>,
    /// What a baseline alone tells of it, or of a build of its project and number that is lost: no rule has found it.
    pub differs: Vec<String>,
}

/// How an expected build was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAs {
    /// What it did around the backup.
    pub timing: Timing,
    /// The rules that found it.
    pub reasons: Vec<String>,
    /// Whether it was cut by the backup, as was expected, and so is not held against the restore.
    pub as_expected: bool,
}

impl ExpectedBuild {
    /// One that is yet to be found.
    pub fn new(url: BuildUrl) -> Self {
        Self { url, found: None, resembles: None, differs: Vec::new() }
    }

    /// How it was found, or that it was not, in words.
    pub fn told(&self) -> String {
        match (&self.found, &self.resembles) {
            (None, _) if !self.differs.is_empty() => {
                let reasons = self.differs.join(", ");
                format!("found by no rule; the baseline alone tells of it, {reasons}: it was over before the backup")
            }
            (Some(found), _) => {
                let reasons = found.reasons.join(", ");
                let held = if found.as_expected { "" } else { "; not as a build that the backup cut, so it counts" };
                format!("found: {}, {reasons}{held}", found.timing)
            }
            (None, Some(other)) => format!("not found; but {other} was, which may be the same build"),
            (None, None) => "not found".to_owned(),
        }
    }

    /// Looks whether a finding is this build, and takes note of it.
    fn meet(&mut self, found: &Finding, address: Option<&BuildUrl>) -> bool {
        let is_this = match address {
            Some(address) => *address == self.url,
            // A database that holds no addresses still names the build by its project and number.
            None => found.build_url.is_none() && found.project.as_deref().is_some_and(names) && found.is_at(&self.url),
        };
        // That a baseline knows it otherwise does not show that the rules see what a backup cuts.
        let by_a_rule = found.reasons.iter().any(|reason| BaselineReason::parse(reason).is_none());
        if !is_this {
            if by_a_rule && let Some(address) = address.filter(|address| address.resembles(&self.url)) {
                self.resembles = Some(shorten(&address.to_string(), SHOWN));
            }
            return false;
        }
        if !by_a_rule {
            for reason in &found.reasons {
                if !self.differs.contains(reason) {
                    self.differs.push(reason.clone());
                }
            }
            return false;
        }
        let as_expected = was_cut(found);
        // Where two builds have its address, the one that was not expected is told.
        if self.found.as_ref().is_none_or(|before| before.as_expected) {
            self.found = Some(FoundAs { timing: found.timing, reasons: found.reasons.clone(), as_expected });
        }
        as_expected
    }
}

/// Whether a project is named as addresses name it.
fn names(project: &str) -> bool {
    project.contains('/')
}

/// Whether a finding is what becomes of a build that runs while a backup is taken. Without T nobody can tell that it is not. An
/// address that several builds have names none of them.
fn was_cut(found: &Finding) -> bool {
    let cut = match found.timing {
        Timing::InFlight | Timing::Stale | Timing::Unknown => true,
        Timing::Ended | Timing::AfterRestore | Timing::Between => false,
    };
    cut && found.shares.is_none()
}

/// Looks among the expected builds for a finding; gives back whether it is one of them and is as it should be.
pub(super) fn meet(expected: &mut [ExpectedBuild], found: &Finding) -> bool {
    let Some(number) = found.build_num.and_then(|number| u64::try_from(number).ok()) else { return false };
    // There may be millions of findings, and an address is slow to read.
    if !expected.iter().any(|build| build.url.number() == number) {
        return false;
    }
    let address = found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok());
    let met: Vec<bool> = expected.iter_mut().map(|build| build.meet(found, address.as_ref())).collect();
    met.contains(&true)
}
