//! The gates of a deletion: what has to be true of the whole choice before the first build is deleted.

use std::collections::BTreeMap;

use crate::build_url::BuildUrl;
use crate::report::Chosen;
use crate::text::{counted, is_or_are};

/// What happened when, of a collection.
pub(super) const COLLECTED: &str = "the collection was begun";

/// A gate that stops the run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builds are on more than one server.
    #[error("the chosen builds are on {} hosts: {}", .0.len(), .0.join(", "))]
    Hosts(Vec<String>),
    /// The builds are on another server than `--confirm` names.
    #[error("--confirm names {confirmed:?}, and {url} is on {host:?}")]
    OtherHost { confirmed: String, url: String, host: String },
    /// The host was not named.
    #[error("nothing is deleted until the host {0:?} is named")]
    NotConfirmed(String),
    /// Another word was typed.
    #[error("{typed:?} is not {host:?}: nothing was deleted")]
    Mistyped { typed: String, host: String },
    /// A build is on a host that the policy does not name.
    #[error("{url} is on {host:?}, and hosts in {policy} allows only {hosts}")]
    HostNotInPolicy { url: String, host: String, policy: String, hosts: String },
    /// The requests would go to a host that the policy does not name.
    #[error("--via names the host {host:?}, and hosts in {policy} allows only {hosts}")]
    ViaNotInPolicy { host: String, policy: String, hosts: String },
    /// More builds would be deleted than one run may delete.
    #[error("{deletions} builds would be deleted, more than the {max} that {whose} allows")]
    TooMany { deletions: u64, max: u64, whose: String, raise: String },
    /// A larger share of the builds would be deleted than one run may delete.
    #[error(
        "{deletions} of {builds} builds in scope would be deleted, more than the {percent} percent that {whose} allows"
    )]
    TooGreatAShare { deletions: u64, builds: u64, percent: String, whose: String, raise: String },
    /// Builds contradict T and R, so one of the two is wrong, or a clock.
    #[error("{fact}: that is more than the {allowed} that {whose} allows")]
    TimesContradicted { fact: String, allowed: u64, whose: String, raise: String },
    /// Earlier runs of the journal have lost more builds than are allowed.
    #[error(
        "{} {} gone that earlier runs of this journal did not send: that is more than the {allowed} that {whose} allows",
        counted(*lost, "build"), is_or_are(*lost)
    )]
    LostBefore { lost: u64, allowed: u64, whose: String, raise: String },
    /// A flag would allow more than the policy does.
    #[error("{flag} {asked} would allow more than {key} in {policy}, which is {ruled}")]
    Looser { flag: &'static str, asked: String, ruled: String, policy: String, key: &'static str },
    /// The policy asks for an archive, and none is named.
    #[error("archive in {policy} requires that each build is archived before it is deleted, and --archive is missing")]
    NoArchive { policy: String },
    /// The policy asks for a restore checklist of this restore in which all is right.
    #[error("checklist in {policy} requires a restore checklist in which all is right: {why}")]
    Checklist { policy: String, why: String, hint: String },
    /// The report was made with lists of what is alive, and none is given.
    #[error("the report was made with a list of what is alive, --alive {}, and --alive is missing", .0.join(" --alive "))]
    NoAliveList(Vec<String>),
    /// The report, or the collection, is older than it may be. `was` says what happened when: `the report was scanned`.
    #[error("{was} at {at}, {old} ago, longer than the {longest} allows")]
    TooOld { at: String, was: &'static str, old: String, longest: String, raise: String },
    /// The report, or the collection, is from the future.
    #[error("{was} at {at}, and it is only {now} now")]
    FromTheFuture { at: String, was: &'static str, now: String },
    /// The rows are from several databases.
    #[error("the report holds rows from more than one database: lines {first} and {other}")]
    Databases { first: u64, other: u64 },
    /// The report is from another database than the one that is connected to.
    #[error("the report is from another database; connected is {connected}")]
    OtherDatabase { connected: String, hint: Option<String> },
    /// Other tables would be read than those that were scanned.
    #[error("the report is of other tables: {change}")]
    OtherTables { change: String },
    /// The database is a copy that may lag behind.
    #[error("this database is a standby: it may lag behind, and builds that have recovered would be deleted")]
    Standby,
    /// The database is a copy, and holds collected documents.
    #[error(
        "this database is a standby: documents cannot be kept in it, and its deletion lock keeps nobody away from its primary"
    )]
    StandbyOfCopies,
    /// The age of the report is not known, and a limit is set.
    #[error("the age of the report is not known, and {whose} allows at most {longest}")]
    AgeUnknown { whose: String, longest: String },
    /// Another run is deleting.
    #[error("another halfbuilt delete is working on this database{}{}", if .0.is_empty() { "" } else { ": " }, .0.join("; "))]
    Busy(Vec<String>),
}

