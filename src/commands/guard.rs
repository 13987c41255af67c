//! Reads chosen builds again, each time in a fresh snapshot: the eyes of a deletion.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::build_url::BuildUrl;
use crate::cli::DeleteArgs;
use crate::database::{Database, DatabaseError, DatabaseIdentity, Position};
use crate::deletion::journal::{DatabaseName, Past};
use crate::deletion::{ArchiveFailure, BuildReader, Permit, Reading, Terms};
use crate::finding::Finding;
use crate::output::Printer;
use crate::premise::Premise;
use crate::report::Chosen;
use crate::scan::{Fit, Lookup, ScanError, ScanPlan, reads};
use crate::table::Table;

use super::Error;
use super::evidence::{Archived, Evidence};
use super::read_request::ReadRequest;

/// How many milliseconds a database that was there and is not is waited for, before each time that it is tried again: a
/// restart, or the move to another server, takes seconds to a minute.
const PATIENCE: [u64; 8] = [200, 500, 1000, 2000, 4000, 8000, 15000, 30000];

/// How long a database that has said nothing may go on saying nothing, where `--statement-timeout` does not tell how long a
/// statement may take: the server, or the network before it, may be gone without anybody having been told.
const SILENCE: Duration = Duration::from_secs(60);
/// The same for the first look, which may have to look at every build.
pub(super) const FIRST_SILENCE: Duration = Duration::from_secs(600);
/// What is added to it for the way there and back.
const ON_THE_WAY: Duration = Duration::from_secs(5);
/// How many statements one reading makes at most.
const STATEMENTS: u32 = 4;
/// How much longer than a reading it may take to archive some builds: their output may be large.
const ARCHIVING: u32 = 6;

/// The build database, as a deletion sees it.
pub(super) struct Guard<'a> {
    pub(super) database: Database,
    pub(super) plan: &'a ScanPlan,
    pub(super) fit: Fit,
    /// What every reading goes by, established once: T and R, and what all builds said to them.
    pub(super) premise: Premise,
    /// What may be deleted.
    permit: &'a Permit,
    pub(super) request: &'a ReadRequest,
    pub(super) args: &'a DeleteArgs,
    pub(super) printer: Printer,
    /// Which database it is: the only one that may be read.
    pub(super) identity: DatabaseIdentity,
    /// The schemas on the role's search path.
    schemas: Vec<String>,
    /// The tables that are read: the only ones that may be.
    pub(super) tables: Vec<Table>,
    /// Whether no other deletion may be at work on it.
    pub(super) alone: bool,
    /// How long one reading may take.
    limit: Duration,
    /// Whether the connection has been given up: nothing is asked on it any more.
    pub(super) is_silent: bool,
    /// Where the database was in its own history when that was asked last.
    pub(super) position: Option<Position>,
    /// Whether the connection was lost since anybody asked.
    pub(super) been_away: bool,
    /// Where what is to go is put aside first, if anywhere.
    pub(super) evidence: Option<Evidence>,
    /// Whether a build that is not found is looked for in every way there is, at whatever cost.
    thorough: bool,
}

impl<'a> Guard<'a> {
    /// Has the server check profile and rules, once before the first look. The first looks are thorough.
    pub(super) async fn open(
        mut database: Database,
        (request, plan): (&'a ReadRequest, &'a ScanPlan),
        permit: &'a Permit,
        args: &'a DeleteArgs,
        printer: Printer,
    ) -> Result<Self, ScanError> {
        let identity = database.identity().await?;
        let position = database.position().await?;
        let (fit, premise, schemas) = {
            let snapshot = database.snapshot(&plan.settings()).await?;
            let fit = Fit::check(plan, &snapshot).await?;
            let premise = Premise::establish(plan, &fit, &snapshot).await?;
            snapshot.holds().await?;
            let schemas = snapshot.schemas().to_vec();
            (fit, premise, schemas)
        };
        let alone = args.execute;
        let limit = request.statement_timeout.map_or(FIRST_SILENCE, |one| one * STATEMENTS + ON_THE_WAY);
        Ok(Self {
            database,
            plan,
            premise,
            permit,
            request,
            args,
            printer,
            identity,
            schemas,
            tables: fit.tables().to_vec(),
            fit,
            alone,
            limit,
            is_silent: false,
            position,
            been_away: false,
            evidence: None,
            thorough: true,
        })
    }

    /// From now on what is looked for is looked for where it was found, and no longer.
    pub(super) fn knows_them(&mut self) {
        self.thorough = false;
        if self.request.statement_timeout.is_none() {
            self.limit = SILENCE;
        }
    }

