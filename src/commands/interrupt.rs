//! Ctrl-C and similar signals (SIGTERM, and SIGHUP of a lost terminal). After the first the run ends at the next safe point, after the
//! second it waits for nothing more; in either case what was done is on record.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use crate::database::Canceller;
use crate::deletion::Stop;
use crate::output::Printer;

use super::Error;
use super::under_way::UnderWay;

/// How long a database server may take to accept a request to cancel its work.
const CANCEL_TIMEOUT: Duration = Duration::from_secs(2);

/// Whether the run was interrupted.
pub(super) struct Interrupt {
    stop: Stop,
    /// Leave at once.
    leave: CancellationToken,
    /// Whether Ctrl-C is for another program on the terminal.
    is_elsewhere: Arc<AtomicBool>,
    /// The deletions that it leaves to the server.
    under_way: UnderWay,
}

/// Ctrl-C does not interrupt the run as long as this lives.
pub(super) struct CtrlCElsewhere(Arc<AtomicBool>);

impl Drop for CtrlCElsewhere {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

impl Interrupt {
    pub(super) fn listen(printer: Printer) -> Self {
        let stop = Stop::default();
        let Stop { soon, now } = stop.clone();
        let leave = CancellationToken::new();
        let left = leave.clone();
        let under_way = UnderWay::default();
        let of_run = under_way.clone();
        // A signal that comes while the one before is handled counts too.
        let is_elsewhere = Arc::<AtomicBool>::default();
        let mut signals = Signals::listen(is_elsewhere.clone());
        tokio::spawn(async move {
            signals.next().await;
            printer.tell(&of_run.after_the_first());
            soon.cancel();
            signals.next().await;
            printer.tell(&of_run.after_the_second());
            now.cancel();
            signals.next().await;
            printer.tell(of_run.after_the_third());
            left.cancel();
        });
        Self { stop, leave, is_elsewhere, under_way }
    }

    /// What the run has sent and not seen the end of.
    pub(super) fn under_way(&self) -> &UnderWay {
        &self.under_way
    }

    /// Leaves Ctrl-C to an editor that runs on the terminal.
    pub(super) fn leave_ctrl_c_to_the_editor(&self) -> CtrlCElsewhere {
        self.is_elsewhere.store(true, Ordering::Relaxed);
        CtrlCElsewhere(self.is_elsewhere.clone())
    }

    /// How a deletion is asked to end.
    pub(super) fn stop(&self) -> &Stop {
        &self.stop
    }

    /// Returns after the third signal.
    pub(super) async fn left(&self) {
        self.leave.cancelled().await;
    }

    /// Runs some work until it is done or the run is interrupted. Work that is dropped half-way must leave nothing behind.
    pub(super) async fn or<T>(&self, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        tokio::select! {
            done = work => done,
            () = self.stop.soon.cancelled() => Err(Error::Interrupted),
        }
    }

    /// As [`Self::or`], for work in the database, which is cancelled there too.
    pub(super) async fn or_cancel<T>(
        &self,
        canceller: &Canceller,
        work: impl Future<Output = Result<T, Error>>,
    ) -> Result<T, Error> {
        let done = self.or(work).await;
        if matches!(done, Err(Error::Interrupted)) {
            let _ = tokio::time::timeout(CANCEL_TIMEOUT, canceller.cancel()).await;
        }
        done
    }
}

/// The signals that interrupt a run.
#[cfg(unix)]
struct Signals {
    /// SIGINT, SIGTERM and SIGHUP.
    signals: [Option<tokio::signal::unix::Signal>; 3],
    /// Whether SIGINT is for another program.
    is_elsewhere: Arc<AtomicBool>,
}

#[cfg(unix)]
impl Signals {
    fn listen(is_elsewhere: Arc<AtomicBool>) -> Self {
        use tokio::signal::unix::{SignalKind, signal};

        // Under nohup a lost terminal is no reason to stop.
        let hangup = if ignored_signals() & 1 == 0 { signal(SignalKind::hangup()).ok() } else { None };
        let signals = [signal(SignalKind::interrupt()).ok(), signal(SignalKind::terminate()).ok(), hangup];
        Self { signals, is_elsewhere }
    }

    async fn next(&mut self) {
        let [interrupt, terminate, hangup] = &mut self.signals;
        loop {
            tokio::select! {
                () = heard(interrupt) => {
                    if !self.is_elsewhere.load(Ordering::Relaxed) {
                        return;
                    }
                }
                () = heard(terminate) => return,
                () = heard(hangup) => return,
            }
        }
    }
}

#[cfg(unix)]
async fn heard(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

/// The signals that were ignored from the start, a bit each, SIGHUP being the lowest. Source: proc(5), SigIgn.
#[cfg(unix)]
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|bits| u64::from_str_radix(bits.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen(_: Arc<AtomicBool>) -> Self {
        Self
    }

    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}
