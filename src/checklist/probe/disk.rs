//! Work that waits for a disk, and what is said where one fails.

use std::fs::Metadata;
use std::time::Duration;

use jiff::Timestamp;

use crate::checklist::look::Context;

/// How long a file system may take.
const DISK: Duration = Duration::from_secs(30);

/// When a file was last written.
pub(super) fn written(metadata: &Metadata) -> Option<Timestamp> {
    metadata.modified().ok().and_then(|time| Timestamp::try_from(time).ok())
}

/// Why a file could not be looked at.
pub(super) fn unread(context: &Context, path: &str, error: &std::io::Error) -> String {
    let hint = match error.kind() {
        std::io::ErrorKind::PermissionDenied => ": run it as a user who may read it, or as root",
        _ => "",
    };
    format!("{} cannot be read: {error}{hint}", context.tree.shown(path))
}

/// Does work that waits for a disk, or for the network behind a mount, without waiting for it for ever.
pub(in crate::checklist) async fn blocking_value<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let done = tokio::time::timeout(DISK, tokio::task::spawn_blocking(work)).await;
    let slow = || format!("the file system did not answer in {DISK:?}: is a network mount down?");
    done.map_err(|_| slow())?.map_err(|error| error.to_string())
}