    /// Which database it is, in the words of a journal that has been begun.
    ///
    /// A journal without tables is an older program's, which looked for the tables on the whole search path of the role, after pg_catalog.
    pub(super) fn database_name(&self, past: &Past) -> DatabaseName {
        let DatabaseIdentity { system_identifier, name } = self.identity.clone();
        let asked = self.request.schema.as_ref();
        let as_before = asked.is_none_or(|schema| self.schemas.first() == Some(schema));
        if let Some(first) = past.sessions.first().filter(|session| as_before && session.start.tables.is_none()) {
            let looked_in = ["pg_catalog"].into_iter().chain(self.schemas.iter().map(String::as_str));
            let before = reads(self.plan, &looked_in.collect::<Vec<_>>().join(", "));
            if before == first.start.database.reads {
                return DatabaseName { system_identifier, name, reads: before };
            }
        }
        DatabaseName { system_identifier, name, reads: reads(self.plan, self.fit.schema().name().unwrap_or_default()) }
    }

    /// The same, as the server tells it.
    pub(super) fn identity(&self) -> &DatabaseIdentity {
        &self.identity
    }

    /// Names the projects that there are, each with its builds.
    pub(super) async fn projects(&mut self) -> Result<BTreeMap<String, u64>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings_by(&self.premise)).await?;
        let projects = Lookup::new(self.plan, &self.fit, &self.premise, &snapshot).projects().await?;
        snapshot.holds().await?;
        Ok(projects)
    }

    /// Reads the chosen builds and archives all that the database holds about those that are there, as of one snapshot. When
    /// this returns, it is on disk.
    async fn put_aside(&mut self, chosen: &[&Chosen], evidence: &mut Evidence) -> Result<Archived, Error> {
        let canceller = self.database.canceller();
        let snapshot = self.database.snapshot(&self.plan.settings_by(&self.premise)).await?;
        let lookup = Lookup::new(self.plan, &self.fit, &self.premise, &snapshot);
        let readings = look(&lookup, self.thorough, chosen).await?;
        let there = |reading: &Reading| match reading {
            Reading::There(found) => Some(found.fingerprint.clone()),
            Reading::Gone | Reading::Elsewhere(_) | Reading::Several(_) => None,
        };
        let fingerprints = readings.iter().map(there).collect();
        let mut builds: Vec<&Finding> = Vec::new();
        for reading in &readings {
            // A list may name a build twice.
            if let Reading::There(found) = reading
                && !builds.iter().any(|build| build.key == found.key)
            {
                builds.push(found);
            }
        }
        if builds.is_empty() {
            return Ok(Archived { fingerprints, extent: None });
        }
        let urls = chosen.iter().zip(&readings).filter(|(_, reading)| matches!(reading, Reading::There(_)));
        let urls = urls.filter_map(|(chosen, _)| chosen.url.as_ref().map(ToString::to_string)).collect();
        let written = evidence.write(&lookup, &builds).await;
        if matches!(written, Err(Error::Unarchived(_))) {
            // The server may have millions of rows left to send, and nobody wants them any more.
            canceller.cancel().await;
        }
        let extent = written?;
        snapshot.holds().await?;
        evidence.tell(&extent, urls);
        Ok(Archived { fingerprints, extent: Some(extent) })
    }
}

impl Guard<'_> {
    async fn read_once(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let snapshot = self.database.snapshot(&self.plan.settings_by(&self.premise)).await?;
        let lookup = Lookup::new(self.plan, &self.fit, &self.premise, &snapshot);
        let readings = look(&lookup, self.thorough, chosen).await?;
        // By what others have put in the place of a table since, everything might be gone.
        self.fit.reads_the_same(&snapshot).await?;
        snapshot.holds().await?;
        Ok(readings)
    }

    /// The same, unless the database says nothing for too long.
    async fn read_in_time(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let limit = self.limit;
        if !self.is_silent {
            match timeout(limit, self.read_once(chosen)).await {
                Ok(read) => return read,
                Err(_) => self.is_silent = true,
            }
        }
        Err(DatabaseError::NoAnswer { what: "reading the chosen builds".to_owned(), limit }.into())
    }

    /// As [`Guard::put_aside`], unless the database says nothing for too long.
    async fn put_aside_in_time(&mut self, chosen: &[&Chosen], evidence: &mut Evidence) -> Result<Archived, Error> {
        let limit = self.limit * ARCHIVING;
        if !self.is_silent {
            match timeout(limit, self.put_aside(chosen, evidence)).await {
                Ok(archived) => return archived,
                Err(_) => self.is_silent = true,
            }
        }
        Err(DatabaseError::NoAnswer { what: "reading what is to be archived".to_owned(), limit }.into())
    }
}