impl GateError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Hosts(_) => "delete on one host at a time: choose by --project, or split the report".to_owned(),
            Self::OtherHost { host, .. } => format!("the builds of this report are on {host}; if that is the right host: --confirm {host}"),
            Self::NotConfirmed(host) => format!("--confirm {host}"),
            Self::HostNotInPolicy { policy, .. } => {
                format!("is this the right report? only {policy} can allow another host")
            }
            Self::ViaNotInPolicy { policy, .. } => {
                format!("is this the right server? only {policy} can allow another host")
            }
            Self::TooMany { raise, .. } => format!("choose fewer by --reason or --project; if they are all meant, {raise}"),
            // Of fewer projects fewer builds are in scope, too.
            Self::TooGreatAShare { raise, .. } => {
                format!("choose fewer by --reason or --timing; if they are all meant, {raise}")
            }
            Self::TimesContradicted { raise, .. } => {
                format!("find T and R again (`halfbuilt help times`), and scan with them; if these builds are known and the two times are right, {raise}")
            }
            Self::LostBefore { raise, .. } => format!(
                "find out first which ones and why: compare the CI's own list, a fresh scan or `verify --baseline` with what was there; if they \
                 may go, or are back from a backup, {raise}"
            ),
            Self::Looser { policy, .. } => format!("a flag may only be stricter than {policy}: leave it out (`halfbuilt help policy`)"),
            Self::NoArchive { .. } => "--archive deleted.jsonl.gz writes one; `halfbuilt help archive` says what it holds".to_owned(),
            Self::NoAliveList(_) => {
                "have the list written again, and give it: what has come alive since the scan is kept then too; the same file will do".to_owned()
            }
            Self::Checklist { hint, .. } => hint.clone(),
            Self::TooOld { was: COLLECTED, raise, .. } => {
                format!("collect again, and scan; if it has to be this collection, {raise}")
            }
            Self::TooOld { raise, .. } => format!("scan again; if it has to be this report, {raise}"),
            Self::FromTheFuture { .. } => "is a clock wrong? scan again".to_owned(),
            Self::Databases { .. } => {
                "delete from one database at a time; a report of an older halfbuilt does not name its database: scan again"
                    .to_owned()
            }
            Self::OtherDatabase { hint: Some(hint), .. } => hint.clone(),
            Self::OtherDatabase { hint: None, .. } => {
                "name the report's own by --database-url or PGDATABASE and PGHOST, or scan this one".to_owned()
            }
            Self::OtherTables { .. } => {
                "find out who changed them; then name the schema of the report by --schema, or scan again".to_owned()
            }
            Self::Standby | Self::StandbyOfCopies => "connect to the primary, or set target_session_attrs=primary".to_owned(),
            Self::AgeUnknown { .. } => "give the file that scan -o wrote, with the .about.json beside it".to_owned(),
            Self::Busy(_) => "wait until it ends; pg_stat_activity shows whose process it is".to_owned(),
            Self::Mistyped { .. } => return None,
        })
    }
}

/// The one host on which all builds are, checked against what `--confirm` names. `None` where there is no build.
///
/// # Errors
/// More than one host, or not the one that was named.
pub fn one_host<'a>(
    urls: impl Iterator<Item = &'a BuildUrl>,
    confirmed: Option<&str>,
) -> Result<Option<String>, GateError> {
    let mut hosts: BTreeMap<&str, &BuildUrl> = BTreeMap::new();
    for url in urls {
        hosts.entry(url.host()).or_insert(url);
    }
    if let Some(confirmed) = confirmed {
        let confirmed = confirmed.to_ascii_lowercase();
        if let Some((host, url)) = hosts.iter().find(|(host, _)| **host != confirmed) {
            return Err(GateError::OtherHost { confirmed, url: url.to_string(), host: (*host).to_owned() });
        }
    }
    if hosts.len() > 1 {
        return Err(GateError::Hosts(hosts.into_keys().map(str::to_owned).collect()));
    }
    Ok(hosts.into_keys().next().map(str::to_owned))
}

/// The tag of the one database that all rows of a report are from. `None` where no row says, as in a plain list.
///
/// # Errors
/// Rows of more than one database.
pub fn one_database(rows: &[Chosen]) -> Result<Option<&str>, GateError> {
    let mut tags = rows.iter().filter_map(|row| Some((row.line, row.judged.as_ref()?.database_tag())));
    let Some((first, tag)) = tags.next() else { return Ok(None) };
    match tags.find(|(_, other)| *other != tag) {
        None => Ok(Some(tag)),
        Some((other, _)) => Err(GateError::Databases { first, other }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn urls(texts: &[&str]) -> Vec<BuildUrl> {
        texts.iter().map(|text| BuildUrl::parse(text).expect(text)).collect()
    }

    #[test]
    fn one_host_passes() {
        let urls = urls(&["https://ci.example.com/gh/a/b/1", "https://CI.example.com/gh/a/b/2"]);
        assert_eq!(one_host(urls.iter(), Some("ci.Example.com")), Ok(Some("ci.example.com".to_owned())));
        assert_eq!(one_host(urls.iter(), None), Ok(Some("ci.example.com".to_owned())));
        assert_eq!(one_host([].into_iter(), Some("ci.example.com")), Ok(None));
    }

    #[test]
    fn a_build_elsewhere_stops_everything() {
        let urls = urls(&["https://ci.example.com/gh/a/b/1", "https://ci.example.org/gh/a/b/2"]);
        assert!(matches!(one_host(urls.iter(), None), Err(GateError::Hosts(_))));
        assert!(matches!(one_host(urls.iter(), Some("ci.example.com")), Err(GateError::OtherHost { .. })));
    }

    #[test]
    fn the_port_is_a_part_of_the_host() {
        let urls = urls(&["https://ci.example.com:8443/gh/a/b/1"]);
        assert!(one_host(urls.iter(), Some("ci.example.com")).is_err());
        assert!(one_host(urls.iter(), Some("ci.example.com:8443")).is_ok());
    }
}
