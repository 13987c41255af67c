//! Reads the builds of a deletion again, each time in a new snapshot of the database.

mod archiving;
mod as_written;
mod copies;
mod count;
mod elsewhere;
mod event;
mod matching;
mod reconnect;
mod run_again;
mod search;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::time::Duration;

use tokio::time::timeout;

use crate::build_url::AddressForm;
use crate::collation::Collations;
use crate::collection::Collection;
use crate::database::{Canceller, Database, DatabaseError, DatabaseIdentity, Position, Settings};
use crate::premise::Premise;
use crate::report::Chosen;
use crate::scan::{Fit, Lookup, Role, ScanError, ScanPlan, count_listed};
use crate::table::Table;

use super::archive::{Archiver, WriteError};
use super::collateral::Count;
use super::journal::{DatabaseName, Past};
use super::plan::{Permit, Reading, Terms};
use super::roles::{ArchiveFailure, BuildReader};
use copies::{as_far_as_fresh, spellings};
use matching::read_builds;
use search::{Reach, Search};

pub use copies::{CopyState, Freshened, Freshener};
pub use event::ReaderEvent;

/// The pauses, in milliseconds, before each attempt to reach a database that has gone away: a restart, or the move to another
/// server, takes seconds to a minute.
const RECONNECT_AFTER_MS: [u64; 8] = [200, 500, 1000, 2000, 4000, 8000, 15000, 30000];

/// How long a database may stay silent where `--statement-timeout` sets no limit: the server, or the network before it, may be gone
/// without a word.
const SILENCE: Duration = Duration::from_secs(60);
/// The same for the first reading, which may look at every build.
pub const FIRST_SILENCE: Duration = Duration::from_secs(600);
/// What is added to the limit of a reading for the way there and back.
const ROUND_TRIP: Duration = Duration::from_secs(5);
/// How many statements one reading sends at most.
const STATEMENTS_PER_READING: u32 = 4;
/// How many times longer than a reading it may take to archive some builds: their output may be large.
const ARCHIVING_FACTOR: u32 = 6;

/// What a deletion wants of the database, besides the builds.
#[derive(Clone, Copy)]
pub struct ReaderOptions<'a> {
    /// How the database is read.
    pub plan: &'a ScanPlan,
    /// What may be deleted.
    pub permit: &'a Permit,
    /// Whether builds will be deleted. Then only a primary is read, and only while this run holds the deletion lock.
    pub execute: bool,
    /// Whether each build has to be archived before it is deleted.
    pub archive: bool,
    /// How long the server may be busy with one statement.
    pub statement_timeout: Option<Duration>,
    /// Resolves the settings for each attempt to reconnect: in a long run a password file may change.
    pub settings: &'a dyn Fn() -> Result<Settings, DatabaseError>,
    pub on_event: &'a dyn Fn(&ReaderEvent<'_>),
    /// Fetches builds again where the database holds copies of them; `None` where it holds the builds themselves, or nothing is sent.
    pub freshener: Option<&'a dyn Freshener>,
}

/// The builds as they are in the database now. Reconnects where the connection is lost, to the same database alone.
pub struct LiveBuilds<'a> {
    database: Database,
    options: ReaderOptions<'a>,
    fit: Fit,
    /// T and R, and what all builds say to them: established once, at the start.
    premise: Premise,
    /// The database that answers: no other is read.
    server: DatabaseIdentity,
    /// The schemas on the role's search path.
    schemas: Vec<String>,
    /// The tables that are read: no others are.
    tables: Vec<Table>,
    /// How long one reading may take.
    limit: Duration,
    /// Whether the database was silent for too long. Nothing more is asked on this connection.
    is_silent: bool,
    /// Where the database was in its own history when that was last asked.
    position: Option<Position>,
    /// Whether the connection was lost since [`BuildReader::has_been_away`] was last called.
    been_away: bool,
    /// `None` where nothing is archived, and while a batch is being archived.
    archiver: Option<Archiver>,
    /// How chosen builds are searched for.
    search: Search,
}

