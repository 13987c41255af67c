//! What the database server says of its own start and history. It says nothing of T and R where the builds are copies.

use jiff::Timestamp;

use crate::database::{DatabaseError, Snapshot};
use crate::scan::{Census, QuietTime, Recovery};
use crate::server_moment::ServerMoment;
use crate::sql;
use crate::text::{counted, was_or_were};

use super::candidate::{Candidate, Moment};
use super::written_time::length;

/// Asks for the start, and for what was replayed.
const WITNESSES: &str = sql::TIMES.part("witnesses");
/// Asks when the server recovered from a crash.
const RECOVERY: &str = sql::PREMISE.part("recovery");

/// What the server says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Witnesses {
    /// Whether it is a standby.
    pub is_standby: bool,
    /// When it was started last.
    pub started_at: Option<Timestamp>,
    /// The last transaction that it replayed.
    pub replayed_at: Option<Timestamp>,
    /// When it recovered from a crash.
    pub recovered_at: Option<Timestamp>,
    /// Where it is in its own history.
    pub moment: Option<ServerMoment>,
}

impl Witnesses {
    /// Asks the server.
    ///
    /// # Errors
    /// What the server complains about.
    pub(crate) async fn ask(snapshot: &Snapshot<'_>) -> Result<Self, DatabaseError> {
        let mut said = Self::default();
        let mut rows = snapshot.rows("asking when the server was started", WITNESSES, &[]).await?;
        if let Some(row) = rows.next().await? {
            said.is_standby = row.boolean("is_standby")?.unwrap_or_default();
            said.started_at = row.time("started_at")?;
            said.replayed_at = row.time("replayed_at")?;
        }
        drop(rows);
        let mut rows = snapshot.rows("asking when the server recovered", RECOVERY, &[]).await?;
        if let Some(row) = rows.next().await? {
            said.recovered_at = row.time("recovered_at")?;
        }
        drop(rows);
        said.moment = Census::moment(snapshot).await?;
        Ok(said)
    }

    /// The timeline of its log: each promotion and each recovery to a point in time begins a new one.
    pub fn timeline(&self) -> Option<u32> {
        self.moment.and_then(|moment| moment.timeline)
    }

    /// What follows for T and R.
    pub fn candidates(&self) -> Vec<Candidate> {
        // What a standby replays is its primary's, and goes on.
        if self.is_standby {
            return Vec::new();
        }
        let replayed = self.replayed_at.map(|at| {
            let trap = "it is T of a recovery to a point in time, and says nothing of a restore on a server that was a standby before";
            Candidate::backup(Moment::LastCommit(at), "the database server, pg_last_xact_replay_timestamp()", trap)
        });
        let recovered = self.recovered_at.map(|at| {
            let trap = "a later crash or a reset of the statistics moves it";
            Candidate::restored(Moment::At(at), "the database server's own record of its last crash recovery", trap)
        });
        let started = self.started_at.map(|at| {
            let trap = "R of the database is that start or an earlier one";
            Candidate::restored(Moment::Guess(at), "the last start of the database server", trap)
        });
        replayed.into_iter().chain(recovered).chain(started).collect()
    }

    /// What else there is to know, a line each.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.is_standby {
            remarks.push("this is a standby: what it says of recoveries is about itself, not about the CI".to_owned());
        }
        if let Some(timeline) = self.timeline() {
            remarks.push(match timeline {
                1 => "timeline 1: the database was never recovered to a point in time, and never promoted".to_owned(),
                later => format!("timeline {later}: the database was recovered from an archive, or promoted, before"),
            });
        }
        if self.recovered_at.is_none() && !self.is_standby {
            remarks.push("the database server has no record of a recovery that can be trusted".to_owned());
        }
        remarks
    }
}

/// What the quiet times among the builds suggest.
pub fn of_quiet_times(quiet: &[QuietTime]) -> Vec<Candidate> {
    quiet.iter().flat_map(of_quiet_time).collect()
}

fn of_quiet_time(quiet: &QuietTime) -> Vec<Candidate> {
    let QuietTime { last_write, next_write, running, recovery } = *quiet;
    let running = format!("{} {} running then", counted(running, "build"), was_or_were(running));
    let until = match next_write {
        Some(next) => format!("the next came {:#} later", length(last_write, next)),
        None => "none has come since".to_owned(),
    };
    let source = format!("the last write before a quiet time among the builds; {until}, and {running}");
    let trap = match recovery {
        Recovery::Within(_) => "a quiet night looks the same, but the database server recovered from a crash in it",
        Recovery::Elsewhere(_) => {
            "a quiet night looks the same, and the database server recovered from a crash at another time"
        }
        Recovery::NotOnRecord => "a quiet night looks the same",
    };
    let backup = Candidate::backup(Moment::Guess(last_write), &source, trap);
    let restored = next_write.filter(|_| !matches!(recovery, Recovery::Within(_))).map(|next| {
        Candidate::restored(Moment::NotAfter(next), "the first write after that quiet time among the builds", trap)
    });
    std::iter::once(backup).chain(restored).collect()
}
