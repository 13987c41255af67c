//! A connection to the build database, and the read-only snapshots taken through it.
//!
//! Nothing is left to the session: each transaction is settled anew, since a pooler may give the next one to another session of the
//! server. See sql/engine/session.sql.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use tokio_postgres::{CancelToken, Client, IsolationLevel, Transaction};

use crate::libpq::{self, Connected, ReachedServer, Settings};
use crate::sql;

use super::blocking_sessions::BlockingSessions;
use super::error::DatabaseError;
use super::identity::{self, DatabaseIdentity, Position};
use super::lock::{self, DeletionLock, LockAttempt, LockHolder};
use super::row::Field;
use super::snapshot::{SETTING_UP, Snapshot, check_settings, query_error};
use super::time_limit::within_limit;

/// Settles what a transaction must not inherit: the search path, the time zone, how long it may idle.
const SESSION: &str = sql::SESSION.part("session");
/// Goes back to the role's own search path.
const PATH_OF_ROLE: &str = sql::SESSION.part("path_of_role");
/// Says which schemas are on it.
const SCHEMAS: &str = sql::SESSION.part("schemas");
/// Says of what kind the server is.
const SERVER_KIND: &str = sql::SERVER.part("kind");
/// Says whether it is a standby.
const STANDBY: &str = sql::SERVER.part("standby");
/// Says how long a statement may run.
const STATEMENT_TIMEOUT: &str = sql::SESSION.part("statement_timeout");

/// How long the server may take to begin a transaction, or to say what it knows without looking at a table.
const FIRST_ANSWER: Duration = Duration::from_secs(30);
/// What is added to the time for a statement for the way there and back.
const ON_THE_WAY: Duration = Duration::from_secs(5);

/// An open connection to the build database.
pub struct Database {
    client: Client,
    settings: Arc<Settings>,
    server: ReachedServer,
    /// The server's process of the transaction that was begun last.
    pid: Arc<AtomicI64>,
    canceller: Canceller,
    /// How long a statement may run, where that is limited.
    longest: Option<Duration>,
    /// How long the server may say nothing, where that is limited.
    silence: Option<Duration>,
    /// Asked for once.
    identity: Option<DatabaseIdentity>,
    /// The schemas on the role's own search path; asked for once.
    schemas: Option<Vec<String>>,
    /// The lock of a deletion, where this connection is for one and holds it.
    lock: Option<DeletionLock>,
    /// Whether this connection is for a deletion, and of no use without the lock.
    needs_lock: bool,
}

/// Stops what the server is doing for a [`Database`], from elsewhere.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    server: ReachedServer,
}

impl Database {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached or lets nobody in.
    pub async fn connect(settings: Settings) -> Result<Self, DatabaseError> {
        Self::connect_with(Arc::new(settings)).await
    }

