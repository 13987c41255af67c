//! What goes to a program and what comes from it.

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

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
