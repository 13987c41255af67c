//! `halfbuilt profiles --check`: what a profile offers, which rules can be run over it, and whether both fit a database.

use crate::cli::ProfilesArgs;
use crate::database::Database;
use crate::exit::Exit;
use crate::http_deletion::{CodeMeaning, HttpDeletion};
use crate::obstacle::{Queue, Running};
use crate::output::{Listing, Printer};
use crate::scan::{
    AdminPath, Archiving, BuildKeys, Fit, Known, Profile, ProfileSchema, Relation, Rule, Sample, ScanError, ScanPlan,
    archive_faults, collection_faults, find_schema, joint_fault, relation_faults, rule_faults, run_again_faults,
};
use crate::text::{Foreign, counted};
use crate::timing::RestoreTimes;

use super::Error;
use super::base_url;
use super::command_line::DATABASE_VARIABLE;
use super::database_address::DatabaseAddress;
use super::interrupt::Interrupt;
use super::profile_faults::{add_faults, has_its_own_hint, verdict};
use super::profile_rules::{RuleUse, lacking, rule_uses, summary};
use super::profile_sample::{addresses, examples};
use super::rules::show;
use super::server_warnings::ServerWarnings;

/// The variable that stands for `--schema`.
const SCHEMA_VARIABLE: &str = "HALFBUILT_SCHEMA";
/// The variable that stands for `--base-url`.
const BASE_URL_VARIABLE: &str = "HALFBUILT_BASE_URL";

