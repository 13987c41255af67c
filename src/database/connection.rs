//! A connection to the build database. It takes read-only snapshots and the deletion lock.
//!
//! Nothing is left to the session: each transaction makes its own settings, because a pooler may give the next one to another session
//! of the server. See sql/engine/session.sql.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use tokio_postgres::{CancelToken, Client, IsolationLevel, Transaction};

use crate::libpq::{self, Connected, ReachedServer, Settings};
use crate::sql;

use super::blocking_sessions::BlockingSessions;
use super::encoding::Encoding;
use super::error::DatabaseError;
use super::identity::{self, DatabaseIdentity, Position};
use super::lock::{self, DeletionLock, LockAttempt, LockHolder};
use super::row::Field;
use super::snapshot::{BYTES, SETTING_UP, Snapshot, WITHOUT_INDEXES, check_settings, query_error};
use super::time_limit::{statement_timeout, within_limit};

/// Sets what a transaction must not inherit: the search path, the time zone, how long it may idle.
const SESSION: &str = sql::SESSION.part("session");
/// Goes back to the role's own search path.
const PATH_OF_ROLE: &str = sql::SESSION.part("path_of_role");
/// Lists the schemas on it.
const SCHEMAS: &str = sql::SESSION.part("schemas");
/// Asks for the kind of the server.
pub(super) const SERVER_KIND: &str = sql::SERVER.part("kind");
/// Asks whether it is a standby.
const STANDBY: &str = sql::SERVER.part("standby");

/// How long the server may take to begin a transaction, or to answer without reading a table.
const FIRST_ANSWER_LIMIT: Duration = Duration::from_secs(30);
/// The time that a question and its answer may spend in the network.
const NETWORK_TIME: Duration = Duration::from_secs(5);

/// An open connection to the build database.
pub struct Database {
    client: Client,
    settings: Arc<Settings>,
    server: ReachedServer,
    /// The server's process of the latest transaction.
    pid: Arc<AtomicI64>,
    canceller: Canceller,
    /// How long a statement may run.
    statement_timeout: Option<Duration>,
    /// How long each answer of the server may take.
    answer_limit: Option<Duration>,
    /// Whether tables are read without their indexes.
    without_indexes: bool,
    /// Whether text is read as the bytes that are stored.
    reads_bytes: bool,
    encoding: Encoding,
    /// Read once.
    identity: Option<DatabaseIdentity>,
    /// The schemas on the role's own search path; read once.
    schemas: Option<Vec<String>>,
    /// The deletion lock, while this connection holds it.
    lock: Option<DeletionLock>,
    /// Whether this connection is for a deletion, and useless without the lock.
    needs_lock: bool,
}

/// Stops the running statement of a [`Database`] from outside.
#[derive(Clone)]
pub struct Canceller {
    token: CancelToken,
    server: ReachedServer,
}

impl Database {
    /// Connects.
    ///
    /// # Errors
    /// The server cannot be reached, or does not let the client in.
    pub async fn connect(settings: Settings) -> Result<Self, DatabaseError> {
        let settings = Arc::new(settings);
        let Connected { client, server, server_encoding } = libpq::connect(&settings, SERVER_KIND).await?;
        let canceller = Canceller { token: client.cancel_token(), server: server.clone() };
        let encoding = Encoding::of(server_encoding.as_deref());
        Ok(Self {
            client,
            settings,
            server,
            pid: Arc::default(),
            canceller,
            statement_timeout: None,
            answer_limit: None,
            without_indexes: false,
            reads_bytes: encoding == Encoding::Absent,
            encoding,
            identity: None,
            schemas: None,
            lock: None,
            needs_lock: false,
        })
    }

    /// Connects again, with the same limits. The settings may have changed, such as a password.
    ///
    /// # Errors
    /// As [`Self::connect`].
    pub async fn connect_again(&self, settings: Settings) -> Result<Self, DatabaseError> {
        let connected = Self::connect(settings).await?;
        let Self { statement_timeout, answer_limit, without_indexes, reads_bytes, .. } = *self;
        Ok(Self { statement_timeout, answer_limit, without_indexes, reads_bytes, ..connected })
    }

