//! How old the reading of a build may be when its deletion is written to an open connection.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;

use nix::time::{ClockId, clock_gettime};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::Instant;

/// A clock that keeps running while the machine is suspended. Source: clock_gettime(2), CLOCK_BOOTTIME.
#[cfg(target_os = "linux")]
const CLOCK_WHILE_SUSPENDED: ClockId = ClockId::CLOCK_BOOTTIME;
/// The best clock there is: on macOS it keeps running too.
#[cfg(not(target_os = "linux"))]
const CLOCK_WHILE_SUSPENDED: ClockId = ClockId::CLOCK_MONOTONIC;

/// A moment on clocks that nobody can set.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// On the clock that tests can stop.
    running: Instant,
    /// On [`CLOCK_WHILE_SUSPENDED`].
    since_boot: Duration,
}

impl Moment {
    pub fn now() -> Self {
        Self { running: Instant::now(), since_boot: since_boot() }
    }

    /// How long ago it was. Time in suspension counts.
    pub fn age(&self) -> Duration {
        self.running.elapsed().max(since_boot().saturating_sub(self.since_boot))
    }

    /// The same moment as it looks after the machine was suspended for this time.
    #[cfg(test)]
    pub(crate) fn suspended_for(self, time: Duration) -> Self {
        Self { since_boot: self.since_boot.saturating_sub(time), ..self }
    }
}

/// Zero on a system without that clock: the other clock counts then.
fn since_boot() -> Duration {
    clock_gettime(CLOCK_WHILE_SUSPENDED).map(Duration::from).unwrap_or_default()
}

/// How long a reading of a build allows its deletion.
#[derive(Clone, Copy, Debug)]
pub struct Freshness {
    read: Moment,
    limit: Duration,
}

impl Freshness {
    /// `read` is when the reading began.
    pub fn new(read: Moment, limit: Duration) -> Self {
        Self { read, limit }
    }

    pub fn has_expired(&self) -> bool {
        self.read.age() > self.limit
    }

    /// The time until it expires, if the machine is not suspended.
    pub(super) fn remaining(&self) -> Duration {
        self.limit.saturating_sub(self.read.age())
    }

    pub(super) fn why_stale(&self) -> String {
        let age = self.read.age().as_secs_f64();
        format!("not sent: the build was read {age:.1} s ago, more than {} s", self.limit.as_secs_f64())
    }

    #[cfg(test)]
    pub(crate) fn for_ever() -> Self {
        Self::new(Moment::now(), Duration::MAX)
    }
}

/// Writes all of `bytes`. If `fresh` has expired when the first byte is written, it writes nothing and returns false.
///
/// # Errors
/// The stream fails. Some bytes may have been written.
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

/// Writes as many bytes as the stream takes at once, and returns their number. If `fresh` has expired, it writes nothing and returns
/// `None`.
///
/// # Errors
/// The stream fails. Nothing was written.
pub(super) async fn write_first(
    stream: &mut (impl AsyncWrite + Unpin),
    bytes: &[u8],
    fresh: &Freshness,
) -> io::Result<Option<usize>> {
    let first = poll_fn(|context| match fresh.has_expired() {
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
        assert!(!fresh.has_expired());
        tokio::time::advance(Duration::from_millis(501)).await;
        assert!(fresh.has_expired() && fresh.remaining() == Duration::ZERO);
    }

    #[tokio::test(start_paused = true)]
    async fn a_suspended_machine_counts() {
        let fresh = Freshness::new(Moment::now().suspended_for(LIMIT + Duration::from_millis(1)), LIMIT);
        assert!(fresh.has_expired(), "the clock that stops in suspension was used");
    }

    #[tokio::test]
    async fn the_clock_for_suspension_runs() {
        let before = since_boot();
        tokio::time::sleep(Duration::from_millis(20)).await;
        assert!(since_boot() >= before + Duration::from_millis(20), "{before:?}, {:?}", since_boot());
    }

    #[tokio::test(start_paused = true)]
    async fn what_expires_while_the_stream_is_full_is_not_written() {
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
