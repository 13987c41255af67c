//! A server that answers to the first messages of a connection as a test says, for what a real one does not do on demand.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};

/// What it does with each connection.
#[derive(Clone, Copy)]
pub enum Answer {
    /// Nothing at all.
    Silence,
    /// An error with this SQLSTATE to the first startup message; no TLS.
    Error(&'static str),
    /// An error instead of a yes or no to the question for TLS.
    ErrorToTls,
    /// Hangs up when it is asked for TLS.
    HangUp,
    /// Says yes to TLS, and sends more in plain text behind it.
    Stuffing,
}

/// Starts one, and gives back its port. It ends with the process.
pub fn scripted(answer: Answer) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    std::thread::spawn(move || {
        // Those that are to hear nothing are kept, or they would hear the end.
        let mut kept = Vec::new();
        for stream in listener.incoming().flatten() {
            let mut stream = stream;
            // A client that has gone needs no answer.
            let _ = respond(&mut stream, answer);
            if matches!(answer, Answer::Silence) {
                kept.push(stream);
            }
        }
    });
    port
}

fn respond(stream: &mut TcpStream, answer: Answer) -> std::io::Result<()> {
    const TLS_REQUEST: u32 = 80_877_103;
    if matches!(answer, Answer::Silence) {
        return Ok(());
    }
    loop {
        let mut head = [0; 8];
        stream.read_exact(&mut head)?;
        let word = |at: usize| u32::from_be_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
        let mut rest = vec![0; word(0) as usize - head.len()];
        stream.read_exact(&mut rest)?;
        match answer {
            Answer::Error(_) if word(4) == TLS_REQUEST => stream.write_all(b"N")?,
            Answer::Error(code) => return stream.write_all(&error(code)),
            Answer::ErrorToTls => return stream.write_all(&error("08P01")),
            Answer::Stuffing => return stream.write_all(&[b"S", error("28000").as_slice()].concat()),
            Answer::HangUp | Answer::Silence => return Ok(()),
        }
    }
}

fn error(code: &str) -> Vec<u8> {
    let fields = format!("SFATAL\0VFATAL\0C{code}\0Mas it was told to\0\0");
    [b"E".as_slice(), &(fields.len() as u32 + 4).to_be_bytes(), fields.as_bytes()].concat()
}
