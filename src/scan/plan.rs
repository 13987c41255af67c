//! What to look for and how: a profile, the rules that can be run over it, the times.

use std::sync::Arc;

use crate::alive::AliveList;
use crate::build_url::AddressForm;
use crate::collation::COLLATION_VERSION;
use crate::http_deletion::HttpDeletion;
use crate::not_checked::NotChecked;
use crate::obstacle::Queue;
use crate::premise::Premise;
use crate::timing::RestoreTimes;

use super::error::ScanError;
use super::fingerprint::{digest_of, profile_digest};
use super::judge::CiBehaviour;
use super::profile::Profile;
use super::relation::Relation;
use super::rule::{Need, Rule};
use super::schema;

/// What a profile's collection is called whose tables are those of `collect`.
const DOCUMENTS: &str = "documents";

/// Why a rule about object storage is not run.
const WITHOUT_LISTING: &str = "it needs --objects";

/// What to look for and how.
pub struct ScanPlan {
    pub(super) profile: Profile,
    pub(super) rules: Vec<Rule>,
    all_rule_names: Vec<String>,
    titles: Vec<String>,
    pub(super) left_out: Vec<NotChecked>,
    not_needed: Vec<NotChecked>,
    /// The rules about what object storage holds, which wait for a listing.
    of_listing: Vec<Rule>,
    /// The rule that finds builds of one address. They are never deletable, even if the scan does not run the rule.
    pub(super) same_address: Rule,
    /// The rule that finds builds which lost their steps or output with others. What reads these does not make them deletable, even if
    /// the scan does not run the rule.
    pub(super) lost: Rule,
    times: RestoreTimes,
    output_read: OutputRead,
    base_url: Option<String>,
    /// Lists of what is alive.
    pub(super) alive: Vec<Arc<AliveList>>,
    /// The schema of the profile's tables, where it is named.
    pub(super) schema: Option<String>,
}

/// Whose output is compared with T and R.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum OutputRead {
    /// The output of builds that may have been at work after T: fast, and blind to output that came more than an hour after its build
    /// had stopped.
    #[default]
    OfBuildsAtWork,
    /// All of it.
    Every,
}