impl<'a> LiveBuilds<'a> {
    /// Has the server check the profile and the rules, and establishes T and R.
    ///
    /// # Errors
    /// The database cannot be read as the plan asks for.
    pub async fn open(mut database: Database, options: ReaderOptions<'a>) -> Result<Self, ScanError> {
        let plan = options.plan;
        let server = database.identity().await?;
        let position = position(plan, &mut database).await?;
        let (fit, premise, schemas) = {
            let snapshot = database.snapshot(&plan.settings()).await?;
            let fit = Fit::check(plan, &snapshot).await?;
            let (fit, premise) = Premise::establish_readable(plan, fit, &snapshot).await?;
            snapshot.check_unbroken().await?;
            let schemas = snapshot.schemas().to_vec();
            (fit, premise, schemas)
        };
        // Else a build that is there would pass for gone.
        database.set_without_indexes(fit.reads_without_indexes());
        database.set_reads_bytes(fit.reads_bytes());
        let limit = options.statement_timeout.map_or(FIRST_SILENCE, |one| one * STATEMENTS_PER_READING + ROUND_TRIP);
        Ok(Self {
            database,
            options,
            premise,
            server,
            schemas,
            tables: fit.tables().to_vec(),
            fit,
            limit,
            is_silent: false,
            position,
            been_away: false,
            archiver: None,
            search: Search::of(plan.address_form()),
        })
    }

    /// From now on the tables themselves are read, whatever indexes say of them; or indexes again. What cannot be read as a whole is read by
    /// indexes all the same.
    pub fn read_by_tables(&mut self, wanted: bool) {
        self.database.set_without_indexes(self.fit.reads_without_indexes() || wanted && self.fit.is_read_whole());
    }

    /// From now on builds are searched for by project and number alone, which is quick.
    pub fn stop_searching_by_url(&mut self) {
        self.set_reach(Reach::Quick);
    }

    fn set_reach(&mut self, reach: Reach) {
        self.search.reach = reach;
        let takes_time = reach != Reach::Quick || self.fit.reads_without_indexes();
        if self.options.statement_timeout.is_none() {
            self.limit = if takes_time { FIRST_SILENCE } else { SILENCE };
        }
    }

    /// Which database it is, as a journal names it.
    ///
    /// A journal without tables is an older program's, which looked for the tables on the whole search path of the role, after
    /// pg_catalog.
    pub fn database_name(&self, past: &Past) -> DatabaseName {
        let plan = self.options.plan;
        let DatabaseIdentity { system_identifier, name, .. } = self.identity().clone();
        let as_before =
            plan.requested_schema().is_none_or(|schema| self.schemas.first().is_some_and(|own| own == schema));
        if let Some(first) = past.sessions.first().filter(|session| as_before && session.start.tables.is_none()) {
            let searched = ["pg_catalog"].into_iter().chain(self.schemas.iter().map(String::as_str));
            let before = plan.reading_digest(&searched.collect::<Vec<_>>().join(", "));
            if before == first.start.database.reads {
                return DatabaseName { system_identifier, name, reads: before };
            }
        }
        DatabaseName {
            system_identifier,
            name,
            reads: plan.reading_digest(self.fit.schema().name().unwrap_or_default()),
        }
    }

    /// Which database it is, or which CI where its builds are copies.
    pub fn identity(&self) -> &DatabaseIdentity {
        self.fit.identity()
    }

    /// Whose documents are read; `None` where the builds are no documents.
    pub fn collection(&self) -> Option<&Collection> {
        self.fit.collection()
    }

    pub fn tables(&self) -> &[Table] {
        &self.tables
    }

    /// The role that reads.
    pub fn role(&self) -> &Role {
        self.fit.role()
    }

    /// Whether text is read as the bytes that are stored, since some of it cannot be written as UTF-8.
    pub fn reads_bytes(&self) -> bool {
        self.fit.reads_bytes()
    }

    /// What the server knows of the order of text.
    pub fn collations(&self) -> &Collations {
        self.fit.collations()
    }

    /// What of the database cannot be read, a sentence each.
    pub fn damage(&self) -> Vec<String> {
        self.fit.damage()
    }

    pub fn premise(&self) -> &Premise {
        &self.premise
    }

    /// Stops what the server is doing for this reader.
    pub fn canceller(&self) -> Canceller {
        self.database.canceller()
    }

