//! Reads chosen builds again, each time in a fresh snapshot: the eyes of a deletion.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::sleep;

use crate::build_url::BuildUrl;
use crate::causes::told_apart;
use crate::cli::{DeleteArgs, ReadingArgs};
use crate::database::{Database, DatabaseIdentity, Lock};
use crate::deletion::journal::DatabaseName;
use crate::deletion::{ArchiveFailure, BuildReader, Permit, Reading, Terms};
use crate::finding::Finding;
use crate::output::Printer;
use crate::report::Chosen;
use crate::scan::{Fit, Lookup, ScanError, ScanPlan};

use super::{Error, reading};

/// How many milliseconds a database that was there and is not is waited for, before each time that it is tried again: a restart, or the
/// move to another server, takes seconds to a minute.
const PATIENCE: [u64; 8] = [200, 500, 1000, 2000, 4000, 8000, 15000, 30000];

/// The build database, as a deletion sees it.
pub(super) struct Guard<'a> {
    database: Database,
    plan: &'a ScanPlan,
    fit: Fit,
    /// What may be deleted.
    permit: &'a Permit,
    args: &'a ReadingArgs,
    printer: Printer,
    /// Which database it is: the only one that may be read.
    identity: DatabaseIdentity,
    /// Whether no other deletion may be at work on it.
    alone: bool,
    /// Whether a build that is not found is looked for in every way there is, at whatever cost.
    pub(super) thorough: bool,
}

impl<'a> Guard<'a> {
    /// Has the server check profile and rules, once before the first look. The first looks are thorough.
    pub(super) async fn open(
        mut database: Database,
        plan: &'a ScanPlan,
        permit: &'a Permit,
        args: &'a DeleteArgs,
        printer: Printer,
    ) -> Result<Self, ScanError> {
        let identity = database.identity().await?;
        let fit = Fit::check(plan, &database.snapshot(&plan.settings()).await?).await?;
        let (alone, args) = (args.execute, &args.reading);
        Ok(Self { database, plan, fit, permit, args, printer, identity, alone, thorough: true })
    }

    /// Which database it is.
    pub(super) fn database_name(&self) -> DatabaseName {
        let DatabaseIdentity { system_identifier, name } = self.identity.clone();
        DatabaseName { system_identifier, name }
    }

    /// Names the projects that there are, each with its builds.
    pub(super) async fn projects(&mut self) -> Result<BTreeMap<String, u64>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        Lookup::new(self.plan, &self.fit, &snapshot).projects().await
    }
}

impl Guard<'_> {
    async fn read_once(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings()).await?;
        let lookup = Lookup::new(self.plan, &self.fit, &snapshot);
        let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
        let as_written = chosen.iter().map(|chosen| chosen.url_text.clone());
        let spelled: Vec<String> = urls.iter().flat_map(|url| url.spellings()).chain(as_written).collect();
        // The server finds a build by its project and number: another one of that name must not stand in for it.
        let projects = urls.iter().map(|url| url.project().to_lowercase()).collect();
        let mut found = Found(lookup.by_name(spelled.clone(), numbers(&urls), projects).await?);
        if self.thorough {
            // Not only what is missing: a build with another number may have the address of one that was found.
            found.add(lookup.by_url_alone(spelled).await?);
        }
        Ok(chosen.iter().map(|chosen| found.reading(chosen)).collect())
    }

    /// Connects anew. A database that cannot be reached yet is no failure; another one than before is.
    async fn reconnect(&mut self) -> Result<(), ScanError> {
        match self.connect_anew().await {
            Ok(Some(database)) => self.database = database,
            Ok(None) => {}
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// `None` where somebody else is at work: it may be our own session, of which the server does not know yet that it ended.
    async fn connect_anew(&self) -> Result<Option<Database>, ScanError> {
        let mut database = match reading::connect(self.args, self.printer).await {
            Ok(database) => database,
            Err(Error::Scan(error)) => return Err(error),
            // The settings were good before; what else there is will be told by the next reading.
            Err(_) => return Ok(None),
        };
        let now = database.identity().await?;
        if now != self.identity {
            let (before, now) = (self.identity.to_string(), now.to_string());
            return Err(ScanError::OtherDatabase { before, now });
        }
        if self.alone && matches!(database.lock().await?, Lock::Held(_)) {
            self.printer.say("another session still holds the lock of a deletion on this database");
            return Ok(None);
        }
        Ok(Some(database))
    }
}

impl BuildReader for Guard<'_> {
    type Error = ScanError;

    /// A reading changes nothing, so one that failed is safe to repeat: a database that is starting again is waited for.
    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let mut waits = PATIENCE.into_iter().map(Duration::from_millis);
        loop {
            let error = match self.read_once(chosen).await {
                Err(error) if error.may_pass() => error,
                done => return done,
            };
            let Some(wait) = waits.next() else { return Err(error) };
            let causes = [vec![error.to_string()], told_apart(&error)].concat().join(": ");
            self.printer.say(&format!("the database is away, trying again in {wait:?}: {causes}"));
            sleep(wait).await;
            self.reconnect().await?;
        }
    }

    async fn archive(&mut self, _: &[&Chosen]) -> Result<Option<Vec<Option<String>>>, ArchiveFailure<ScanError>> {
        Ok(None)
    }

    fn terms(&self) -> Terms<'_> {
        Terms { rules: self.plan.rule_names().collect(), permit: self.permit }
    }
}

/// What was found for some chosen builds.
struct Found(Vec<Finding>);

impl Found {
    fn add(&mut self, builds: Vec<Finding>) {
        for build in builds {
            // One build may be found in more than one way; its fingerprint tells that it is the same.
            if !self.0.iter().any(|known| known.fingerprint == build.fingerprint) {
                self.0.push(build);
            }
        }
    }

    fn reading(&self, chosen: &Chosen) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        let found: Vec<&Finding> = self.0.iter().filter(|build| may_be(build, url)).collect();
        match found.as_slice() {
            [] => Reading::Gone,
            [only] if address(only).as_ref() == Some(url) && only.is_at(url) => {
                Reading::There(Box::new((*only).clone()))
            }
            [only] => Reading::Elsewhere(described(only)),
            several => Reading::Several(several.len()),
        }
    }
}

/// Whether a build is, or may be taken for, the one with this address: by its own address, or by project and number.
fn may_be(build: &Finding, url: &BuildUrl) -> bool {
    let own = address(build);
    let same_number = build.build_num == number(url);
    let same_project = build.project.as_deref().is_some_and(|project| project.eq_ignore_ascii_case(&url.project()));
    match own {
        Some(own) => own.resembles(url) || (same_number && same_project && own.is_of_same_system(url)),
        None => same_number && same_project,
    }
}

fn described(build: &Finding) -> String {
    let url = build.build_url.as_deref().unwrap_or("a build without a URL");
    match build.build_num {
        Some(number) => format!("{url}, number {number}"),
        None => format!("{url}, without a number"),
    }
}

fn address(found: &Finding) -> Option<BuildUrl> {
    found.build_url.as_deref().and_then(|url| BuildUrl::parse(url).ok())
}

/// The number in an address, where a database can hold it.
fn number(url: &BuildUrl) -> Option<i64> {
    i64::try_from(url.number()).ok()
}

fn numbers(urls: &[&BuildUrl]) -> Vec<i64> {
    urls.iter().filter_map(|url| number(url)).collect()
}
