//! Ctrl-C and its kin: work stops where it may, and what was done stays on record.

use tokio_util::sync::CancellationToken;

use crate::database::Canceller;

use super::Error;

/// A token that is cancelled by the first Ctrl-C (or SIGTERM).
pub(super) fn token() -> CancellationToken {
    let token = CancellationToken::new();
    let cancelled = token.clone();
    tokio::spawn(async move {
        signalled().await;
        cancelled.cancel();
    });
    token
}

/// Does some reading until it is done or the run is interrupted; then the server is told to stop too.
pub(super) async fn unless_interrupted<T>(
    token: &CancellationToken,
    canceller: &Canceller,
    work: impl Future<Output = Result<T, Error>>,
) -> Result<T, Error> {
    tokio::select! {
        done = work => done,
        () = token.cancelled() => {
            canceller.cancel().await;
            Err(Error::Interrupted)
        }
    }
}

#[cfg(unix)]
async fn signalled() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminated.recv() => {}
    }
}

#[cfg(not(unix))]
async fn signalled() {
    let _ = tokio::signal::ctrl_c().await;
}
