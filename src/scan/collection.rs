//! Asks which collection the documents are of that a profile presents.

use crate::collection::Collection;
use crate::database::{Row, Snapshot};

use super::check::section_faults;
use super::error::ScanError;
use super::plan::ScanPlan;
use super::profile::Profile;
use super::relation::Kind;
use super::schema::ProfileSchema;

/// The columns of the row about a collection.
const COLUMNS: [(&str, Kind); 12] = [
    ("collection", Kind::Text),
    ("source", Kind::Text),
    ("began_at", Kind::Time),
    ("ended_at", Kind::Time),
    ("since", Kind::Time),
    ("lists_all", Kind::Boolean),
    ("token_user", Kind::Text),
    ("fetched_from", Kind::Time),
    ("fetched_to", Kind::Time),
    ("builds", Kind::Integer),
    ("unread", Kind::Integer),
    ("gone", Kind::Integer),
];

/// Reads the row about the collection; `None` where the profile presents none.
///
/// # Errors
/// There is no collection; it is older than R; the section does not fit the database; a lost connection.
pub(super) async fn read(
    plan: &ScanPlan,
    schema: &ProfileSchema,
    snapshot: &Snapshot<'_>,
) -> Result<Option<Collection>, ScanError> {
    let Some(section) = plan.profile.collection() else { return Ok(None) };
    if let Some(fault) = faults(snapshot, &plan.profile, schema).await.into_iter().next() {
        return Err(fault);
    }
    let mut rows = snapshot.rows("asking for the collection", &schema.sql(&section.sql), &[]).await?;
    let Some(row) = rows.next().await? else {
        let why = format!("no collection of {} was begun", section.name);
        return Err(ScanError::NoCollection { profile: plan.profile.name.clone(), why });
    };
    let collection = collection(&row)?;
    match (collection.fetched, plan.times().restored) {
        (Some((fetched_from, _)), Some(restored)) if fetched_from < restored => {
            Err(ScanError::CollectionTooOld { collection: collection.name(), fetched_from, restored })
        }
        _ => Ok(Some(collection)),
    }
}

/// All faults of the section, as the server sees it: none if the profile has none. A snapshot is of no use any more after a fault that the
/// server has found.
pub async fn faults(snapshot: &Snapshot<'_>, profile: &Profile, schema: &ProfileSchema) -> Vec<ScanError> {
    match profile.collection() {
        Some(section) => section_faults(snapshot, (profile, schema), ("collection", section), &COLUMNS).await,
        None => Vec::new(),
    }
}

fn collection(row: &Row) -> Result<Collection, ScanError> {
    let number = |column| Ok::<u64, ScanError>(row.integer(column)?.unwrap_or_default().unsigned_abs());
    Ok(Collection {
        id: row.text("collection")?.unwrap_or_default(),
        source: row.text("source")?.unwrap_or_default(),
        began_at: row.time("began_at")?,
        ended_at: row.time("ended_at")?,
        since: row.time("since")?,
        lists_all: row.boolean("lists_all")?.unwrap_or_default(),
        token_user: row.text("token_user")?,
        fetched: row.time("fetched_from")?.zip(row.time("fetched_to")?),
        builds: number("builds")?,
        unread: number("unread")?,
        gone: number("gone")?,
    })
}