    /// Connects again, with the same settings and limits.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_again(&self) -> Result<Self, DatabaseError> {
        let connected = Self::connect_with(Arc::clone(&self.settings)).await?;
        Ok(Self { longest: self.longest, silence: self.silence, ..connected })
    }

    async fn connect_with(settings: Arc<Settings>) -> Result<Self, DatabaseError> {
        let Connected { client, server } = libpq::connect(&settings, SERVER_KIND).await?;
        let canceller = Canceller { token: client.cancel_token(), server: server.clone() };
        Ok(Self {
            client,
            settings,
            server,
            pid: Arc::default(),
            canceller,
            longest: None,
            silence: None,
            identity: None,
            schemas: None,
            lock: None,
            needs_lock: false,
        })
    }

    /// Has the server give up a statement that runs longer.
    pub fn set_statement_timeout(&mut self, longest: Duration) {
        self.longest = Some(longest);
        self.silence = Some(longest + ON_THE_WAY);
    }

    /// Gives the server up where it says nothing for so long, whatever it is busy with.
    pub fn set_answer_limit(&mut self, silence: Duration) {
        self.silence = Some(silence);
    }

    /// How long it may take to say what it knows without looking at a table.
    fn first_answer(&self) -> Option<Duration> {
        Some(self.silence.map_or(FIRST_ANSWER, |silence| silence.min(FIRST_ANSWER)))
    }

    /// Which database this is.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn identity(&mut self) -> Result<DatabaseIdentity, DatabaseError> {
        let identity = match self.identity.take() {
            Some(known) => known,
            None => {
                let limit = self.first_answer();
                let ask = async {
                    let named = identity::name(&self.begin().await?.transaction).await?;
                    // In a transaction of its own, which a refusal may spoil.
                    named.complete(&self.begin().await?.transaction).await
                };
                within_limit("asking which database this is", limit, ask).await?
            }
        };
        Ok(self.identity.insert(identity).clone())
    }

    /// Whether it is a standby.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn is_standby(&mut self) -> Result<bool, DatabaseError> {
        let what = "asking whether the server is a standby";
        let limit = self.first_answer();
        let ask = async {
            let begun = self.begin().await?;
            let row = begun.transaction.query_typed_one(STANDBY, &[]).await;
            row.map_err(|source| query_error(what, source))?.field(what, 0)
        };
        within_limit(what, limit, ask).await
    }

    /// Where the server is in its history; `None` where it does not tell.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn position(&mut self) -> Result<Option<Position>, DatabaseError> {
        let limit = self.first_answer();
        let ask = async { identity::position(&self.begin().await?.transaction).await };
        within_limit("asking how far the server's log has come", limit, ask).await
    }

    /// The schemas in which a session of this role looks for tables, in their order.
    async fn schemas(&mut self) -> Result<Vec<String>, DatabaseError> {
        let what = "asking where tables are looked for";
        let schemas = match self.schemas.take() {
            Some(known) => known,
            None => {
                let limit = self.first_answer();
                let ask = async {
                    let begun = self.begin().await?;
                    let failed = |source| query_error(what, source);
                    begun.transaction.batch_execute(PATH_OF_ROLE).await.map_err(failed)?;
                    begun.transaction.query_typed_one(SCHEMAS, &[]).await.map_err(failed)?.field(what, 0)
                };
                within_limit(what, limit, ask).await?
            }
        };
        Ok(self.schemas.insert(schemas).clone())
    }

    /// Tries to become the only deletion on this database, for as long as this connection lives. From then on every snapshot makes
    /// sure that it still is. `holder` says who that is to be, in one word.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock(&mut self, holder: &str) -> Result<LockAttempt, DatabaseError> {
        // The connection has to be the lock's own: foreign SQL runs on this one, and its transactions end.
        let Connected { client, .. } = libpq::reconnect(&self.settings, &self.server).await?;
        let (lock, taken) =
            within_limit("taking the lock of a deletion", self.first_answer(), lock::take(client, holder)).await?;
        self.needs_lock = taken.is_some();
        self.lock = taken;
        Ok(match lock {
            // A lock that cannot be seen by those who read is none: the two connections may lead to two servers.
            LockAttempt::Taken if self.snapshot(&[]).await.is_err_and(|error| error.is_a_lost_lock()) => {
                self.lock = None;
                // It stays of no use: nothing is to be read through it as if no lock were needed.
                return Err(DatabaseError::LockLost);
            }
            other => other,
        })
    }

    /// Takes over the lock from a connection that is given up, if it is held still. It is gone from there in any case, and nothing can be
    /// read through that one any more.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn take_over_lock(&mut self, from: &mut Self) -> Result<bool, DatabaseError> {
        let same = self.server.is_at_the_address_of(&from.server);
        self.lock = from.lock.take().filter(|lock| same && !lock.is_closed());
        if self.lock.is_none() {
            return Ok(false);
        }
        self.needs_lock = true;
        match self.snapshot(&[]).await.map(drop) {
            Err(error) if error.is_a_lost_lock() => {
                (self.lock, self.needs_lock) = (None, false);
                Ok(false)
            }
            held => held.map(|()| true),
        }
    }

    /// Tells at any moment, without asking the server, whether the lock may still be held; always so where none is needed.
    pub fn lock_watch(&self) -> Box<dyn Fn() -> bool> {
        match &self.lock {
            Some(lock) => lock.watch(),
            None if self.needs_lock => Box::new(|| false),
            None => Box::new(|| true),
        }
    }

    /// The other sessions that hold the lock of [`Database::lock`], as far as this role may see them.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock_holders(&mut self) -> Result<Vec<LockHolder>, DatabaseError> {
        let own = self.lock.as_ref().map(DeletionLock::pid);
        let limit = self.first_answer();
        let ask = async { lock::holders(&self.begin().await?.transaction).await };
        let mut holders = within_limit("asking who holds the lock of a deletion", limit, ask).await?;
        holders.retain(|holder| Some(holder.pid) != own);
        Ok(holders)
    }

    /// Something that sees what the snapshot waits for, while it is busy.
    pub fn blocking_sessions(&self) -> BlockingSessions {
        BlockingSessions {
            settings: Arc::clone(&self.settings),
            server: self.server.clone(),
            pid: Arc::clone(&self.pid),
        }
    }

    /// Something that can stop a running statement while the snapshot is busy with it.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Begins a read-only transaction in which everything is seen as of one moment.
    ///
    /// `settings` become `halfbuilt.<name>` for the SQL in it; an absent one is set to the empty text.
    ///
    /// # Errors
    /// The connection is lost; something between here and the server does not keep the transaction together; the lock of the
    /// deletion that this is for is held no more.
    pub async fn snapshot(&mut self, settings: &[(&str, String)]) -> Result<Snapshot<'_>, DatabaseError> {
        let identity = self.identity().await?;
        let schemas = self.schemas().await?;
        let (limit, silence) = (self.first_answer(), self.silence);
        let Begun { transaction, pid, lock } = within_limit("beginning a snapshot", limit, self.begin()).await?;
        let snapshot = Snapshot { transaction, identity, schemas, pid, lock, silence };
        snapshot.set(settings).await?;
        Ok(snapshot)
    }

    /// Begins a transaction, and settles it before anything else is asked.
    async fn begin(&mut self) -> Result<Begun<'_>, DatabaseError> {
        if self.needs_lock && self.lock.is_none() {
            return Err(DatabaseError::LockLost);
        }
        let failed = |source| query_error(SETTING_UP, source);
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = begin.start().await.map_err(failed)?;
        transaction.batch_execute(SESSION).await.map_err(failed)?;
        if let Some(longest) = self.longest {
            // Zero would mean no limit at all.
            let milliseconds = longest.as_millis().max(1).to_string();
            let limited = sql::filled(STATEMENT_TIMEOUT, &[("milliseconds", &milliseconds)]);
            transaction.batch_execute(&limited).await.map_err(failed)?;
        }
        let lock = self.lock.as_ref().map(DeletionLock::pid);
        let pid = check_settings(&transaction, lock, None).await?;
        self.pid.store(pid, Ordering::Relaxed);
        Ok(Begun { transaction, pid, lock })
    }
}

/// A transaction that has been settled.
struct Begun<'a> {
    transaction: Transaction<'a>,
    /// The server's process in which it runs.
    pid: i64,
    /// The one that has to hold the lock of a deletion, where this is for one.
    lock: Option<i64>,
}

impl Canceller {
    /// Asks the server to stop the running statement. A server that does not answer is left alone.
    pub async fn cancel(&self) {
        libpq::cancel(&self.token, &self.server).await;
    }
}
