//! Which build database a command reads: the one that `--database-url` or the environment names, or the private one.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::database::{Database, DatabaseError, Settings};
use crate::output::Printer;
use crate::scan::DEFAULT_PROFILE;
use crate::sources::private::{PRIVATE, PrivateCluster, PrivateError, heeds};

use super::Error;
use super::command_line::DATABASE_VARIABLE;
use super::server_warnings::ServerWarnings;
use super::shown_address::shown_address;
use super::waiting::announce_wait;

/// The variables that name a database, besides the one that stands for the flag.
const NAMING: [&str; 4] = ["PGHOST", "PGHOSTADDR", "PGSERVICE", "PGDATABASE"];

/// The profile of what is collected into the private database.
const PROFILE_OF_PRIVATE: &str = "circleci-api";

/// The address of a build database.
#[derive(Clone, Debug)]
pub(super) struct DatabaseAddress {
    url: Option<String>,
    /// The command that reads it, such as `scan`.
    command: &'static str,
    /// The private database, from the first connection on. It ends with the last clone of this.
    private: Arc<OnceCell<PrivateCluster>>,
}

impl DatabaseAddress {
    /// `url` is what `--database-url` or its variable says, for this command.
    pub(super) fn new(url: Option<String>, command: &'static str) -> Self {
        Self { url, command, private: Arc::default() }
    }

    /// The profile that is used where none is named.
    pub(super) fn default_profile(&self) -> &'static str {
        if self.is_private() { PROFILE_OF_PRIVATE } else { DEFAULT_PROFILE }
    }

    /// The value of `--database-url` in a command for a person to run next, without a secret; `None` where it needs no flag.
    pub(super) fn flag(&self) -> Option<&str> {
        let url = self.url.as_deref()?;
        // A variable that holds a password is set where the next command is typed, most likely.
        let is_set = !self.is_private() && std::env::var(DATABASE_VARIABLE).is_ok_and(|set| set == url);
        (!is_set).then(|| shown_address(url))
    }

    /// Connects; the private database is started first.
    ///
    /// # Errors
    /// The address cannot be read, the server cannot be reached; the private database cannot be started, or there is none.
    pub(super) async fn connect(&self, warnings: &ServerWarnings, printer: Printer) -> Result<Database, Error> {
        if self.is_private() {
            self.start_private(PrivateCluster::open(self.command), printer).await?;
        }
        let settings = self.settings(warnings)?;
        for warning in settings.warnings() {
            printer.warn(warning);
        }
        if settings.password_was_in_the_string() && self.url != std::env::var(DATABASE_VARIABLE).ok() {
            printer.warn("a password in --database-url can be seen by every user of this machine: use PGPASSWORD");
        }
        let what = format!("still connecting to {}", settings.description());
        let connected_to = format!("connected to {}", settings.description());
        let database = announce_wait(&what, printer, Database::connect(settings)).await?;
        printer.detail(&connected_to);
        Ok(database)
    }

    /// Starts the private database if that is the one, and makes it where there is none: for documents to come.
    ///
    /// # Errors
    /// It cannot be made or started.
    pub(super) async fn make(&self, printer: Printer) -> Result<(), Error> {
        if !self.is_private() {
            return Ok(());
        }
        self.start_private(PrivateCluster::start(self.command), printer).await
    }

    /// How to connect, by the flag, the environment and the files as they are now. The private database has to have been started.
    ///
    /// # Errors
    /// The address cannot be read.
    pub(super) fn settings(&self, warnings: &ServerWarnings) -> Result<Settings, DatabaseError> {
        self.settings_of(PrivateCluster::reading_settings, warnings)
    }

    /// The same for what writes documents: the private database has another role for it.
    ///
    /// # Errors
    /// As of [`Self::settings`].
    pub(super) fn writing_settings(&self, warnings: &ServerWarnings) -> Result<Settings, DatabaseError> {
        self.settings_of(PrivateCluster::settings, warnings)
    }

    fn settings_of(
        &self,
        of_private: fn(&PrivateCluster) -> String,
        warnings: &ServerWarnings,
    ) -> Result<Settings, DatabaseError> {
        let variable = |name: &str| std::env::var_os(name);
        let mut settings = match self.private.get() {
            Some(cluster) => Settings::resolve(Some(&of_private(cluster)), "halfbuilt", |name| {
                variable(name).filter(|_| heeds(name))
            }),
            None => Settings::resolve(self.url.as_deref(), "halfbuilt", variable),
        }?;
        settings.set_listener(warnings.listener());
        Ok(settings)
    }

    async fn start_private(
        &self,
        starting: impl Future<Output = Result<PrivateCluster, PrivateError>>,
        printer: Printer,
    ) -> Result<(), Error> {
        let start = self.private.get_or_try_init(|| async {
            let cluster = starting.await?;
            printer.say(&format!("private database: {}", cluster.describe()));
            Ok::<_, Error>(cluster)
        });
        announce_wait("still starting the private database", printer, start).await.map(drop)
    }

    /// Whether the flag or a variable names it. PGUSER and the like only say how to reach one.
    pub(super) fn is_named(&self) -> bool {
        self.url.is_some()
            || NAMING.into_iter().any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
    }

    /// Whether it is the private database.
    pub(super) fn is_private(&self) -> bool {
        self.url.as_deref() == Some(PRIVATE)
    }
}
