//! Prints the statements that a scan sends, whole, as a script that psql runs.

use std::fmt::Write;

use crate::losses::Held;
use crate::sql::{PSQL, SESSION, filled};
use crate::timing::RestoreTimes;

use super::compose::{BuildSelection, Part, Relations};
use super::empty::asks_for_losses;
use super::error::ScanError;
use super::header::without_semicolon;
use super::plan::ScanPlan;
use super::prefilter::MOST_SUSPECTS;
use super::premise::{BUILDS_LOOKED_UP, CLOCK, asks_for_step_habits};
use super::profile::Profile;
use super::relation::Relation;
use super::rule::{Prefilter, Rule};
use super::shape::Shape;

/// The schema of the tables where none is named.
const DEFAULT_SCHEMA: &str = "public";

/// A script that psql runs: the statement of one rule, or every statement of a scan.
pub fn composed(
    profile: Profile,
    rules: Vec<Rule>,
    named: Option<&str>,
    schema: Option<&str>,
) -> Result<String, ScanError> {
    let max_run_time = profile.max_run_time.unwrap_or(RestoreTimes::MAX_RUN_TIME);
    // The script asks for T when it runs; here it only keeps the rules that need it.
    let times = RestoreTimes { max_run_time, ..RestoreTimes::new(Some(jiff::Timestamp::UNIX_EPOCH), None) };
    let named: Vec<String> = named.into_iter().map(str::to_owned).collect();
    let plan = ScanPlan::new(profile, rules, &named, times, None)?;
    // Without a listing such a rule finds nothing; who asks for its statement gets it.
    let plan = if named.is_empty() { plan } else { plan.with_listing() };
    if let [name] = named.as_slice()
        && let Some(why) = plan.why_not_run(name)
    {
        return Err(ScanError::RuleNotRun { rule: name.clone(), why });
    }
    let mut shape = Shape::assumed(&plan.profile);
    // A view has none: only a script that looks at versions reads them.
    shape.has_row_versions &= plan.rules.iter().any(|rule| rule.uses_setting("new_row_version"));
    let mut script = Script { text: String::new(), plan: &plan, shape: &shape };
    script
        .begin(named.first().map(String::as_str), schema.or(plan.profile.schema.as_deref()).unwrap_or(DEFAULT_SCHEMA));
    match named.as_slice() {
        [_] => script.rule(),
        _ => script.scan(),
    }
    script.text.push_str("\nROLLBACK;\n");
    Ok(script.text)
}

struct Script<'a> {
    text: String,
    plan: &'a ScanPlan,
    shape: &'a Shape,
}