impl BuildReader for Guard<'_> {
    type Error = ScanError;

    /// A reading changes nothing, so one that failed is safe to repeat: a database that is starting again is waited for.
    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let mut waits = PATIENCE.into_iter();
        loop {
            match self.read_in_time(chosen).await {
                Err(error) if error.may_pass() => self.wait_for_the_database(waits.next(), error).await?,
                done => return done,
            }
        }
    }

    /// A member that is not complete is none, so this too is safe to repeat.
    async fn archive(&mut self, chosen: &[&Chosen]) -> Result<Option<Vec<Option<String>>>, ArchiveFailure<ScanError>> {
        if self.args.archive.is_none() {
            return Ok(None);
        }
        // Taken, so that an archiving that was broken off is not gone on with as if nothing had happened.
        let Some(mut evidence) = self.evidence.take() else {
            return Err(ArchiveFailure::Unwritten(io::Error::other("the archive was not opened, or broken off")));
        };
        let mut waits = PATIENCE.into_iter();
        let archived = loop {
            match self.put_aside_in_time(chosen, &mut evidence).await {
                Err(Error::Scan(error)) if error.may_pass() => {
                    let waited = self.wait_for_the_database(waits.next(), error).await;
                    if let Err(error) = waited {
                        break Err(ArchiveFailure::Blind(error));
                    }
                }
                Err(Error::Scan(error)) => break Err(ArchiveFailure::Blind(error)),
                Err(Error::Unarchived(error)) => break Err(ArchiveFailure::Unwritten(error)),
                Err(error) => break Err(ArchiveFailure::Unwritten(io::Error::other(error.to_string()))),
                Ok(archived) => break Ok(archived),
            }
        };
        self.evidence = Some(evidence);
        archived.map(|archived| Some(archived.fingerprints))
    }

    fn alone(&self) -> Box<dyn Fn() -> bool> {
        self.database.lock_watch()
    }

    fn has_been_away(&mut self) -> bool {
        std::mem::take(&mut self.been_away)
    }

    fn terms(&self) -> Terms<'_> {
        Terms { rules: self.plan.rule_names().collect(), permit: self.permit }
    }
}

/// What a snapshot says of each build.
async fn look(lookup: &Lookup<'_>, thorough: bool, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
    let urls: Vec<&BuildUrl> = chosen.iter().filter_map(|chosen| chosen.url.as_ref()).collect();
    let as_written = chosen.iter().map(|chosen| chosen.url_text.clone());
    let spelled: Vec<String> = urls.iter().flat_map(|url| url.spellings()).chain(as_written).collect();
    // The server finds a build by its project and number: another one of that name must not stand in for it.
    let projects = urls.iter().map(|url| url.project().to_lowercase()).collect();
    let mut found = Found::default();
    found.add(lookup.by_name(spelled.clone(), numbers(&urls), projects).await?, false);
    if thorough {
        // Not only what is missing: a build with another number may have the address of one that was found.
        found.add(lookup.by_url_alone(spelled).await?, true);
    }
    Ok(chosen.iter().map(|chosen| found.reading(chosen)).collect())
}

/// What was found for some chosen builds, each with its address.
#[derive(Default)]
struct Found {
    builds: Vec<(Finding, Option<BuildUrl>)>,
    fingerprints: HashSet<String>,
    /// The places of the builds that have a number, or one in their address.
    by_number: HashMap<u64, Vec<usize>>,
}

impl Found {
    /// Takes in what one reading gave. Two rows of it are two builds, however alike: of builds that share a key nobody can tell which
    /// is which. What `may_be_known` may have been found by another reading as well, which its fingerprint tells.
    fn add(&mut self, builds: Vec<Finding>, may_be_known: bool) {
        for build in builds {
            let is_new = self.fingerprints.insert(build.fingerprint.clone());
            if may_be_known && !is_new {
                continue;
            }
            let url = address(&build);
            let own = build.build_num.and_then(|number| u64::try_from(number).ok());
            let numbers: HashSet<u64> = own.into_iter().chain(url.as_ref().map(BuildUrl::number)).collect();
            for one in numbers {
                self.by_number.entry(one).or_default().push(self.builds.len());
            }
            self.builds.push((build, url));
        }
    }

    fn reading(&self, chosen: &Chosen) -> Reading {
        let Some(url) = &chosen.url else { return Reading::Gone };
        let candidates = self.by_number.get(&url.number()).into_iter().flatten().map(|place| &self.builds[*place]);
        let found: Vec<_> = candidates.filter(|(build, own)| may_be(build, own.as_ref(), url)).collect();
        match found.as_slice() {
            [] => Reading::Gone,
            [(only, own)] if own.as_ref() == Some(url) && only.is_at(url) => Reading::There(Box::new(only.clone())),
            [(only, _)] => Reading::Elsewhere(described(only)),
            several => Reading::Several(several.len()),
        }
    }
}

/// Whether a build is, or may be taken for, the one with this address: by its own address, or by project and number.
fn may_be(build: &Finding, own: Option<&BuildUrl>, url: &BuildUrl) -> bool {
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
