//! How old a reading of the database may be when the deletion that it allows is written to an open connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// A clock that goes on while the machine is suspended. Source: clock_gettime(2), CLOCK_BOOTTIME.
#[cfg(target_os = "linux")]
const WHILE_SUSPENDED: ClockId = ClockId::CLOCK_BOOTTIME;
/// The best there is: on macOS it goes on too.
#[cfg(not(target_os = "linux"))]
const WHILE_SUSPENDED: ClockId = ClockId::CLOCK_MONOTONIC;

/// A moment on clocks that nobody sets.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The clock that tests can stop.
    running: Instant,
    /// On [`WHILE_SUSPENDED`].
    since_boot: Duration,
}

impl Moment {
    /// This moment.
    pub fn now() -> Self {
        Self { running: Instant::now(), since_boot: since_boot() }
    }

    /// How long ago it was; the time in which the machine was suspended counts.
    pub fn age(&self) -> Duration {
        self.running.elapsed().max(since_boot().saturating_sub(self.since_boot))
    }

    /// The same moment, as it looks after the machine was suspended for so long.
    #[cfg(test)]
    pub(crate) fn suspended_for(self, time: Duration) -> Self {
        Self { since_boot: self.since_boot.saturating_sub(time), ..self }
    }
}

/// A system without that clock has the other one.
fn since_boot() -> Duration {
    clock_gettime(WHILE_SUSPENDED).map(Duration::from).unwrap_or_default()
}

/// How long something that was read stays fresh enough to be acted on.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    read: Moment,
    limit: Duration,
}

impl Freshness {
    /// Of what was read from this moment on, so long.
    pub fn new(read: Moment, limit: Duration) -> Self {
        Self { read, limit }
    }

    /// Whether it has grown too old.
    pub fn is_over(&self) -> bool {
        self.read.age() > self.limit
    }

    /// How much longer it lasts, if the machine is not suspended.
    pub(super) fn left(&self) -> Duration {
        self.limit.saturating_sub(self.read.age())
    }

    /// Why nothing was sent.
    pub(super) fn too_late(&self) -> String {
        let age = self.read.age().as_secs_f64();
        format!("not sent: {age:.1} s after the build was read, more than {} s", self.limit.as_secs_f64())
    }

    /// For tests of something else.
    #[cfg(test)]
    pub(crate) fn for_ever() -> Self {
        Self::new(Moment::now(), Duration::MAX)
    }
}

/// Writes all of `bytes`, unless what allows it has grown too old by the time that the first of them is taken: then nothing is
/// written, and it is false.
///
/// # Errors
/// The stream fails; some of it may have been written.
pub(super) async fn write_while_fresh(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    fresh: &Freshness,
) -> io::Result<bool> {
    match write_first(stream, bytes, fresh).await? {
        None => Ok(false),
        Some(written) => stream.write_all(&bytes[written..]).await.map(|()| true),
    }
}

/// Writes as much as is taken at once, and tells how much; `None`, and nothing is written, where what allows it has grown too old.
///
/// # Errors
/// The stream fails; nothing was written.
pub(super) async fn write_first(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    fresh: &Freshness,
) -> io::Result<Option<usize>> {
    let first = poll_fn(|context| match fresh.is_over() {
        true => Poll::Ready(Ok(None)),
        false => Pin::new(&mut *stream).poll_write(context, bytes).map_ok(Some),
    });
    match first.await? {
        Some(0) => Err(io::ErrorKind::WriteZero.into()),
        first => Ok(first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_secs(3);

    #[tokio::test(start_paused = true)]
    async fn age_counts_from_the_moment_of_the_reading() {
        let fresh = Freshness::new(Moment::now(), LIMIT);
        tokio::time::advance(LIMIT - Duration::from_millis(500)).await;
        assert!(!fresh.is_over());
        tokio::time::advance(Duration::from_millis(501)).await;
        assert!(fresh.is_over() && fresh.left() == Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspended_machine_counts() {
        let fresh = Freshness::new(Moment::now().suspended_for(LIMIT + Duration::from_millis(1)), LIMIT);
        assert!(fresh.is_over(), "the clock that stands still is not the one that is asked");
    }

    /// The two clocks agree while the machine runs, or one of them is not what it should be.
    #[tokio::test]
    async fn the_clock_that_goes_on_goes() {
        let before = since_boot();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(since_boot() >= before + Duration::from_millis(20), "{before:?}, {:?}", since_boot());
    }

    #[tokio::test(start_paused = true)]
    async fn what_has_grown_old_while_the_stream_was_full_is_not_written() {
        let (mut ours, mut theirs) = tokio::io::duplex(4);
        let fresh = Freshness::new(Moment::now(), LIMIT);
        assert!(write_while_fresh(&mut ours, b"full", &fresh).await.expect("a stream"));
        let late = async {
            tokio::time::sleep(LIMIT * 2).await;
            tokio::io::AsyncReadExt::read_exact(&mut theirs, &mut [0; 4]).await.expect("a stream");
        };
        let (written, ()) = tokio::join!(write_while_fresh(&mut ours, b"more", &fresh), late);
        assert!(!written.expect("a stream"));
        drop(ours);
        assert_eq!(tokio::io::AsyncReadExt::read(&mut theirs, &mut [0; 4]).await.expect("a stream"), 0);
    }
}