impl Script<'_> {
    fn relations(&self) -> Relations<'_> {
        Relations::new(&self.plan.profile, self.shape, BuildSelection::All)
    }

    fn begin(&mut self, rule: Option<&str>, schema: &str) {
        let profile = &self.plan.profile.name;
        let what = match rule {
            Some(rule) => {
                format!("The statement of rule {rule} over profile {profile}, with what has to run before it.")
            }
            None => format!(
                "Every statement that a scan sends over profile {profile}, in order, but for those by which the server checks the\n\
                 -- profile and the rules, and those that ask which server and which database it is."
            ),
        };
        let keys = self.shape.type_of(Relation::Build, "build_key").unwrap_or_default();
        let _ = write!(
            self.text,
            "-- {what}\n\
             -- No database was asked: keys of builds are assumed to be {keys}, keys of steps text.\n\
             --     psql -X -v backup_time=2026-11-20T02:00:00Z -v restored_at=2026-11-20T06:30:00Z -f FILE\n\
             -- What the program sends as $1 and $2 is a variable of psql here.\n"
        );
        let settings = self.plan.settings();
        let default = |name: &str| {
            let value = settings.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
            quoted(value)
        };
        let values = [
            ("default_schema", quoted(schema)),
            ("default_clock_tolerance", default("clock_tolerance")),
            ("default_max_run_time", default("max_run_time")),
            ("default_max_queue_time", default("max_queue_time")),
            ("default_unit", default("unit")),
        ];
        let values = values.each_ref().map(|(name, value)| (*name, value.as_str()));
        self.title("The transaction and its settings");
        self.text.push_str(&filled(const { PSQL.part("begin") }, &values));
        self.text.push_str(const { SESSION.part("session") });
        self.settings();
    }

    fn title(&mut self, title: &str) {
        let _ = write!(self.text, "\n-- ==== {title} ====\n");
    }

    fn settings(&mut self) {
        self.text.push_str(const { PSQL.part("settings") });
        let statement = with_parameters(without_semicolon(const { SESSION.part("settings") }), &["names", "values"]);
        let _ = writeln!(self.text, "{statement}\n\\g /dev/null");
    }

    fn statement(&mut self, title: &str, statement: &str, parameters: &[&str], end: &str) {
        self.title(title);
        let statement = with_parameters(without_semicolon(statement), parameters);
        let _ = writeln!(self.text, "{statement}{end}");
    }

    /// A statement whose keys are the variable `variable` from then on.
    fn keys(&mut self, title: &str, statement: &str, parameters: &[&str], variable: &str) {
        self.title(title);
        let statement = with_parameters(statement, parameters);
        let values = [("asked", &*statement), ("variable", variable)];
        self.text.push_str(&filled(const { PSQL.part("keys") }, &values));
    }

    /// One rule, after the statements whose results it uses.
    fn rule(&mut self) {
        let uses = |setting: &str| self.plan.rules.iter().any(|rule| rule.uses_setting(setting));
        let [closing_from, step_habits, new_row_version] = ["closing_from", "step_habits", "new_row_version"].map(uses);
        let habits = uses("habits") || uses("has_steps");
        if closing_from {
            self.premise();
        } else if new_row_version {
            self.row_versions();
        }
        if habits {
            self.habits();
        }
        if step_habits {
            self.step_habits();
        }
        let losses = uses("steps_lost") || uses("output_kept_since");
        if losses {
            self.losses();
        }
        if closing_from || new_row_version || habits || step_habits || losses {
            self.title("The settings once more");
            self.settings();
        }
        let parts: Vec<Part<'_>> = self.parts(None);
        let findings = self.relations().findings(&parts);
        self.statement("The builds in which the rule fires", &findings, &[], ";");
    }

    /// The rules, and in any case the one that finds builds of one address.
    fn parts(&self, suspects: Option<usize>) -> Vec<Part<'_>> {
        let looks = |rule: &Rule| suspects.filter(|_| rule.prefilter == Some(Prefilter::Whole));
        let of_plan = |(rank, rule)| Part { suspects: looks(rule), ..Part::everywhere(rule, rank) };
        let mut parts: Vec<Part<'_>> = self.plan.rules.iter().enumerate().map(of_plan).collect();
        if !parts.iter().any(|part| part.rule.finds_same_address()) {
            let rank = self.plan.rules.len();
            parts.push(Part { is_reported: false, ..Part::everywhere(&self.plan.same_address, rank) });
        }
        parts
    }

    fn premise(&mut self) {
        let relations = self.relations();
        let at_work = relations.narrows_output().then(|| relations.at_work(BUILDS_LOOKED_UP + 1));
        let premise = relations.premise(at_work.is_some());
        self.text.push_str("\\if :has_backup_time\n");
        self.text.push_str(const { PSQL.part("times") });
        let title = format!(
            "The builds that may have been at work after T; where there are more than {BUILDS_LOOKED_UP}, the next statement reads all output"
        );
        if let Some(at_work) = &at_work {
            self.keys(&title, at_work, &[], "at_work");
        }
        self.statement("What all builds say about T and R", &premise, &["times", "at_work"], "\n\\gset");
        self.text.push_str(const { PSQL.part("closing_from") });
        self.text.push_str("\\endif\n");
        self.row_versions();
    }

    /// What was written after the restore. The program asks only where both times are known, and versions can be read.
    fn row_versions(&mut self) {
        if !self.shape.has_row_versions {
            return;
        }
        let versions = self.relations().row_versions();
        self.text.push_str(const { PSQL.part("has_both_times") });
        self.text.push_str("\\if :has_both_times\n");
        self.text.push_str(const { PSQL.part("version_times") });
        self.title("What the versions of rows say");
        let asked = with_parameters(without_semicolon(&versions), &["version_times"]);
        self.text.push_str(&filled(const { PSQL.part("new_row_version") }, &[("asked", &asked)]));
        self.text.push_str("\\endif\n");
    }

    fn habits(&mut self) {
        let habits = self.relations().habits();
        self.statement("The states that this CI writes by habit", &habits, &[], "\n\\gset");
    }

    fn step_habits(&mut self) {
        let habits = self.relations().habits_of_steps();
        self.statement("What this CI leaves open in steps by habit", &habits, &[], "\n\\gset");
    }

    /// What is lost of whole projects and stretches of time. The program asks only where builds lack what they should have.
    fn losses(&mut self) {
        let relations = self.relations();
        let [steps, output] = [Held::Steps, Held::Output].map(|held| relations.losses(held));
        if self.plan.profile.offers(Relation::Step) {
            self.statement("The projects and times without any step", &steps, &[], "\n\\gset steps_");
        }
        if self.plan.profile.offers(Relation::Step) && self.plan.profile.offers(Relation::Chunk) {
            self.statement("The projects and times without any output", &output, &[], "\n\\gset output_");
        }
    }

    fn scan(&mut self) {
        self.statement("The database's clock", CLOCK, &[], ";");
        self.premise();
        self.habits();
        if asks_for_step_habits(self.plan) {
            self.step_habits();
        }
        if asks_for_losses(self.plan) {
            let presence = self.relations().presence();
            self.statement("Which relations have any row", &presence, &[], ";");
            self.losses();
        }
        self.title("The settings once more");
        self.settings();
        let relations = self.relations();
        let (scope, names, keys, states) = (relations.scope(), relations.names(), relations.keys(), relations.states());
        let (coverage, step_keys) = (relations.coverage(), relations.step_keys());
        self.statement("How many builds each project has", &scope, &[], ";");
        self.indexes(false);
        self.statement("Whether builds share their names", &names, &[], ";");
        self.statement("Whether a key stands for two builds", &keys, &[], ";");
        self.indexes(true);
        self.statement("Builds that say too little, and odd times", &states, &[], ";");
        if self.plan.profile.offers(Relation::Step) {
            let title = "Steps, and how many of them say where their output ends";
            self.statement(title, &coverage, &[], ";");
        }
        if let Some(step_keys) = step_keys {
            self.indexes(false);
            self.statement("Whether a key stands for two steps", &step_keys, &[], ";");
            self.indexes(true);
        }
        let suspects = self.prefilter();
        let parts = self.parts(suspects.then_some(1));
        let findings = self.relations().findings(&parts);
        self.statement(
            "The builds in which a rule fires; a rule is left out where the sums show that it cannot find anything",
            &findings,
            &["suspects"],
            ";",
        );
    }

    /// The sums over steps and output; `false` where there is nothing to add up.
    fn prefilter(&mut self) -> bool {
        let helps = |rule: &Rule| rule.prefilter == Some(Prefilter::Whole);
        let relations = self.relations();
        let (Some(buckets), Some(candidates), Some(suspects), true) = (
            relations.buckets(0),
            relations.candidates(1, 1, MOST_SUSPECTS + 1),
            relations.suspects(),
            self.plan.rules.iter().any(helps),
        ) else {
            return false;
        };
        self.jit(true);
        self.title("The sums over steps and output, by groups of builds; up to three more passes follow where too many builds are left");
        self.text.push_str(&filled(const { PSQL.part("buckets") }, &[("asked", &buckets)]));
        self.jit(false);
        self.keys("The builds of the groups that do not add up", &candidates, &["buckets"], "candidates");
        self.keys("Those of them that do not add up themselves", &suspects, &["candidates"], "suspects");
        true
    }

    fn jit(&mut self, wanted: bool) {
        let titles = ["The server compiles no other statement", "The server may compile the next statement"];
        self.switch(titles, const { SESSION.part("jit") }, wanted);
    }

    fn indexes(&mut self, wanted: bool) {
        let titles = ["The server reads no index", "The server may read indexes again"];
        self.switch(titles, const { SESSION.part("indexes") }, wanted);
    }

    fn switch(&mut self, titles: [&str; 2], part: &str, wanted: bool) {
        let switch = filled(part, &[("wanted", if wanted { "true" } else { "false" })]);
        self.statement(titles[usize::from(wanted)], &switch, &[], "\n\\g /dev/null");
    }
}

/// A statement with psql's variables in the place of its parameters.
fn with_parameters(statement: &str, variables: &[&str]) -> String {
    let mut sql = statement.to_owned();
    for (place, variable) in variables.iter().enumerate() {
        sql = sql.replace(&format!("${}", place + 1), &format!(":'{variable}'"));
    }
    sql
}

/// A value as `\set` takes it.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}
