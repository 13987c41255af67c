//! What to look for and how: a profile, the rules that can be run over it, the times.

use crate::timing::RestoreTimes;

use super::ScanError;
use super::fingerprint::profile_digest;
use super::profile::Profile;
use super::relation::Relation;
use super::rule::{Need, Rule};

/// What to look for and how.
pub struct ScanPlan {
    pub(super) profile: Profile,
    pub(super) rules: Vec<Rule>,
    all_rule_names: Vec<String>,
    titles: Vec<String>,
    pub(super) left_out: Vec<NotChecked>,
    /// What it finds is never deletable, even if the scan is not asked for it.
    pub(super) duplicates: Rule,
    times: RestoreTimes,
    base_url: Option<String>,
}

/// Something that a scan did not look at. It must never pass for clean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotChecked {
    /// A rule or a relation.
    pub what: String,
    /// Why not.
    pub why: String,
}

impl ScanPlan {
    /// Chooses the rules that can be run: all, or those named.
    ///
    /// # Errors
    /// A named rule that there is not.
    pub fn new(
        profile: Profile,
        all_rules: Vec<Rule>,
        named: &[String],
        times: RestoreTimes,
        base_url: Option<String>,
    ) -> Result<Self, ScanError> {
        if let Some(name) = named.iter().find(|name| !all_rules.iter().any(|rule| rule.name == **name)) {
            return Err(Rule::unknown(name, &all_rules));
        }
        let all_rule_names = all_rules.iter().map(|rule| rule.name.clone()).collect();
        let titles = all_rules.iter().map(|rule| rule.title.clone()).collect();
        let mut plan = Self {
            profile,
            rules: Vec::new(),
            all_rule_names,
            titles,
            left_out: Vec::new(),
            duplicates: Rule::duplicates()?,
            times,
            base_url,
        };
        for rule in all_rules {
            let why_not = if named.is_empty() || named.contains(&rule.name) {
                rule.needs.iter().find_map(|need| plan.lacks(*need))
            } else {
                Some("left out by --rule".to_owned())
            };
            match why_not {
                None => plan.rules.push(rule),
                Some(why) => plan.left_out.push(NotChecked { what: rule.name, why }),
            }
        }
        Ok(plan)
    }

    /// The names of the rules that will be run.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// The names of all rules that there are, those that are left out too.
    pub fn all_rule_names(&self) -> &[String] {
        &self.all_rule_names
    }

    /// The names of all rules that there are, and what each means.
    pub fn all_rules(&self) -> impl Iterator<Item = (&str, &str)> {
        self.all_rule_names.iter().map(String::as_str).zip(self.titles.iter().map(String::as_str))
    }

    /// The server's address, where one is given.
    pub fn base_url(&self) -> Option<&str> {
        self.base_url.as_deref()
    }

    /// The profile's name.
    pub fn profile_name(&self) -> &str {
        &self.profile.name
    }

    /// A digest of the SQL by which the profile presents a database.
    pub fn profile_digest(&self) -> String {
        profile_digest(&self.profile)
    }

    /// What the profile counts output in: bytes, lines ...
    pub fn unit(&self) -> &str {
        &self.profile.unit
    }

    /// Whether the profile presents a relation.
    pub fn offers(&self, relation: Relation) -> bool {
        self.profile.offers(relation)
    }

    /// T, R and the maximum run time.
    pub fn times(&self) -> &RestoreTimes {
        &self.times
    }

    /// What a snapshot for this plan has to be told.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        vec![
            ("backup_time", time(self.times.backup)),
            ("restored_at", time(self.times.restored.or(self.times.backup))),
            ("max_run_time", format!("{} seconds", self.times.max_run_time.as_secs())),
            ("base_url", self.base_url.clone().unwrap_or_default()),
            ("unit", self.profile.unit.clone()),
        ]
    }

    fn lacks(&self, need: Need) -> Option<String> {
        match need {
            Need::Relation(relation) if !self.profile.offers(relation) => {
                Some(format!("profile {} has no relation {relation}", self.profile.name))
            }
            Need::BackupTime if self.times.backup.is_none() => Some("it needs --backup-time".to_owned()),
            Need::Relation(_) | Need::BackupTime => None,
        }
    }
}