    /// Limits how long a statement may run. The server stops one that runs longer.
    pub fn set_statement_timeout(&mut self, limit: Duration) {
        self.statement_timeout = Some(limit);
        self.answer_limit = Some(limit + NETWORK_TIME);
    }

    /// Limits how long each answer of the server may take, whatever the server is busy with.
    pub fn set_answer_limit(&mut self, limit: Duration) {
        self.answer_limit = Some(limit);
    }

    /// From now on every snapshot reads tables without their indexes, or with them.
    pub fn set_without_indexes(&mut self, without_indexes: bool) {
        self.without_indexes = without_indexes;
    }

    /// From now on every snapshot reads text as the bytes that are stored, or, if the database has an encoding, as UTF-8.
    pub fn set_reads_bytes(&mut self, reads_bytes: bool) {
        self.reads_bytes = reads_bytes || self.encoding == Encoding::Absent;
    }

    /// How long an answer may take that needs no table.
    fn first_answer_limit(&self) -> Option<Duration> {
        Some(self.answer_limit.map_or(FIRST_ANSWER_LIMIT, |limit| limit.min(FIRST_ANSWER_LIMIT)))
    }

    /// Which database this is.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn identity(&mut self) -> Result<DatabaseIdentity, DatabaseError> {
        let identity = match self.identity.take() {
            Some(known) => known,
            None => {
                let limit = self.first_answer_limit();
                let ask = async {
                    let named = identity::name(&self.begin().await?.transaction).await?;
                    // In a transaction of its own: a refusal aborts it.
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
        let limit = self.first_answer_limit();
        let ask = async {
            let begun = self.begin().await?;
            let row = begun.transaction.query_typed_one(STANDBY, &[]).await;
            row.map_err(|source| query_error(what, source))?.field(what, 0)
        };
        within_limit(what, limit, ask).await
    }

    /// The server's position in its history; `None` on a standby, and on a server that refuses the question.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn position(&mut self) -> Result<Option<Position>, DatabaseError> {
        let limit = self.first_answer_limit();
        let ask = async { identity::position(&self.begin().await?.transaction).await };
        within_limit("asking how far the server's log has come", limit, ask).await
    }

    /// The schemas on this role's search path, in order.
    async fn schemas(&mut self) -> Result<Vec<String>, DatabaseError> {
        let what = "asking for the search path";
        let schemas = match self.schemas.take() {
            Some(known) => known,
            None => {
                let limit = self.first_answer_limit();
                let ask = async {
                    let begun = self.begin().await?;
                    let failed = |source| query_error(what, source);
                    begun.transaction.batch_execute(PATH_OF_ROLE).await.map_err(failed)?;
                    begun.transaction.query_typed_one(SCHEMAS, &[]).await.map_err(failed)?.texts(what, 0)
                };
                within_limit(what, limit, ask).await?
            }
        };
        Ok(self.schemas.insert(schemas).clone())
    }

    /// Tries to take the deletion lock for as long as this connection lives. From then on every snapshot checks that it is still held.
    /// `holder` says who runs the deletion, in one word.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock(&mut self, holder: &str) -> Result<LockAttempt, DatabaseError> {
        // The lock needs its own connection: other people's SQL runs on this one, and its transactions end.
        let Connected { client, .. } = libpq::reconnect(&self.settings, &self.server).await?;
        let (lock, taken) =
            within_limit("taking the deletion lock", self.first_answer_limit(), lock::take(client, holder)).await?;
        self.needs_lock = taken.is_some();
        self.lock = taken;
        Ok(match lock {
            // A lock that the reading connection cannot see is useless: the two connections may lead to two servers.
            LockAttempt::Taken if self.snapshot(&[]).await.is_err_and(|error| error.is_a_lost_lock()) => {
                self.lock = None;
                // `needs_lock` stays: this connection must not read as if it needed no lock.
                return Err(DatabaseError::LockLost);
            }
            other => other,
        })
    }

    /// Takes the lock over from a connection that is no longer used, if it is still held. The other connection loses it in any case, and
    /// can read no more.
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