    /// The projects of the database, each with the number of its builds.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn projects(&mut self) -> Result<BTreeMap<String, u64>, ScanError> {
        let plan = self.options.plan;
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await?;
        let projects = Lookup::new(plan, &self.fit, &self.premise, &snapshot).projects().await?;
        snapshot.check_unbroken().await?;
        Ok(projects)
    }

    /// For each list of what is alive, how many builds of the database it may name; `None` where they cannot be read as a whole.
    ///
    /// # Errors
    /// The database cannot be read.
    pub async fn count_listed(&mut self) -> Result<Vec<Option<u64>>, ScanError> {
        let plan = self.options.plan;
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await?;
        let listed = count_listed(plan, &self.fit, &snapshot).await?;
        snapshot.check_unbroken().await?;
        Ok(listed)
    }

    /// Opens the archive at `path`, or continues it where the journal does. From now on builds are archived before they are deleted.
    ///
    /// # Errors
    /// See [`super::ArchiverError`].
    pub async fn open_archive(
        &mut self,
        path: &std::path::Path,
        (journal, past): (&super::journal::Journal, &Past),
    ) -> Result<&Archiver, super::ArchiverError> {
        let database = self.database_name(past);
        let plan = self.options.plan;
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await.map_err(ScanError::from)?;
        let archiver = Archiver::open(path, (journal, past), database, (plan, &self.fit, &snapshot)).await?;
        Ok(self.archiver.insert(archiver))
    }

    async fn read_once(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let plan = self.options.plan;
        let snapshot = self.database.snapshot(&plan.settings_by(&self.premise)).await?;
        let lookup = Lookup::new(plan, &self.fit, &self.premise, &snapshot);
        let readings = read_builds(&lookup, &self.search, chosen).await?;
        // Where somebody has replaced a table since, every build may look gone.
        self.fit.reads_the_same(&snapshot).await?;
        snapshot.check_unbroken().await?;
        Ok(readings)
    }

    /// As [`Self::read_once`], unless the database is silent for too long.
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
}

/// Where the server's log is, by which a later one is recognised as older; `None` where builds are copies, of which the log says nothing.
async fn position(plan: &ScanPlan, database: &mut Database) -> Result<Option<Position>, DatabaseError> {
    match plan.presents_copies() {
        true => Ok(None),
        false => database.position().await,
    }
}

impl BuildReader for LiveBuilds<'_> {
    type Error = ScanError;

    /// A reading changes nothing, so it is safe to repeat one that failed: a database that is starting again is waited for.
    async fn read(&mut self, chosen: &[&Chosen]) -> Result<Vec<Reading>, ScanError> {
        let freshened = match self.options.freshener {
            Some(freshener) => Some(freshener.freshen(spellings(chosen)).await),
            None => None,
        };
        let mut waits = RECONNECT_AFTER_MS.into_iter();
        let readings = loop {
            match self.read_in_time(chosen).await {
                Err(error) if error.may_pass() => self.wait_for_the_database(waits.next(), error).await?,
                done => break done?,
            }
        };
        self.search.note(chosen, &readings);
        Ok(match freshened {
            Some(freshened) => as_far_as_fresh(readings, freshened),
            None => readings,
        })
    }

    async fn count(&mut self, projects: &BTreeSet<Option<String>>) -> Result<Count, ScanError> {
        self.count_builds(projects).await
    }

    /// A member of the archive that is not complete does not count, so this too is safe to repeat.
    async fn archive(&mut self, chosen: &[&Chosen]) -> Result<Option<Vec<Option<String>>>, ArchiveFailure<ScanError>> {
        if !self.options.archive {
            return Ok(None);
        }
        // Taken out, so that an archive that fails half-way is never used again.
        let Some(mut archiver) = self.archiver.take() else {
            return Err(ArchiveFailure::Unwritten(io::Error::other(
                "the archive was not opened, or a write to it has failed",
            )));
        };
        let mut waits = RECONNECT_AFTER_MS.into_iter();
        let archived = loop {
            match self.archive_in_time(chosen, &mut archiver).await {
                Err(WriteError::Scan(error)) if error.may_pass() => {
                    if let Err(error) = self.wait_for_the_database(waits.next(), error).await {
                        break Err(ArchiveFailure::Blind(error));
                    }
                }
                Err(WriteError::Scan(error)) => break Err(ArchiveFailure::Blind(error)),
                Err(WriteError::Unwritten(error)) => break Err(ArchiveFailure::Unwritten(error)),
                Err(error @ WriteError::NoRow { .. }) => {
                    break Err(ArchiveFailure::Unwritten(io::Error::other(error.to_string())));
                }
                Ok(archived) => break Ok(archived),
            }
        };
        self.archiver = Some(archiver);
        archived.map(|archived| Some(archived.fingerprints))
    }

    fn search_everywhere(&mut self, wanted: bool) {
        // Names find a build of CircleCI's form whatever its key is.
        if self.search.form == AddressForm::AsWritten {
            self.set_reach(if wanted { Reach::Everywhere } else { Reach::Quick });
        }
    }

    fn lock_watch(&self) -> Box<dyn Fn() -> bool> {
        self.database.lock_watch()
    }

    fn has_been_away(&mut self) -> bool {
        std::mem::take(&mut self.been_away)
    }

    fn terms(&self) -> Terms<'_> {
        // A rule that needs what cannot be read is not run again.
        let rules = self.fit.rules(self.options.plan).map(|rule| rule.name.as_str()).collect();
        Terms { rules, permit: self.options.permit, clock_tolerance: self.premise.times.clock_tolerance }
    }
}
