//! Statements that may fail without the loss of the snapshot.

use crate::database::Snapshot;

use super::error::ScanError;

/// Does `work`, which leaves no rows to read. Where it fails because of what it reads, the snapshot is as it was before.
///
/// # Errors
/// The outer one is that of a connection that is lost, or of anything else after which nothing can be asked any more.
pub(super) async fn attempt<T>(
    snapshot: &Snapshot<'_>,
    work: impl Future<Output = Result<T, ScanError>>,
) -> Result<Result<T, ScanError>, ScanError> {
    snapshot.mark().await?;
    let done = work.await;
    match &done {
        Ok(_) => snapshot.forget_mark().await?,
        Err(error) if error.is_about_what_is_read() => {
            snapshot.go_back().await?;
            snapshot.forget_mark().await?;
        }
        // An error of our own leaves the transaction as it is; any other has ended it.
        Err(_) => {}
    }
    Ok(done)
}
