//! What goes to a program and what comes from it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::admin::freshness::{Freshness, write_first};

type Source = Option<Box<dyn AsyncRead + Send + Sync + Unpin>>;
type Sink = Option<Box<dyn AsyncWrite + Send + Sync + Unpin>>;

/// The streams of a running program. Each is None once it has ended.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) input: Sink,
    /// Where answers come.
    pub(super) output: Source,
    pub(super) errors: Source,
    /// What is written past all pipes, to the controlling terminal.
    pub(super) terminal: Source,
    /// Typed, and not yet taken by the system.
    pub(super) outgoing: Vec<u8>,
}

/// What came from a program.
#[derive(Debug)]
pub(super) enum Heard {
    /// On standard output, where answers come.
    Output(Vec<u8>),
    /// Anywhere else.
    Talk(Vec<u8>),
    /// Standard output has ended.
    Ended,
}

/// A stream from a program.
pub(super) fn source(stream: Option<impl AsyncRead + Send + Sync + Unpin + 'static>) -> Source {
    stream.map(|stream| Box::new(stream) as Box<_>)
}

/// A stream to a program.
pub(super) fn sink(stream: Option<impl AsyncWrite + Send + Sync + Unpin + 'static>) -> Sink {
    stream.map(|stream| Box::new(stream) as Box<_>)
}

impl Streams {
    /// Types what is to be typed, and waits for the next piece of output. So neither side can wait for the other. Dropping
    /// the future loses nothing. After [`Heard::Ended`] it says what else is said, and never returns when all is.
    pub(super) async fn hear(&mut self) -> Heard {
        loop {
            tokio::select! {
                piece = read(&mut self.output) => return piece.map_or(Heard::Ended, Heard::Output),
                Some(piece) = read(&mut self.errors) => return Heard::Talk(piece),
                Some(piece) = read(&mut self.terminal) => return Heard::Talk(piece),
                () = write(&mut self.input, &mut self.outgoing) => {}
            }
        }
    }

    /// Sends the first of `bytes`, if what allows them is still fresh when it is taken, and leaves the rest to [`Streams::hear`]. False
    /// where nothing was taken; that is also so as long as something before it was not.
    pub(super) async fn send_while_fresh(&mut self, bytes: &[u8], fresh: &Freshness) -> bool {
        // One whose input has ended will not hear it: its output, or the end of it, tells why.
        let Some(stream) = &mut self.input else { return true };
        if !self.outgoing.is_empty() {
            return false;
        }
        // Where nobody takes anything, nothing would wake us.
        match timeout(fresh.left(), write_first(stream, bytes, fresh)).await {
            Ok(Ok(Some(taken))) => self.outgoing.extend_from_slice(&bytes[taken..]),
            Ok(Ok(None)) | Err(_) => return false,
            Ok(Err(_)) => self.input = None,
        }
        true
    }

    /// What is yet to come on standard error; None at its end.
    pub(super) async fn last_words(&mut self) -> Option<Vec<u8>> {
        match self.errors {
            Some(_) => read(&mut self.errors).await,
            None => None,
        }
    }
}

/// The next piece of a stream; None at its end, and nothing at all from one that has ended before.
async fn read(source: &mut Source) -> Option<Vec<u8>> {
    let Some(stream) = source else { return std::future::pending().await };
    let mut piece = vec![0; 8192];
    // A terminal whose program has gone fails with EIO, where a pipe ends.
    let count = stream.read(&mut piece).await.unwrap_or_default();
    if count == 0 {
        *source = None;
        return None;
    }
    piece.truncate(count);
    Some(piece)
}

/// Sends some of what is to be sent; if nobody takes it, whether the output has ended will tell why.
async fn write(sink: &mut Sink, outgoing: &mut Vec<u8>) {
    let (Some(stream), false) = (sink.as_mut(), outgoing.is_empty()) else { return std::future::pending().await };
    match stream.write(outgoing).await {
        Ok(count) if count > 0 => drop(outgoing.drain(..count)),
        _ => {
            outgoing.clear();
            *sink = None;
        }
    }
}
