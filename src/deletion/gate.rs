//! Gates: what has to be true of the whole choice before the first deletion.

use std::collections::BTreeMap;

use crate::build_url::BuildUrl;
use crate::report::Chosen;

/// A choice that a gate does not let through.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum GateError {
    /// The builds are on more than one server.
    #[error("the chosen builds are on {} hosts: {}", .0.len(), .0.join(", "))]
    Hosts(Vec<String>),
    /// The builds are on another server than the one that was named.
    #[error("--confirm names {confirmed:?}, and {url} is on {host:?}")]
    OtherHost {
        /// What `--confirm` names.
        confirmed: String,
        /// The first build that is elsewhere.
        url: String,
        /// Where it is.
        host: String,
    },
    /// Nobody named the server.
    #[error("nothing is deleted before the host {0:?} is named")]
    NotConfirmed(String),
    /// Somebody typed something else.
    #[error("{typed:?} is not {host:?}: nothing was deleted")]
    Mistyped {
        /// What was typed.
        typed: String,
        /// What had to be typed.
        host: String,
    },
    /// A build is on a host that the policy does not name.
    #[error("{url} is on {host:?}, and hosts in {policy} allows only {hosts}")]
    HostNotInPolicy {
        /// The first such build.
        url: String,
        /// Where it is.
        host: String,
        /// The policy file.
        policy: String,
        /// The hosts that it names.
        hosts: String,
    },
    /// More builds would be deleted than one run may delete.
    #[error("{deletions} builds would be deleted, more than the {max} that {whose} allows")]
    TooMany {
        /// How many would be deleted.
        deletions: u64,
        /// How many may be.
        max: u64,
        /// Who says so.
        whose: String,
        /// How to allow more.
        raise: String,
    },
    /// A larger share of the builds would be deleted than one run may delete.
    #[error(
        "{deletions} of {builds} builds in scope would be deleted, more than the {percent} percent that {whose} allows"
    )]
    TooGreatAShare {
        /// How many would be deleted.
        deletions: u64,
        /// How many there are.
        builds: u64,
        /// The largest share.
        percent: String,
        /// Who says so.
        whose: String,
        /// How to allow more.
        raise: String,
    },
    /// Builds contradict T and R, so one of the two is wrong, or a clock.
    #[error("{fact}: that is more than the {allowed} that {whose} allows")]
    TimesContradicted {
        /// How many builds, and when.
        fact: String,
        /// How many may.
        allowed: u64,
        /// Who says so.
        whose: String,
        /// How to allow more.
        raise: String,
    },
    /// A flag would allow more than the policy does.
    #[error("{flag} {asked} would allow more than {key} in {policy}, which is {ruled}")]
    Looser {
        /// The flag.
        flag: &'static str,
        /// What it asks for.
        asked: String,
        /// What the policy says.
        ruled: String,
        /// The policy file.
        policy: String,
        /// Its key.
        key: &'static str,
    },
    /// Builds would be deleted of which nothing is kept.
    #[error("archive in {policy} wants each build kept before it is deleted, and no --archive is named")]
    NoArchive {
        /// The policy file.
        policy: String,
    },
    /// The report is older than it may be.
    #[error("the report {was} at {at}, {old} ago, longer than the {longest} allows")]
    TooOld {
        /// When.
        at: String,
        /// What was done then.
        was: &'static str,
        /// How long that is ago.
        old: String,
        /// How long it may be, and who says so.
        longest: String,
        /// How to allow more.
        raise: String,
    },
    /// The report is of a time that is yet to come.
    #[error("the report {was} at {at}, and now it is {now}")]
    FromTheFuture {
        /// When.
        at: String,
        /// What was done then.
        was: &'static str,
        /// The time by this machine's clock.
        now: String,
    },
    /// The rows are from several databases.
    #[error("the report holds rows from more than one database: lines {first} and {other}")]
    Databases {
        /// A line.
        first: u64,
        /// The first line that is from elsewhere.
        other: u64,
    },
    /// The report is from another database than the one that is connected to.
    #[error("the report is from another database; connected is {connected}")]
    OtherDatabase {
        /// The database that is connected to.
        connected: String,
        /// Where the report says more of its own.
        of: Option<String>,
    },
    /// Other tables would be read than those of which the report tells.
    #[error("the report is of other tables: {change}")]
    OtherTables {
        /// What has changed.
        change: String,
    },
    /// The database is a copy that may lag behind.
    #[error("this database is a standby: what it says may be old, and builds that have recovered would be deleted")]
    Standby,
    /// How old the report is cannot be known, and somebody wants it to be young.
    #[error("how old the report is cannot be known, and {whose} wants it no older than {longest}")]
    AgeUnknown {
        /// Who wants that.
        whose: String,
        /// How old it may be.
        longest: String,
    },
    /// Somebody else is deleting.
    #[error("another halfbuilt delete is at work on this database{}{}", if .0.is_empty() { "" } else { ": " }, .0.join("; "))]
    Busy(Vec<String>),
}

impl GateError {
    /// What to do next.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Hosts(_) => "delete on one host at a time: choose by --project, or split the report".to_owned(),
            Self::OtherHost { host, .. } => format!("is this the right report? --confirm {host} would name its host"),
            Self::NotConfirmed(host) => format!("--confirm {host}"),
            Self::HostNotInPolicy { policy, .. } => {
                format!("is this the right report? only {policy} can allow another host")
            }
            Self::TooMany { raise, .. } | Self::TooGreatAShare { raise, .. } => {
                format!("choose fewer by --reason or --project; if they are all meant, {raise}")
            }
            Self::TimesContradicted { raise, .. } => {
                format!("find T and R again, and scan with them; if these builds are known and the two times are right, {raise}")
            }
            Self::Looser { policy, .. } => format!("a flag may only be stricter than {policy}: leave it out"),
            Self::NoArchive { .. } => "--archive FILE".to_owned(),
            Self::TooOld { raise, .. } => format!("scan again; if it has to be this report, {raise}"),
            Self::FromTheFuture { .. } => "is a clock wrong? scan again".to_owned(),
            Self::Databases { .. } => {
                "delete from one database at a time; a report of an older halfbuilt does not tell its database: scan again"
                    .to_owned()
            }
            Self::OtherDatabase { of: Some(of), .. } => of.clone(),
            Self::OtherDatabase { of: None, .. } => {
                "name the report's own by --database-url or PGDATABASE and PGHOST, or scan this one".to_owned()
            }
            Self::OtherTables { .. } => {
                "find out who has changed them; name the report's own schema by --schema, or scan again".to_owned()
            }
            Self::Standby => "delete by what the primary says: name it, or target_session_attrs=primary".to_owned(),
            Self::AgeUnknown { .. } => "give the file that scan -o wrote, with the .about.json beside it".to_owned(),
            Self::Busy(_) => "wait for it to end; in pg_stat_activity its process says who it is".to_owned(),
            Self::Mistyped { .. } => return None,
        })
    }
}

/// The one host on which all builds are, checked against what `--confirm` names. `None` where there is no build.
///
/// # Errors
/// More than one host, or another than the one that was named.
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

/// The tag of the one database that all rows of a report are from. `None` where no row tells, as in a plain list.
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
