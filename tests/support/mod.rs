//! What the tests share: servers, databases, the program run as a user runs it, and readers of what it writes.

#![allow(dead_code, unused_imports, reason = "it is compiled into each test binary, and each uses a part of it")]

mod admin;
mod beside_psql;
mod child;
mod ci;
mod collected;
mod command;
mod database;
mod deletion;
mod drill;
mod gate;
mod junit;
mod larch;
mod person;
mod pooler;
mod private;
mod report;
mod s3;
mod s3_faults;
mod schema;
mod scripted;
mod server;
mod site;
mod stand_in;
mod tls_proxy;
mod verdict_files;

pub use admin::{Admin, TOKEN, admin, evaluate};
pub use beside_psql::Beside;
pub use child::{Hearing, Signal, signal, signal_group};
pub use ci::{CUT, Ci, LOST, NULL};
pub use collected::Collection;
pub use command::{Done, Run, halfbuilt};
pub use database::{TestDatabase, program, psql, psql_as, psql_meanwhile, psql_pipe, server_variables, socket_folder};
pub use deletion::{ALL_TIMINGS, NOBODY, deletable, scanned, zcat};
pub use drill::Drill;
pub use gate::Gate;
pub use junit::{Ended, Junit};
pub use larch::{LARCH_TOKEN, Larch, LarchServer, Sent, answer, delete_job};
pub use person::{Person, Seen, stable, without_names};
pub use pooler::{Pooler, Pooling};
pub use private::{InUse, PrivateData, ROLE, is_root, open_to_all, wait_for_its_end};
pub use report::{Report, by_rule, expected_report, seal};
pub use s3::{Bucket, ODD_KEYS, Stored, longest_key};
pub use s3_faults::{Fault, FaultyS3};
pub use schema::assert_valid;
pub use scripted::{Answer, scripted};
pub use server::Server;
pub use site::{Site, SiteAnswer, closed_port};
pub use stand_in::{API_TOKEN, Heard, StandIn, Truth, USER_TOKEN, request};
pub use tls_proxy::tls_proxy;
pub use verdict_files::{VerdictFiles, failed};

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// When the backup of the CircleCI fixtures was taken.
pub const BACKUP_TIME: &str = "2026-11-20T02:00:00Z";
/// When the server of the CircleCI fixtures came back.
pub const RESTORED_AT: &str = "2026-11-20T06:30:00Z";
/// Both, as flags.
pub const TIMES: [&str; 4] = ["--backup-time", BACKUP_TIME, "--restored-at", RESTORED_AT];

/// A file of the repository.
pub fn repository(path: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// How long a test waits for what has to come, on however busy a machine. Nothing is measured by it.
const LONGEST: Duration = Duration::from_secs(180);

/// Waits for something that has to come true.
#[track_caller]
pub fn wait_until(come_true: impl Fn() -> bool) {
    let until = Instant::now() + LONGEST;
    while !come_true() {
        assert!(Instant::now() < until, "it did not come true in {LONGEST:?}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