/// Checks a profile as far as it can be.
pub(super) async fn run(
    name_or_file: &str,
    args: &ProfilesArgs,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<Exit, Error> {
    let profile = Profile::load(name_or_file)?;
    let rules = Rule::load_all(args.rule_folder.as_deref())?;
    let variable = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let url = args.database_url.clone().or_else(|| variable(DATABASE_VARIABLE));
    let base_url = args.base_url.clone().or_else(|| variable(BASE_URL_VARIABLE));
    let base_url = base_url.as_deref().map(base_url::parse).transpose();
    let base_url = base_url.map_err(|why| Error::Usage(format!("--base-url cannot be read: {why}")))?;
    let schema = args.schema.clone().or_else(|| variable(SCHEMA_VARIABLE));
    let address = DatabaseAddress::new(url, "profiles --check");
    let faults = if address.is_named() {
        let server_warnings = ServerWarnings::default();
        let mut database = interrupt.or(address.connect(&server_warnings, printer)).await?;
        let canceller = database.canceller();
        let faults = Faults::find(plan(&profile, base_url, schema)?, &profile, &rules, &mut database);
        Some(interrupt.or_cancel(&canceller, faults).await?)
    } else {
        None
    };
    // Title and unit come out of a file.
    let mut head = format!("profile {}: {}\n", profile.name, Foreign::new(&profile.title));
    if profile.offers(Relation::Step) || profile.offers(Relation::Chunk) {
        head += &format!("its output is counted in {}\n", Foreign::new(&profile.unit));
    }
    head += &behaviour(&profile);
    let relations = relations(&profile, faults.as_ref());
    let rules = rule_listing(&profile, &rules, faults.as_ref())?;
    let archive = archive_listing(&profile, faults.as_ref());
    let sample = faults.as_ref().and_then(|faults| faults.sample.as_ref());
    let (examples, addresses) = (examples(sample), addresses(sample));
    show(&format!("{head}\n{relations}{examples}\n{archive}\n{rules}{addresses}"))?;
    match faults {
        None => {
            printer.warn("no database was asked: columns and types were not checked");
            printer.hint("name one by --database-url or by PGHOST, PGDATABASE and libpq's other variables");
            Ok(Exit::Clean)
        }
        Some(faults) => faults.verdict(profile.name),
    }
}

/// What the headers of a profile say about its CI, and what follows where they say nothing.
fn behaviour(profile: &Profile) -> String {
    let running = match profile.running {
        Running::Lost => "what ran at the backup is lost",
        Running::Resumed => {
            "what ran at the backup may be resumed: it is deletable only once --max-run-time has passed"
        }
    };
    let queue = match profile.queue {
        Some(Queue::InThisDatabase) => "what waits stands in this database, and starts: stuck-queued is not needed",
        Some(Queue::Elsewhere) => "what waits is kept elsewhere",
        None => "where what waits is kept is not said (-- queue:): what is stuck-queued is not deletable",
    };
    let yields = profile.yields.as_ref().map_or("any".to_owned(), |words| words.join(", "));
    let limit = profile.max_run_time.map(|limit| format!("a build runs for {limit:#} at most\n")).unwrap_or_default();
    let copies = match profile.presents_copies() {
        true => "the builds are copies: what the database server says of itself says nothing of the CI\n",
        false => "",
    };
    let schema = profile.schema.as_ref().map(|schema| format!("its tables are in schema {}\n", Foreign::name(schema)));
    let schema = schema.unwrap_or_default();
    let known = profile.known.map_or("on what it has been tried is not said (-- known:)", Known::sentence);
    let admin_paths = match profile.admin_paths.as_deref() {
        None => "how its builds can be deleted is not said (-- admin-paths:)".to_owned(),
        Some([]) => "its builds cannot be deleted".to_owned(),
        Some(paths) => format!("its builds can be deleted by {}", listed(paths)),
    };
    let deletion = profile.deletion.as_ref().map(deletion).unwrap_or_default();
    format!(
        "{known}\n{admin_paths}\n{deletion}{running}\n{queue}\n{limit}{copies}{schema}lifecycles that it gives: {yields}\n"
    )
}

/// How a build is deleted by HTTP, and what the server's answers mean.
fn deletion(deletion: &HttpDeletion) -> String {
    let token = deletion.token.as_ref().map_or("Circle-Token".to_owned(), ToString::to_string);
    let mut said = format!("a build is deleted by {} of its delete_path, with the token in {token}\n", deletion.delete);
    if let Some(cancel) = deletion.cancel {
        said += &format!("what runs or waits is cancelled first, by {cancel} of its cancel_path, where it has one\n");
    }
    let meanings = [(CodeMeaning::Gone, "gone"), (CodeMeaning::Refused, "refused"), (CodeMeaning::Denied, "denied")];
    let codes = meanings.into_iter().filter_map(|(meaning, word)| {
        let codes: Vec<String> = deletion.codes_of(meaning).map(|code| code.to_string()).collect();
        (!codes.is_empty()).then(|| format!("{} as {word}", codes.join(" and ")))
    });
    said + &format!("of its answers it takes {}\n", codes.collect::<Vec<_>>().join(", "))
}

/// Admin paths as a list.
pub(super) fn listed(paths: &[AdminPath]) -> String {
    paths.iter().map(|path| path.as_str()).collect::<Vec<_>>().join(", ")
}

/// The faults that the server finds, by relation and by rule.
struct Faults {
    relations: Vec<(Relation, Vec<ScanError>)>,
    /// Those of the section that says of which collection the documents are.
    collection: Vec<ScanError>,
    /// Those of the section that says what deleted builds were.
    run_again: Vec<ScanError>,
    /// Empty where a relation has a fault: every rule would only repeat it.
    rules: Vec<(String, Vec<ScanError>)>,
    /// `None` where anything else has a fault, and where no rule runs.
    together: Option<Vec<ScanError>>,
    /// Empty where a relation has a fault.
    archive: Vec<(String, Vec<ScanError>)>,
    /// What is worth a sentence about the keys of builds, and is no fault of the profile.
    of_keys: Vec<String>,
    /// The tables that no section names, and that refer to one that is archived.
    not_archived: Vec<String>,
    /// `None` where a relation has a fault.
    sample: Option<Sample>,
}

impl Faults {
    async fn find(plan: ScanPlan, profile: &Profile, rules: &[Rule], database: &mut Database) -> Result<Self, Error> {
        let settings = plan.settings();
        let mut found = Self {
            relations: Vec::new(),
            collection: Vec::new(),
            run_again: Vec::new(),
            rules: Vec::new(),
            together: None,
            archive: Vec::new(),
            of_keys: Vec::new(),
            not_archived: Vec::new(),
            sample: None,
        };
        let schema = find_schema(&plan, &database.snapshot(&settings).await?).await?;
        let of_collection = collection_faults(&database.snapshot(&settings).await?, profile, &schema).await;
        found.collection = of_collection;
        let of_run_again = run_again_faults(&database.snapshot(&settings).await?, profile, &schema).await;
        found.run_again = of_run_again;
        for relation in Relation::ALL.into_iter().filter(|relation| profile.offers(*relation)) {
            // A snapshot each: the server takes nothing more in one in which it has complained.
            let snapshot = database.snapshot(&settings).await?;
            found.relations.push((relation, relation_faults(&snapshot, profile, relation, &schema).await));
        }
        if found.all().next().is_some() {
            return Ok(found);
        }
        found.check_keys(&plan, database).await?;
        if found.all().next().is_some() {
            return Ok(found);
        }
        let rules: Vec<&Rule> = rules.iter().filter(|rule| lacking(profile, rule).is_empty()).collect();
        for rule in &rules {
            let snapshot = database.snapshot(&settings).await?;
            found.rules.push((rule.name.clone(), rule_faults(&snapshot, profile, rule, &schema).await));
        }
        let rules_are_sound = found.all().next().is_none();
        found.check_archive(profile, &plan, &schema, database).await?;
        if rules_are_sound && !rules.is_empty() {
            let snapshot = database.snapshot(&settings).await?;
            found.together = Some(joint_fault(&snapshot, profile, &rules, &schema).await.into_iter().collect());
        }
        let snapshot = database.snapshot(&settings).await?;
        let fit = Fit::check(&plan, &snapshot).await?;
        found.sample = Some(Sample::read(&plan, &fit, &snapshot).await?);
        Ok(found)
    }

    /// Reads the keys of all builds: no SQL shows that a join doubles rows.
    async fn check_keys(&mut self, plan: &ScanPlan, database: &mut Database) -> Result<(), Error> {
        let snapshot = database.snapshot(&plan.settings()).await?;
        let fit = Fit::check(plan, &snapshot).await?;
        match BuildKeys::check(plan, &fit, &snapshot).await {
            Ok(keys) => self.of_keys = keys.remarks(),
            Err(fault) if matches!(fault, ScanError::Keys { .. }) || fault.is_about_what_is_read() => {
                if let Some((_, faults)) = self.relations.iter_mut().find(|(relation, _)| *relation == Relation::Build)
                {
                    faults.push(fault);
                }
            }
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    async fn check_archive(
        &mut self,
        profile: &Profile,
        plan: &ScanPlan,
        schema: &ProfileSchema,
        database: &mut Database,
    ) -> Result<(), Error> {
        let settings = plan.settings();
        for table in profile.archived_tables() {
            let snapshot = database.snapshot(&settings).await?;
            self.archive.push((table.to_owned(), archive_faults(&snapshot, profile, table, schema).await));
        }
        if self.archive.iter().any(|(_, faults)| !faults.is_empty()) {
            return Ok(());
        }
        let snapshot = database.snapshot(&settings).await?;
        let fit = Fit::check(plan, &snapshot).await?;
        match Archiving::check(plan, &fit, &snapshot).await {
            Ok(archiving) => self.not_archived = archiving.left_out().to_vec(),
            Err(fault) => self.archive.push(("all together".to_owned(), vec![fault])),
        }
        Ok(())
    }

    fn of_relation(&self, relation: Relation) -> &[ScanError] {
        self.relations.iter().find(|(found, _)| *found == relation).map_or(&[], |(_, faults)| faults)
    }

    /// `None` where the rule was not tried.
    fn of_rule(&self, name: &str) -> Option<&[ScanError]> {
        self.rules.iter().find(|(found, _)| found == name).map(|(_, faults)| faults.as_slice())
    }

    fn all(&self) -> impl Iterator<Item = &ScanError> {
        let relations = self.relations.iter().flat_map(|(_, faults)| faults);
        let rules = self.rules.iter().flat_map(|(_, faults)| faults);
        let archive = self.archive.iter().flat_map(|(_, faults)| faults);
        let of_rows = self.sample.iter().flat_map(Sample::faults);
        let sections = self.collection.iter().chain(&self.run_again);
        sections.chain(relations).chain(rules).chain(self.together.iter().flatten()).chain(archive).chain(of_rows)
    }

    fn verdict(&self, profile: String) -> Result<Exit, Error> {
        let faults = self.all().count() as u64;
        if faults == 0 {
            return Ok(Exit::Clean);
        }
        let hint = self.all().filter(|fault| !has_its_own_hint(fault)).find_map(ScanError::hint);
        Err(Error::Unfit { profile, faults: counted(faults, "fault"), hint })
    }
}

/// A plan without rules and times: rows are read as by a scan that knows no T.
fn plan(profile: &Profile, base_url: Option<String>, schema: Option<String>) -> Result<ScanPlan, Error> {
    let times = RestoreTimes::new(None, None);
    Ok(ScanPlan::new(profile.clone(), Vec::new(), &[], times, base_url)?.in_schema(schema))
}

fn relations(profile: &Profile, faults: Option<&Faults>) -> Listing {
    let mut listing = Listing::new(&["relation", "offered", "columns and types"]);
    for relation in Relation::ALL {
        let offered = profile.offers(relation);
        let found = faults.map(|faults| faults.of_relation(relation));
        let verdict = if offered { verdict(found) } else { "-" };
        listing.add([relation.to_string(), if offered { "yes" } else { "no" }.to_owned(), verdict.to_owned()]);
        add_faults(&mut listing, found.unwrap_or_default());
        let of_keys = faults.filter(|_| relation == Relation::Build).map_or(&[][..], |faults| &faults.of_keys);
        of_keys.iter().for_each(|remark| listing.note(remark));
    }
    let of_collection = faults.map(|faults| faults.collection.as_slice());
    let of_run_again = faults.map(|faults| faults.run_again.as_slice());
    for (section, is_there, found) in [
        ("collection", profile.presents_collection(), of_collection),
        ("run-again", profile.presents_run_again(), of_run_again),
    ] {
        if is_there {
            listing.add([section.to_owned(), "yes".to_owned(), verdict(found).to_owned()]);
            add_faults(&mut listing, found.unwrap_or_default());
        }
    }
    listing
}

/// Which rules run, and which do not, and why.
fn rule_listing(profile: &Profile, rules: &[Rule], faults: Option<&Faults>) -> Result<String, Error> {
    let mut listing = Listing::new(&["rule", "over this profile", "its SQL", "why not"]);
    let uses = rule_uses(profile, rules)?;
    for RuleUse { name, verdict: use_of_it, why_not } in &uses {
        let found = faults.and_then(|faults| faults.of_rule(name));
        let is_tried = rules.iter().any(|rule| rule.name == *name && lacking(profile, rule).is_empty());
        let sql = if is_tried { verdict(found) } else { "-" };
        listing.add([name.clone(), use_of_it.as_str().to_owned(), sql.to_owned(), why_not.clone()]);
        add_faults(&mut listing, found.unwrap_or_default());
    }
    let found = faults.and_then(|faults| faults.together.as_deref());
    listing.add(["all in one scan".to_owned(), "-".to_owned(), verdict(found).to_owned()]);
    add_faults(&mut listing, found.unwrap_or_default());
    Ok(format!("{}\n{listing}", summary(&uses)))
}

fn archive_listing(profile: &Profile, faults: Option<&Faults>) -> Listing {
    let mut listing = Listing::new(&["archived table", "its SQL"]);
    let found: &[(String, Vec<ScanError>)] = faults.map_or(&[], |faults| &faults.archive);
    for table in profile.archived_tables() {
        let faults = found.iter().find(|(name, _)| name == table).map(|(_, faults)| faults.as_slice());
        listing.add([table.to_owned(), verdict(faults).to_owned()]);
        add_faults(&mut listing, faults.unwrap_or_default());
    }
    if profile.archived_tables().next().is_none() {
        listing.add(["none".to_owned(), "-".to_owned()]);
        listing.note("delete --archive keeps only what the relations present, which is not enough to put a build back");
    }
    // What keeps the sections from being read together.
    for (name, faults) in found.iter().filter(|(name, _)| !profile.archived_tables().any(|table| table == name)) {
        listing.add([name.clone(), verdict(Some(faults)).to_owned()]);
        add_faults(&mut listing, faults);
    }
    for missing in faults.map_or(&[][..], |faults| &faults.not_archived) {
        listing.note(&format!("not archived: {missing}"));
    }
    listing
}
