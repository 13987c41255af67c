//! Waits for a database that has gone away, and makes sure that what answers again is the same one.

use std::time::Duration;

use tokio::time::{sleep, timeout};

use crate::database::{Database, LockAttempt, Position};
use crate::deletion::journal::Who;
use crate::scan::{Fit, ScanError};
use crate::table::changed;

use super::{LiveBuilds, ReaderEvent};

/// How long one attempt to reconnect may take.
const CONNECTING: Duration = Duration::from_secs(15);

impl LiveBuilds<'_> {
    /// Waits so many milliseconds and reconnects; without a wait left, the error stands.
    pub(super) async fn wait_for_the_database(&mut self, wait: Option<u64>, error: ScanError) -> Result<(), ScanError> {
        let Some(wait) = wait.map(Duration::from_millis) else { return Err(error) };
        (self.options.on_event)(&ReaderEvent::DatabaseAway { wait, error: &error });
        sleep(wait).await;
        self.reconnect().await
    }

    /// Reconnects. A database that cannot be reached yet is no failure; another one than before is.
    async fn reconnect(&mut self) -> Result<(), ScanError> {
        let Ok(connected) = timeout(CONNECTING, self.connect_again()).await else { return Ok(()) };
        match connected {
            Ok(Some((database, position))) => {
                self.compare_position(position);
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

    /// `None` where another session holds the lock: it may be our own, of which the server does not know yet that it ended.
    async fn connect_again(&mut self) -> Result<Option<(Database, Option<Position>)>, ScanError> {
        let mut database = self.database.connect_again((self.options.settings)()?).await?;
        let now = database.identity().await?;
        if now != self.server {
            let (before, now) = (self.server.to_string(), now.to_string());
            return Err(ScanError::OtherDatabase { before, now });
        }
        if self.options.execute && database.is_standby().await? {
            (self.options.on_event)(&ReaderEvent::StandbyAnswers);
            return Ok(None);
        }
        let plan = self.options.plan;
        let tables = Fit::check(plan, &database.snapshot(&plan.settings()).await?).await?.tables().to_vec();
        if tables != self.tables {
            return Err(ScanError::OtherTables { change: changed(&self.tables, &tables) });
        }
        // Where only the other connection was lost, the lock need not be taken again.
        let holds_lock = !self.options.execute || database.take_over_lock(&mut self.database).await?;
        if !holds_lock && matches!(database.lock(&Who::current().application_name()).await?, LockAttempt::Held(_)) {
            (self.options.on_event)(&ReaderEvent::LockIsHeld);
            return Ok(None);
        }
        let position = super::position(plan, &mut database).await?;
        Ok(Some((database, position)))
    }

    /// Reports a database that is at another place of its history than before: it may have lost what was deleted.
    fn compare_position(&self, now: Option<Position>) {
        let (Some(before), Some(now)) = (self.position, now) else { return };
        if now.timeline != before.timeline {
            (self.options.on_event)(&ReaderEvent::OtherTimeline { before: before.timeline, now: now.timeline });
        } else if now.written < before.written {
            (self.options.on_event)(&ReaderEvent::EarlierState);
        }
    }
}
