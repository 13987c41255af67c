//! The flags of `checklist`.

use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use jiff::Timestamp;

use crate::checklist::{SHIPPED, named_host};

use super::values::{self, BackupTime};

/// The flags of `checklist`.
#[derive(Debug, Args)]
pub struct ChecklistArgs {
    /// What `kubectl get ... -o json` said of a cluster that was restored, in files
    #[arg(value_name = "FILE")]
    pub saved: Vec<PathBuf>,
    #[arg(long = "items", value_name = "FILE|NAME", help = items())]
    pub items: Vec<String>,
    /// Print this list instead, as it stands
    ///
    /// To change it, redirect it to a file, and pass that by --items.
    #[arg(long, value_name = "NAME", exclusive = true)]
    pub print: Option<String>,
    /// Look below this folder instead of at this machine: a disk of the restored machine, its files, or an unpacked support bundle
    ///
    /// No link leads out of it. No command is run, and no URL is asked: what needs one is not checked.
    #[arg(long, value_name = "DIR")]
    pub root: Option<PathBuf>,
    /// The machine's public address, where no metadata service of the cloud says it
    #[arg(long, value_name = "IP")]
    pub public_ip: Option<IpAddr>,
    /// Another address that the machine has, as with --root; several with commas between
    #[arg(long = "address", value_name = "IP", value_delimiter = ',')]
    pub addresses: Vec<IpAddr>,
    /// The host name by which people reach the CI
    ///
    /// What is configured, the certificate and the Ingress are compared with it.
    #[arg(long, value_name = "NAME", value_parser = named_host)]
    pub host: Option<String>,
    /// Leave out these items, which are then not needed: one, or several with commas between
    #[arg(long = "without", value_name = "ITEM", value_delimiter = ',')]
    pub without: Vec<String>,
    /// When the backup was taken, with a time zone, such as 2026-11-20T02:00:00Z; or @FILE, which says it
    #[arg(long, value_name = "TIME|@FILE", value_parser = values::backup_time, env = "HALFBUILT_BACKUP_TIME")]
    pub backup_time: Option<BackupTime>,
    /// When the restored server came back
    #[arg(long, value_name = "TIME", value_parser = values::time, env = "HALFBUILT_RESTORED_AT")]
    pub restored_at: Option<Timestamp>,
    /// Write the checklist as JSON, for programs; - is standard output
    ///
    /// The format is halfbuilt-checklist/1. Where it stands beside a report, as REPORT.checklist.json, `delete` reminds of what is to do, and
    /// `report --checklist` shows it.
    #[arg(long, value_name = "FILE")]
    pub json: Option<PathBuf>,
    /// Write it as JUnit XML, for a CI server's page of tests; - is standard output
    ///
    /// What is to do is a failure, what was not checked is an error, and what is not needed is skipped.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write it as Markdown, for a ticket; - is standard output
    #[arg(long, value_name = "FILE")]
    pub markdown: Option<PathBuf>,
}

/// The help of `--items`.
fn items() -> String {
    let names: Vec<&str> = SHIPPED.iter().map(|(name, _)| *name).collect();
    format!(
        "A list of items of your own, in TOML, or one that ships ({}) [default: those that ship, where they apply]; may be repeated",
        names.join(", ")
    )
}
