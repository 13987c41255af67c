//! Which database this is: what tells a report's database from another one of the same name.

use tokio_postgres::Client;

use super::DatabaseError;

/// Names the database, and says whether the identifier may be asked for.
const IDENTITY: &str = include_str!("../../sql/engine/identity.sql");
/// Says whether it is a standby, and where tables are looked for.
const WHEREABOUTS: &str = include_str!("../../sql/engine/whereabouts.sql");
/// Asks for the identifier.
const SYSTEM_IDENTIFIER: &str = include_str!("../../sql/engine/system_identifier.sql");

/// Which database a connection leads to.
///
/// A physical copy of a server has its identifier: two restores of one physical backup cannot be told apart by it, nor a
/// standby from its primary. Source: PostgreSQL manual, "9.27.11. Control Data Functions", `pg_control_system()`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DatabaseIdentity {
    /// The number of the server's data directory; `None` where the role may not ask for it.
    pub system_identifier: Option<String>,
    /// The name of the database.
    pub name: String,
}

/// What else has to be known of a database before a deletion acts on what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Whereabouts {
    /// Whether it is a standby, which may lag behind.
    pub is_standby: bool,
    /// The schemas in which tables are looked for, in order.
    pub schemas: String,
}

impl Whereabouts {
    pub(super) async fn ask(client: &Client) -> Result<Self, DatabaseError> {
        let what = "asking where tables are looked for";
        let row = client.query_one(WHEREABOUTS, &[]).await.map_err(|source| DatabaseError::statement(what, source))?;
        let cell = |column| move |source| DatabaseError::Column { what, column, source };
        Ok(Self { is_standby: row.try_get(0).map_err(cell(0))?, schemas: row.try_get(1).map_err(cell(1))? })
    }
}

impl DatabaseIdentity {
    /// Asks the server. A failure here must not spoil a transaction, so it is asked outside of any.
    pub(super) async fn ask(client: &Client) -> Result<Self, DatabaseError> {
        let what = "asking which database this is";
        let failed = |source| DatabaseError::statement(what, source);
        let row = client.query_one(IDENTITY, &[]).await.map_err(failed)?;
        let cell = |column| move |source| DatabaseError::Column { what, column, source };
        let name: String = row.try_get(0).map_err(cell(0))?;
        let may_ask: Option<bool> = row.try_get(1).map_err(cell(1))?;
        let mut identity = Self { system_identifier: None, name };
        if may_ask != Some(true) {
            return Ok(identity);
        }
        match client.query_one(SYSTEM_IDENTIFIER, &[]).await {
            Ok(row) => identity.system_identifier = row.try_get(0).map_err(cell(0))?,
            Err(source) => {
                // Some hosted servers grant the right and refuse the answer.
                let error = failed(source);
                if !error.is_about_the_statement() {
                    return Err(error);
                }
            }
        }
        Ok(identity)
    }
}

impl std::fmt::Display for DatabaseIdentity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?}", self.name)?;
        match &self.system_identifier {
            Some(number) => write!(f, " of the server with system identifier {number}"),
            None => f.write_str(" (this role may not ask for the server's system identifier)"),
        }
    }
}
