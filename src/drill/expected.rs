//! The builds that a backup is known to have cut. Someone started them just before it, so that a verdict can show that the drill sees
//! damage.

use crate::baseline_reason::BaselineReason;
use crate::build_url::BuildUrl;
use crate::finding::Finding;
use crate::text::Foreign;
use crate::timing::Timing;

/// A build that has to be among the findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ExpectedBuild {
    pub url: BuildUrl,
    /// How it was found; `None` where it was not.
    pub found: Option<FoundAs>,
    /// The address of a finding that may be the same build under another name of the server, or in other letters.
    pub resembles: Option<Foreign>,
    /// The differences from a baseline that were found of it, or of its project and number, where no rule has found it.
    pub differs: Vec<String>,
}

/// How an expected build was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FoundAs {
    /// What it did around the backup.
    pub timing: Timing,
    pub reasons: Vec<String>,
    /// Whether the backup cut it, as expected. If so it does not count against the restore.
    pub as_expected: bool,
}

impl ExpectedBuild {
    /// One that is not found yet.
    pub fn new(url: BuildUrl) -> Self {
        Self { url, found: None, resembles: None, differs: Vec::new() }
    }

    /// How it was found, or that it was not, in words.
    pub fn description(&self) -> String {
        match (&self.found, &self.resembles) {
            (None, _) if !self.differs.is_empty() => {
                let reasons = self.differs.join(", ");
                format!("found by no rule, only by the baseline ({reasons}): it was over before the backup")
            }
            (Some(found), _) => {
                let reasons = found.reasons.join(", ");
                let counts = if found.as_expected { "" } else { "; not as a build that the backup cut, so it counts" };
                format!("found: {}, {reasons}{counts}", found.timing)
            }
            (None, Some(other)) => format!("not found; but {other} was, which may be the same build"),
            (None, None) => "not found".to_owned(),
        }
    }

    /// Notes a finding if it is this build. Returns whether it is, and is as expected.
    fn match_finding(&mut self, found: &Finding, address: Option<&BuildUrl>) -> bool {
        let is_this = match address {
            Some(address) => *address == self.url,
            // A database that holds no addresses still names the build by its project and number.
            None => found.build_url.is_none() && found.project.as_deref().is_some_and(names) && found.is_at(&self.url),
        };
        // A difference from a baseline does not show that the rules see what a backup cuts.
        let by_a_rule = found.reasons.iter().any(|reason| BaselineReason::parse(reason).is_none());
        if !is_this {
            if by_a_rule && let Some(address) = address.filter(|address| address.resembles(&self.url)) {
                self.resembles = Some(Foreign::url(&address.to_string()));
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
        // Where two builds have its address, the one that is not as expected is kept.
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

/// Whether a finding can be a build that ran while the backup was taken. Without T it can. An address that several builds have names
/// none of them.
fn was_cut(found: &Finding) -> bool {
    let cut = match found.timing {
        Timing::InFlight | Timing::Stale | Timing::Unknown => true,
        Timing::Ended | Timing::AfterRestore | Timing::Between => false,
    };
    cut && found.same_address.is_none()
}

/// Notes a finding at the expected build that it is. Returns whether there is one and it is as expected.
pub(super) fn match_finding(expected: &mut [ExpectedBuild], found: &Finding) -> bool {
    let number = found.build_num.and_then(|number| u64::try_from(number).ok());
    // There may be millions of findings, and an address is slow to read.
    if !expected.iter().any(|build| build.url.number().is_none() || build.url.number() == number) {
        return false;
    }
    // All of them have the form that the profile asks for.
    let form = expected.first().map(|build| build.url.form()).unwrap_or_default();
    let address = found.build_url.as_deref().and_then(|url| BuildUrl::parse_in(form, url).ok());
    let matches: Vec<bool> = expected.iter_mut().map(|build| build.match_finding(found, address.as_ref())).collect();
    matches.contains(&true)
}
