//! The standard streams of a console program, and its terminal.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use crate::admin::freshness::{Freshness, write_first};

type Source = Option<Box<dyn AsyncRead + Send + Sync + Unpin>>;
type Sink = Option<Box<dyn AsyncWrite + Send + Sync + Unpin>>;

/// The streams of a running program. Each is None once it is closed.
#[derive(Default)]
pub(super) struct Streams {
    pub(super) input: Sink,
    /// Standard output, where answers come.
    pub(super) output: Source,
    pub(super) errors: Source,
    /// What the program writes to its controlling terminal, past all pipes.
    pub(super) terminal: Source,
    /// What is typed and not yet written.
    pub(super) outgoing: Vec<u8>,
}

/// A piece of what a program prints.
#[derive(Debug)]
pub(super) enum ProgramOutput {
    /// From standard output, where answers come.
    Stdout(Vec<u8>),
    /// From standard error or the terminal.
    Other(Vec<u8>),
    StdoutClosed,
}

pub(super) fn source(stream: Option<impl AsyncRead + Send + Sync + Unpin + 'static>) -> Source {
    stream.map(|stream| Box::new(stream) as Box<_>)
}

pub(super) fn sink(stream: Option<impl AsyncWrite + Send + Sync + Unpin + 'static>) -> Sink {
    stream.map(|stream| Box::new(stream) as Box<_>)
}

impl Streams {
    /// Writes what is typed and waits for the next piece of output, so that neither side blocks the other. It is cancel-safe. After
    /// [`ProgramOutput::StdoutClosed`] it returns what the other streams still bring; when all are closed, it never returns.
    pub(super) async fn read_output(&mut self) -> ProgramOutput {
        loop {
            tokio::select! {
                piece = read(&mut self.output) => return piece.map_or(ProgramOutput::StdoutClosed, ProgramOutput::Stdout),
                Some(piece) = read(&mut self.errors) => return ProgramOutput::Other(piece),
                Some(piece) = read(&mut self.terminal) => return ProgramOutput::Other(piece),
                () = write(&mut self.input, &mut self.outgoing) => {}
            }
        }
    }

    /// Writes the first of `bytes` if `fresh` has not expired by then, and leaves the rest to [`Streams::read_output`]. Returns false
    /// if nothing is written, for example because earlier bytes are still waiting.
    pub(super) async fn send_while_fresh(&mut self, bytes: &[u8], fresh: &Freshness) -> bool {
        // Where the input is closed, the output or its end shows why.
        let Some(stream) = &mut self.input else { return true };
        if !self.outgoing.is_empty() {
            return false;
        }
        // Nothing wakes us if the program never reads.
        match timeout(fresh.remaining(), write_first(stream, bytes, fresh)).await {
            Ok(Ok(Some(taken))) => self.outgoing.extend_from_slice(&bytes[taken..]),
            Ok(Ok(None)) | Err(_) => return false,
            Ok(Err(_)) => self.input = None,
        }
        true
    }

    /// The next piece of standard error; None at its end.
    pub(super) async fn rest_of_stderr(&mut self) -> Option<Vec<u8>> {
        match self.errors {
            Some(_) => read(&mut self.errors).await,
            None => None,
        }
    }
}

/// Reads the next piece of a stream. Returns None at its end, and never returns for a stream that is closed already.
async fn read(source: &mut Source) -> Option<Vec<u8>> {
    let Some(stream) = source else { return std::future::pending().await };
    let mut piece = vec![0; 8192];
    // A pipe ends where a terminal fails with EIO: when its program is gone.
    let count = stream.read(&mut piece).await.unwrap_or_default();
    if count == 0 {
        *source = None;
        return None;
    }
    piece.truncate(count);
    Some(piece)
}

/// Writes some of the outgoing bytes. A failure only closes the stream: the end of the output shows why.
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
