//! A TCP proxy that does to a connection what networks do.

use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use crate::random::Random;

/// What happens to a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Nothing.
    None,
    /// Everything comes a little later.
    Delay,
    /// Everything comes in drops.
    Throttle,
    /// What the server says comes too late.
    Late,
    /// It ends in the middle of a message.
    Cut,
    /// It is reset in the middle of a message.
    Reset,
    /// Nothing more comes, and nothing ends.
    Blackhole,
}

/// All of them.
pub const FAULTS: [Fault; 7] =
    [Fault::None, Fault::Delay, Fault::Throttle, Fault::Late, Fault::Cut, Fault::Reset, Fault::Blackhole];

/// How long a piece that comes too late takes.
const LATE: Duration = Duration::from_millis(1500);

/// A running proxy. It ends with the process.
pub struct FaultProxy {
    pub port: u16,
    shared: Arc<Shared>,
}

struct Shared {
    /// Those that may happen to a new connection.
    faults: Mutex<Vec<Fault>>,
    random: Mutex<Random>,
    /// What happens to all connections at once.
    forced: Mutex<Option<Fault>>,
    /// Whether anything happens at all.
    sick: AtomicBool,
    /// How many connections something happened to.
    hurt: AtomicU64,
}

/// A connection, as both of its directions know it.
struct Link {
    fault: Fault,
    /// After how many bytes, of both directions, it happens.
    after: u64,
    passed: AtomicU64,
    over: AtomicBool,
    shared: Arc<Shared>,
}

impl FaultProxy {
    /// Starts one before a port of this machine.
    pub fn start(to: u16, faults: &[Fault], seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let shared = Arc::new(Shared {
            faults: Mutex::new(faults.to_vec()),
            random: Mutex::new(Random::new(seed)),
            forced: Mutex::new(None),
            sick: AtomicBool::new(true),
            hurt: AtomicU64::new(0),
        });
        let of_all = Arc::clone(&shared);
        std::thread::spawn(move || {
            for client in listener.incoming().flatten() {
                // Where nobody listens the client sees its connection end.
                let Ok(server) = TcpStream::connect(("127.0.0.1", to)) else { continue };
                connect(client, server, &of_all);
            }
        });
        Self { port, shared }
    }

    /// From now on this happens to all connections, those that are open too.
    pub fn now(&self, fault: Fault) {
        *self.shared.faults.lock().expect("no panic") = vec![fault];
        *self.shared.forced.lock().expect("no panic") = Some(fault);
    }

    /// From now on nothing happens any more; what hangs ends.
    pub fn heal(&self) {
        self.shared.sick.store(false, Ordering::SeqCst);
    }

    /// How many connections something happened to.
    pub fn hurt(&self) -> u64 {
        self.shared.hurt.load(Ordering::SeqCst)
    }
}

fn connect(client: TcpStream, server: TcpStream, shared: &Arc<Shared>) {
    let (fault, after) = {
        let mut random = shared.random.lock().expect("no panic");
        let fault = random.pick(&shared.faults.lock().expect("no panic"));
        // Often within the first words, often somewhere in the work.
        let most = random.pick(&[200, 2000, 20_000, 100_000]);
        (fault, random.below(most))
    };
    let (passed, over) = (AtomicU64::new(0), AtomicBool::new(false));
    let link = Arc::new(Link { fault, after, passed, over, shared: Arc::clone(shared) });
    for stream in [&client, &server] {
        stream.set_nodelay(true).expect("an option");
        stream.set_read_timeout(Some(Duration::from_millis(20))).expect("an option");
    }
    let both = (client.try_clone().expect("a socket"), server.try_clone().expect("a socket"));
    let other = Arc::clone(&link);
    std::thread::spawn(move || other.pass(both.1, both.0, true));
    std::thread::spawn(move || link.pass(client, server, false));
}

impl Link {
    /// Passes on what comes, until either side ends.
    fn pass(&self, mut from: TcpStream, mut to: TcpStream, from_server: bool) {
        let mut buffer = [0; 8192];
        while !self.over.load(Ordering::SeqCst) {
            match from.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => {
                    if !self.give(&mut to, &buffer[..read], from_server) {
                        break;
                    }
                }
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(_) => break,
            }
        }
        // Both sockets are closed when both directions have let go of them.
        self.over.store(true, Ordering::SeqCst);
    }

    /// Passes on a piece, or does to it what is to happen. False where the connection ends.
    fn give(&self, to: &mut TcpStream, piece: &[u8], from_server: bool) -> bool {
        let before = self.passed.fetch_add(piece.len() as u64, Ordering::SeqCst);
        let forced = *self.shared.forced.lock().expect("no panic");
        let fault = forced.unwrap_or(self.fault);
        let is_due = (before + piece.len() as u64 > self.after || forced.is_some()) && self.sick();
        if is_due && before <= self.after && fault != Fault::None {
            self.shared.hurt.fetch_add(1, Ordering::SeqCst);
        }
        match fault {
            _ if !is_due => {}
            Fault::None => {}
            Fault::Delay => self.wait(Duration::from_millis(20 + before % 50)),
            Fault::Late if from_server => self.wait(LATE),
            Fault::Late => {}
            Fault::Throttle => {
                return piece.chunks(97).all(|drop| {
                    self.wait(Duration::from_millis(2));
                    to.write_all(drop).is_ok()
                });
            }
            Fault::Cut | Fault::Reset => {
                let _ = to.write_all(&piece[..piece.len() / 2]);
                if fault == Fault::Reset {
                    // To close a socket that lingers for no time resets the connection.
                    let _ = socket2::SockRef::from(&*to).set_linger(Some(Duration::ZERO));
                }
                return false;
            }
            Fault::Blackhole => {
                while self.sick() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                return false;
            }
        }
        to.write_all(piece).is_ok()
    }

    fn sick(&self) -> bool {
        self.shared.sick.load(Ordering::SeqCst)
    }

    fn wait(&self, time: Duration) {
        let until = Instant::now() + time;
        while self.sick() && Instant::now() < until {
            std::thread::sleep(Duration::from_millis(2).min(time));
        }
    }
}
