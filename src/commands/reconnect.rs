//! Waits for a database that was there and is not, and makes sure that what answers again is the same.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::causes::told_apart;
use crate::database::{Database, Lock, Position};
use crate::deletion::journal::Who;
use crate::scan::{Fit, ScanError};
use crate::table::changed;

use super::Error;
use super::guard::Guard;

/// How long it may take to connect once more.
const CONNECTING: Duration = Duration::from_secs(15);

impl Guard<'_> {
    /// Waits so many milliseconds and connects anew; where there is nothing to wait for any more, it stays with the error.
    pub(super) async fn wait_for_the_database(&mut self, wait: Option<u64>, error: ScanError) -> Result<(), ScanError> {
        let Some(wait) = wait.map(Duration::from_millis) else { return Err(error) };
        let causes = [vec![error.to_string()], told_apart(&error)].concat().join(": ");
        self.printer.say(&format!("the database is away, trying again in {wait:?}: {causes}"));
        sleep(wait).await;
        self.reconnect().await
    }

    /// Connects anew. A database that cannot be reached yet is no failure; another one than before is.
    async fn reconnect(&mut self) -> Result<(), ScanError> {
        let Ok(connected) = timeout(CONNECTING, self.connect_anew()).await else { return Ok(()) };
        match connected {
            Ok(Some((database, position))) => {
                self.say_where(self.position, position);
                self.database = database;
                self.is_silent = false;
                self.position = position;
                self.been_away = true;
            }
            Ok(None) => {}
            Err(error) if error.may_pass() => {}
            Err(error) => return Err(error),
        }
        Ok(())
    }

    /// `None` where somebody else is at work: it may be our own session, of which the server does not know yet that it ended.
    async fn connect_anew(&mut self) -> Result<Option<(Database, Option<Position>)>, ScanError> {
        let mut database = match self.request.connect(self.printer).await {
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
        if self.alone && database.is_standby().await? {
            self.printer.say("what answers now is a standby, which may lag behind: waiting for the primary");
            return Ok(None);
        }
        let tables = Fit::check(self.plan, &database.snapshot(&self.plan.settings()).await?).await?.tables().to_vec();
        if tables != self.tables {
            return Err(ScanError::OtherTables { change: changed(&self.tables, &tables) });
        }
        // Where only the other connection was lost, it need not be taken once more.
        let is_alone = !self.alone || database.take_over_lock(&mut self.database).await?;
        if !is_alone && matches!(database.lock(&Who::am_i().holder()).await?, Lock::Held(_)) {
            let ours = "it may be our own, of which the server does not know yet that it is over";
            self.printer.say(&format!("a session still holds the lock of a deletion on this database: {ours}"));
            return Ok(None);
        }
        let position = database.position().await?;
        Ok(Some((database, position)))
    }

    /// Says where the database is in its history, where that is another place than before: what it had may be lost.
    fn say_where(&self, before: Option<Position>, now: Option<Position>) {
        let (Some(before), Some(now)) = (before, now) else { return };
        if now.timeline != before.timeline {
            self.printer.warn(&format!(
                "the database has gone on from another server's copy (timeline {} became {}): what had not reached that one is as it was \
                 before; all that was deleted is read again",
                before.timeline, now.timeline
            ));
        } else if now.written < before.written {
            self.printer.warn(
                "the database has gone back to an earlier state (less is in its log than before): all that was deleted is read again",
            );
        }
    }
}