impl ScanPlan {
    /// Chooses the rules that can be run: all, or those named.
    ///
    /// # Errors
    /// A named rule does not exist.
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
        let (of_listing, all_rules): (Vec<_>, Vec<_>) = all_rules.into_iter().partition(Rule::reads_listing);
        let all_rule_names = all_rules.iter().map(|rule| rule.name.clone()).collect();
        let titles = all_rules.iter().map(|rule| rule.title.clone()).collect();
        let mut plan = Self {
            profile,
            rules: Vec::new(),
            all_rule_names,
            titles,
            left_out: Vec::new(),
            not_needed: Vec::new(),
            of_listing: Vec::new(),
            same_address: Rule::of_same_address()?,
            lost: Rule::of_losses()?,
            times,
            output_read: OutputRead::default(),
            base_url,
            alive: Vec::new(),
            schema: None,
        };
        if plan.profile.presents_copies() {
            let why = format!("profile {} presents copies: the CI's own indexes are elsewhere", plan.profile.name);
            plan.not_needed.push(NotChecked::check(COLLATION_VERSION, why));
        }
        for rule in all_rules {
            let is_named = named.contains(&rule.name);
            if (named.is_empty() || is_named) && plan.makes_needless(&rule) {
                let why = format!("profile {} keeps its queue in the database: what waits starts", plan.profile.name);
                plan.not_needed.push(NotChecked::check(rule.name, why));
                continue;
            }
            let why_not = if named.is_empty() || is_named {
                rule.needs.iter().find_map(|need| plan.lacks(*need)).or_else(|| plan.never_yields(&rule))
            } else {
                Some("left out by --rule".to_owned())
            };
            match why_not {
                None => plan.rules.push(rule),
                Some(why) => plan.left_out.push(NotChecked::check(rule.name, why)),
            }
        }
        // Who asks for one by its name has to know that it was not run. Otherwise a scan without a listing is not about them.
        let asked_for = of_listing.iter().filter(|rule| named.contains(&rule.name));
        plan.left_out.extend(asked_for.map(|rule| NotChecked::check(rule.name.clone(), WITHOUT_LISTING)));
        plan.of_listing =
            of_listing.into_iter().filter(|rule| named.is_empty() || named.contains(&rule.name)).collect();
        Ok(plan)
    }

    /// The same, with the rules about what object storage holds.
    #[must_use]
    pub fn with_listing(mut self) -> Self {
        for rule in std::mem::take(&mut self.of_listing) {
            self.left_out.retain(|left| !left.is_check(&rule.name));
            self.all_rule_names.push(rule.name.clone());
            self.titles.push(rule.title.clone());
            match rule.needs.iter().find_map(|need| self.lacks(*need)) {
                None => self.rules.push(rule),
                Some(why) => self.left_out.push(NotChecked::check(rule.name, why)),
            }
        }
        self
    }

    /// Whether a rule is about what object storage holds.
    pub fn is_about_objects(rule: &str) -> bool {
        matches!(rule, "object-missing" | "object-short")
    }

    /// The schema that was named for the tables of the profile.
    pub fn requested_schema(&self) -> Option<&str> {
        self.schema.as_deref()
    }

    /// The same, with the tables of the profile in this schema; `None` looks for them on the role's search path.
    #[must_use]
    pub fn in_schema(self, schema: Option<String>) -> Self {
        Self { schema, ..self }
    }

    /// The same with lists of what is alive: no build that one of them may name is deletable.
    #[must_use]
    pub fn with_alive(self, alive: Vec<Arc<AliveList>>) -> Self {
        Self { alive, ..self }
    }

    /// The lists of what is alive.
    pub fn alive(&self) -> &[Arc<AliveList>] {
        &self.alive
    }

    /// The same without any rule, for a command that only counts.
    #[must_use]
    pub fn without_rules(self) -> Self {
        Self { rules: Vec::new(), ..self }
    }

    /// The same, with every piece of output compared with T and R, for a verdict on a restore.
    #[must_use]
    pub fn with_every_piece(self) -> Self {
        Self { output_read: OutputRead::Every, ..self }
    }

    pub(super) fn output_read(&self) -> OutputRead {
        self.output_read
    }

    /// Why the plan does not run a rule; `None` where it runs it.
    pub fn why_not_run(&self, rule: &str) -> Option<String> {
        let without = self.left_out.iter().chain(&self.not_needed).find(|without| without.is_check(rule));
        without.map(|without| without.why.clone())
    }

    /// The names of the rules that will be run.
    pub fn rule_names(&self) -> impl Iterator<Item = &str> {
        self.rules.iter().map(|rule| rule.name.as_str())
    }

    /// The names of all rules, including those that are left out.
    pub fn all_rule_names(&self) -> &[String] {
        &self.all_rule_names
    }

    /// The names of all rules, and what each finds.
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

    /// A digest of what is read: the profile's SQL, the server's address that completes it, and the schema of its tables. Two readings of
    /// one digest can be compared.
    pub fn reading_digest(&self, schema: &str) -> String {
        let sql = self.profile.all_sql().map(schema::anywhere);
        digest_of(sql.chain([self.base_url().unwrap_or_default(), schema].map(str::to_owned)))
    }

    /// How the CI deletes a build by HTTP; `None` where the profile does not say.
    pub fn deletion(&self) -> Option<&HttpDeletion> {
        self.profile.deletion.as_ref()
    }

    /// Whether the builds are copies of what a CI keeps elsewhere.
    pub fn presents_copies(&self) -> bool {
        self.profile.presents_copies()
    }

    /// Whether the profile is one of those that ship.
    pub fn profile_ships(&self) -> bool {
        self.profile.ships()
    }

    /// What the profile counts output in: bytes, lines ...
    pub fn unit(&self) -> &str {
        &self.profile.unit
    }

    /// Whether the builds are documents that were collected, and can be fetched again.
    pub fn reads_documents(&self) -> bool {
        self.profile.collection().is_some_and(|collection| collection.name == DOCUMENTS)
    }

    /// Whether the profile says what deleted builds were, so that they can be run again.
    pub fn presents_run_again(&self) -> bool {
        self.profile.presents_run_again()
    }

    /// Whether the profile presents a relation.
    pub fn offers(&self, relation: Relation) -> bool {
        self.profile.offers(relation)
    }

    /// T, R and the maximum run time.
    pub fn times(&self) -> &RestoreTimes {
        &self.times
    }

    /// What a header of the profile makes needless, and why. It is no gap.
    pub fn not_needed(&self) -> &[NotChecked] {
        &self.not_needed
    }

    /// How the addresses of builds are written.
    pub fn address_form(&self) -> AddressForm {
        self.profile.addresses
    }

    /// How the CI behaves, by the profile. Builds may wait on purpose where it says so, or where one does.
    pub(super) fn ci_behaviour(&self, premise: &Premise) -> CiBehaviour<'_> {
        let yields_held = self.profile.yields.as_ref().is_some_and(|words| words.iter().any(|word| word == "held"));
        CiBehaviour {
            addresses: self.profile.addresses,
            running: self.profile.running,
            queue: self.profile.queue,
            holds: yields_held || premise.holds,
            shows_work: premise.shows_work,
            deletion: self.profile.deletion.as_ref(),
        }
    }

    /// The settings of a snapshot for this plan before the premise is known.
    pub fn settings(&self) -> Vec<(&'static str, String)> {
        self.settings_with(self.times.restored, None)
    }

    /// The settings of a snapshot for this plan.
    pub fn settings_by(&self, premise: &Premise) -> Vec<(&'static str, String)> {
        let closing_from = premise.closed_since();
        let mut settings = self.settings_with(premise.restored.time(), closing_from);
        settings.push(("habits", premise.habits.clone()));
        settings.push(("step_habits", premise.step_habits.clone()));
        settings.push(("has_steps", premise.has_steps.map(|has_steps| has_steps.to_string()).unwrap_or_default()));
        let new_from = premise.row_versions.new_from();
        settings.push(("new_row_version", new_from.map(|version| version.to_string()).unwrap_or_default()));
        settings.extend(self.settings_of_losses(&premise.losses));
        settings
    }

    pub(super) fn settings_with(
        &self,
        restored: Option<jiff::Timestamp>,
        closing_from: Option<jiff::Timestamp>,
    ) -> Vec<(&'static str, String)> {
        let time = |time: Option<jiff::Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
        let length = |length: jiff::SignedDuration| format!("{} microseconds", length.as_micros());
        vec![
            ("backup_time", time(self.times.backup)),
            ("restored_at", time(restored.or(self.times.backup))),
            ("closing_from", time(closing_from)),
            ("clock_tolerance", length(self.times.clock_tolerance)),
            ("max_run_time", format!("{} seconds", self.times.max_run_time.as_secs())),
            ("max_queue_time", length(self.times.max_queue_time)),
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
            Need::Relation(_) | Need::BackupTime | Need::QueueElsewhere | Need::Listing => None,
        }
    }

    fn makes_needless(&self, rule: &Rule) -> bool {
        self.profile.queue == Some(Queue::InThisDatabase) && rule.needs.contains(&Need::QueueElsewhere)
    }

    /// Why a rule cannot find anything: it asks for lifecycles that the profile never gives.
    fn never_yields(&self, rule: &Rule) -> Option<String> {
        let yields = self.profile.yields.as_ref()?;
        let any = rule.lifecycles.is_empty() || rule.lifecycles.iter().any(|word| yields.contains(word));
        (!any).then(|| {
            format!("profile {} never gives a build that is {}", self.profile.name, rule.lifecycles.join(" or "))
        })
    }
}
