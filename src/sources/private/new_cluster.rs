//! Makes the private cluster. It gets its name when it is complete, so a kill half-way leaves nothing that looks like one.

use std::fs::{self, File};
use std::path::Path;

use crate::sql;

use super::error::PrivateError;
use super::place::{Place, io_error};
use super::process::{Process, error_in_log};
use super::programs::Programs;

/// The database that holds what is collected.
pub(super) const DATABASE: &str = "halfbuilt";
/// Who makes the cluster, and writes.
pub(super) const OWNER: &str = "halfbuilt";
/// Who can only read. See sql/engine/private.sql.
pub(super) const READER: &str = "halfbuilt_reader";

/// What a new cluster is given.
const NEW_CLUSTER: &str = sql::PRIVATE.part("new_cluster");
/// A server that serves no connections, and runs what it reads from standard input.
const SINGLE: &str = "PostgreSQL's single-user mode";

/// Makes the cluster.
///
/// # Errors
/// A program fails, such as for a full disk.
pub(super) async fn make(place: &Place, programs: &Programs) -> Result<(), PrivateError> {
    let folder = place.folder();
    let new = folder.join(format!("new-{}", std::process::id()));
    if let Err(error) = fill(place, programs, &new).await {
        // What cannot be removed now is removed by the next command.
        let _ = fs::remove_dir_all(&new);
        return Err(error);
    }
    let cluster = place.cluster();
    fs::rename(&new, &cluster).map_err(|source| io_error("make", &cluster, source))?;
    // Without this a power failure may lose the name.
    File::open(&folder).and_then(|folder| folder.sync_all()).map_err(|source| io_error("sync", &folder, source))
}

async fn fill(place: &Place, programs: &Programs, new: &Path) -> Result<(), PrivateError> {
    let account = place.account.as_ref();
    let mut initdb = programs.command("initdb", &place.folder(), account);
    initdb.arg("-D").arg(new);
    // Nobody but the owner of the folder and root can reach the socket, and both can do with the cluster's files as they please. A password
    // would have to lie beside them. Pages have checksums.
    initdb.args(["-A", "trust", "-U", OWNER, "-E", "UTF8", "--no-locale", "-k"]);
    Process::start("initdb", &mut initdb, "", place)?.succeed(place).await?;
    let mut single = programs.command("postgres", &place.folder(), account);
    single.args(["--single", "-j", "-D"]).arg(new).args(["-c", "lc_messages=C", "template1"]);
    Process::start(SINGLE, &mut single, NEW_CLUSTER, place)?.succeed(place).await?;
    // It goes on after a statement that fails, and ends as if nothing had been.
    error_in_log(SINGLE, place).map_or(Ok(()), Err)
}