    /// Returns a function that says at any moment, without asking the server, whether the lock may still be held. It says yes if no lock
    /// is needed.
    pub fn lock_watch(&self) -> Box<dyn Fn() -> bool> {
        match &self.lock {
            Some(lock) => lock.watch(),
            None if self.needs_lock => Box::new(|| false),
            None => Box::new(|| true),
        }
    }

    /// The other sessions that hold the deletion lock, as far as this role may see them.
    ///
    /// # Errors
    /// The connection is lost.
    pub async fn lock_holders(&mut self) -> Result<Vec<LockHolder>, DatabaseError> {
        let own = self.lock.as_ref().map(DeletionLock::pid);
        let limit = self.first_answer_limit();
        let ask = async { lock::holders(&self.begin().await?.transaction).await };
        let mut holders = within_limit("asking who holds the deletion lock", limit, ask).await?;
        holders.retain(|holder| Some(holder.pid) != own);
        Ok(holders)
    }

    /// Finds the sessions that a snapshot waits for, while it is busy.
    pub fn blocking_sessions(&self) -> BlockingSessions {
        BlockingSessions {
            settings: Arc::clone(&self.settings),
            server: self.server.clone(),
            pid: Arc::clone(&self.pid),
        }
    }

    /// Stops a running statement while the snapshot is busy with it.
    pub fn canceller(&self) -> Canceller {
        self.canceller.clone()
    }

    /// Begins a read-only transaction that sees everything as of one moment.
    ///
    /// `settings` become `halfbuilt.<name>` for the SQL in it; an absent one is set to the empty text.
    ///
    /// # Errors
    /// The connection is lost; a pooler does not keep the transaction in one session; the deletion lock is no longer held.
    pub async fn snapshot(&mut self, settings: &[(&str, String)]) -> Result<Snapshot<'_>, DatabaseError> {
        let identity = self.identity().await?;
        let schemas = self.schemas().await?;
        let (limit, answer_limit) = (self.first_answer_limit(), self.answer_limit);
        let (encoding, distrusts_indexes) = (self.encoding, AtomicBool::new(self.without_indexes));
        let Begun { transaction, pid, lock } = within_limit("beginning a snapshot", limit, self.begin()).await?;
        let snapshot =
            Snapshot { transaction, identity, schemas, pid, lock, answer_limit, encoding, distrusts_indexes };
        snapshot.set(settings).await?;
        Ok(snapshot)
    }

    /// Begins a transaction, and makes its settings before anything else.
    async fn begin(&mut self) -> Result<Begun<'_>, DatabaseError> {
        if self.needs_lock && self.lock.is_none() {
            return Err(DatabaseError::LockLost);
        }
        let failed = |source| query_error(SETTING_UP, source);
        let begin = self.client.build_transaction().isolation_level(IsolationLevel::RepeatableRead).read_only(true);
        let transaction = begin.start().await.map_err(failed)?;
        transaction.batch_execute(SESSION).await.map_err(failed)?;
        if let Some(limit) = self.statement_timeout {
            transaction.batch_execute(&statement_timeout(limit)).await.map_err(failed)?;
        }
        if self.reads_bytes {
            transaction.batch_execute(BYTES).await.map_err(failed)?;
        }
        if self.without_indexes {
            transaction.batch_execute(WITHOUT_INDEXES).await.map_err(failed)?;
        }
        let lock = self.lock.as_ref().map(DeletionLock::pid);
        let pid = check_settings(&transaction, lock, None).await?;
        self.pid.store(pid, Ordering::Relaxed);
        Ok(Begun { transaction, pid, lock })
    }
}

/// A transaction with its settings made.
struct Begun<'a> {
    transaction: Transaction<'a>,
    /// The server's process in which it runs.
    pid: i64,
    /// The process that has to hold the deletion lock, if this is for a deletion.
    lock: Option<i64>,
}

impl Canceller {
    /// Asks the server to stop the running statement. Whether it does so is not known.
    pub async fn cancel(&self) {
        libpq::cancel(&self.token, &self.server).await;
    }
}
