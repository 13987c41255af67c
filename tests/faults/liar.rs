//! Stands between the program and the real admin server, lets everything pass until a deletion is asked for, and then says what a
//! sound server never would.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What it says instead of the answer.
#[derive(Clone)]
pub struct Lie {
    /// What is said once.
    pub first: Vec<u8>,
    /// What is said after it, again and again for as long as anybody listens; empty: nothing.
    pub then: Vec<u8>,
}

/// A running liar. It ends with the process.
pub struct Liar {
    pub port: u16,
    /// How many bytes it has said that were not the server's.
    said: Arc<AtomicU64>,
}

impl Liar {
    pub fn start(to: &str, lie: Lie) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let (port, to) = (listener.local_addr().expect("an address").port(), format!("127.0.0.1:{to}"));
        let said = Arc::new(AtomicU64::new(0));
        let counted = Arc::clone(&said);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                let (lie, to, counted) = (lie.clone(), to.clone(), Arc::clone(&counted));
                std::thread::spawn(move || {
                    // Who has gone needs no lie.
                    let _ = serve(client, &TcpStream::connect(to).expect("the server answers"), &lie, &counted);
                });
            }
        });
        Self { port, said }
    }

    pub fn said(&self) -> u64 {
        self.said.load(Ordering::SeqCst)
    }
}

fn serve(mut client: TcpStream, server: &TcpStream, lie: &Lie, said: &AtomicU64) -> std::io::Result<()> {
    let mut answers = (server.try_clone()?, client.try_clone()?);
    let passing = std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = answers.0.read(&mut buffer) {
            if answers.1.write_all(&buffer[..read]).is_err() {
                break;
            }
        }
    });
    let mut buffer = [0; 8192];
    let mut to_server = server.try_clone()?;
    loop {
        let read = client.read(&mut buffer)?;
        if read == 0 {
            server.shutdown(Shutdown::Both)?;
            return Ok(());
        }
        // Only a deletion names a build.
        if buffer[..read].windows(8).any(|bytes| bytes == b"https://") {
            break;
        }
        to_server.write_all(&buffer[..read])?;
    }
    server.shutdown(Shutdown::Both)?;
    passing.join().expect("a thread");
    let mut say = |bytes: &[u8]| {
        said.fetch_add(bytes.len() as u64, Ordering::SeqCst);
        client.write_all(bytes)
    };
    say(&lie.first)?;
    while !lie.then.is_empty() {
        say(&lie.then)?;
    }
    // Silent, until the client has gone.
    while client.read(&mut buffer)? > 0 {}
    Ok(())
}
