//! A run that a test talks to while it runs.

use std::io::BufRead;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

pub use nix::sys::signal::Signal;

use super::wait_until;

/// Sends a signal to a process.
#[track_caller]
pub fn signal(child: &Child, signal: Signal) {
    nix::sys::signal::kill(number(child), signal).expect("it is there");
}

/// Sends a signal to a process and all others of the group that it leads, as a terminal does.
#[track_caller]
pub fn signal_group(child: &Child, signal: Signal) {
    nix::sys::signal::killpg(number(child), signal).expect("it is there");
}

fn number(child: &Child) -> nix::unistd::Pid {
    nix::unistd::Pid::from_raw(i32::try_from(child.id()).expect("a number"))
}

/// What a run says on stderr, heard while it runs.
pub struct Hearing {
    said: Arc<Mutex<String>>,
    thread: JoinHandle<()>,
}

impl Hearing {
    /// Begins to listen.
    pub fn of(child: &mut Child) -> Self {
        let stderr = child.stderr.take().expect("a pipe");
        let said = Arc::new(Mutex::new(String::new()));
        let heard = Arc::clone(&said);
        let thread = std::thread::spawn(move || {
            for line in std::io::BufReader::new(stderr).lines().map_while(Result::ok) {
                let mut heard = heard.lock().expect("no panic");
                heard.push_str(&line);
                heard.push('\n');
            }
        });
        Self { said, thread }
    }

    /// What was said so far.
    pub fn so_far(&self) -> String {
        self.said.lock().expect("no panic").clone()
    }

    /// Waits until this is said.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        wait_until(|| self.so_far().contains(text));
    }

    /// All that was said, once the run has ended.
    pub fn all(self) -> String {
        self.thread.join().expect("a thread");
        std::mem::take(&mut self.said.lock().expect("no panic"))
    }

    /// Waits for the end of the run.
    pub fn done(self, child: Child) -> super::Done {
        let output = child.wait_with_output().expect("it ends");
        super::Done { stderr: self.all(), ..super::Done::new(output) }
    }
}
