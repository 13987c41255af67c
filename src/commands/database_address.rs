//! Which build database a command reads: the one that `--database-url` or the environment names, or the private one.

use std::sync::Arc;

use tokio::sync::OnceCell;

use crate::database::{Database, DatabaseError, Settings};
use crate::output::Printer;
use crate::scan::DEFAULT_PROFILE;
use crate::sources::private::{PRIVATE, PrivateCluster, heeds};

use super::Error;
use super::command_line::DATABASE_VARIABLE;
use super::server_warnings::ServerWarnings;
use super::waiting::announce_wait;

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
    pub(super) fn flag(&self) -> Option<&'static str> {
        match &self.url {
            Some(_) if self.is_private() => Some(PRIVATE),
            // It may hold a password.
            Some(url) => (std::env::var(DATABASE_VARIABLE).ok().as_ref() != Some(url)).then_some("..."),
            None => None,
        }
    }

    /// Connects; the private database is started first.
    ///
    /// # Errors
    /// The address cannot be read, the server cannot be reached; the private database cannot be started, or there is none.
    pub(super) async fn connect(&self, warnings: &ServerWarnings, printer: Printer) -> Result<Database, Error> {
        if self.is_private() {
            self.start_private(printer).await?;
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

    /// How to connect, by the flag, the environment and the files as they are now. The private database has to have been started.
    ///
    /// # Errors
    /// The address cannot be read.
    pub(super) fn settings(&self, warnings: &ServerWarnings) -> Result<Settings, DatabaseError> {
        let variable = |name: &str| std::env::var_os(name);
        let mut settings = match self.private.get() {
            Some(cluster) => Settings::resolve(Some(&cluster.reading_settings()), "halfbuilt", |name| {
                variable(name).filter(|_| heeds(name))
            }),
            None => Settings::resolve(self.url.as_deref(), "halfbuilt", variable),
        }?;
        settings.set_listener(warnings.listener());
        Ok(settings)
    }

    async fn start_private(&self, printer: Printer) -> Result<(), Error> {
        let start = self.private.get_or_try_init(|| async {
            let cluster = PrivateCluster::open(self.command).await?;
            printer.say(&format!("private database: {}", cluster.describe()));
            Ok::<_, Error>(cluster)
        });
        announce_wait("still starting the private database", printer, start).await.map(drop)
    }

    /// The error of a private database that has none of the tables of its own profile.
    pub(super) fn nothing_collected(&self, profile: &str) -> Option<Error> {
        let cluster = self.private.get().filter(|_| profile == PROFILE_OF_PRIVATE)?;
        Some(cluster.nothing_collected().into())
    }

    fn is_private(&self) -> bool {
        self.url.as_deref() == Some(PRIVATE)
    }
}
