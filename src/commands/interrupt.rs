//! Ctrl-C and its kin: the first lets the work end where it may, so that what was done is on record; the second stops it
//! at once.

use tokio_util::sync::CancellationToken;

use crate::database::Canceller;
use crate::output::Printer;

use super::Error;

/// Whether the run was interrupted.
#[derive(Clone)]
pub(super) struct Interrupt {
    once: CancellationToken,
    twice: CancellationToken,
}

impl Interrupt {
    /// Begins to listen for SIGINT and SIGTERM.
    pub(super) fn listen(printer: Printer) -> Self {
        let interrupt = Self { once: CancellationToken::new(), twice: CancellationToken::new() };
        let Self { once, twice } = interrupt.clone();
        tokio::spawn(async move {
            signalled().await;
            printer.say("interrupted: ending what has begun; once more stops it at once");
            once.cancel();
            signalled().await;
            twice.cancel();
        });
        interrupt
    }

    /// Cancelled by the first interrupt.
    pub(super) fn token(&self) -> &CancellationToken {
        &self.once
    }

    /// Does some work, which nothing remains of, until it is done or the run is interrupted.
    pub(super) async fn or<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.once.cancelled() => Err(Error::Interrupted),
        }
    }

    /// Does some reading until it is done or the run is interrupted; then the server is told to stop too.
    pub(super) async fn or_cancel<T>(
        &self,
        canceller: &Canceller,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let done = self.or(work).await;
        if matches!(done, Err(Error::Interrupted)) {
            canceller.cancel().await;
        }
        done
    }

    /// Does all the work of a command, unless the run is interrupted twice.
    pub(super) async fn twice_or<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.twice.cancelled() => Err(Error::Interrupted),
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
