//! Runs a program of a list: no shell, no input, bounded output, and an end for its whole process group.

use std::io;
use std::process::Stdio;
use std::time::Duration;

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::time::timeout;

/// The most bytes of its output.
const OUTPUT: u64 = 4 << 20;
/// The most bytes of what it says of an error.
const ERRORS: u64 = 8 << 10;

/// What a program did.
#[derive(Debug)]
pub(super) struct Ran {
    /// Its exit code; `None` where a signal ended it.
    pub(super) code: Option<i32>,
    pub(super) output: Vec<u8>,
    /// The first line of what it said on standard error.
    pub(super) said: String,
}

/// The process group of a program. It ends with this value, with all that the program has started in it.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            let _ = killpg(group, Signal::SIGKILL);
        }
    }
}

/// Runs a program to its end.
///
/// # Errors
/// It is not there, may not be run, takes too long or writes too much: in words.
pub(super) async fn run(words: &[String], longest: Duration) -> Result<Ran, String> {
    let (program, arguments) = words.split_first().ok_or("no program is named")?;
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    // Messages as its documentation has them, and no colours.
    command.env("LC_ALL", "C").env("TERM", "dumb").process_group(0).kill_on_drop(true);
    let mut child = command.spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => format!("{program} is not there"),
        io::ErrorKind::PermissionDenied => format!("{program} may not be run: permission denied"),
        _ => format!("{program} cannot be run: {error}"),
    })?;
    let mut group = Group(child.id().and_then(|id| i32::try_from(id).ok()).map(Pid::from_raw));
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let work = async {
        let output = async {
            let output = read(stdout, OUTPUT + 1).await?;
            // Whoever writes more is not waited for.
            if output.len() as u64 > OUTPUT { Err(io::Error::other("too much")) } else { Ok(output) }
        };
        tokio::try_join!(output, read(stderr, ERRORS), child.wait())
    };
    let (output, errors, status) = match timeout(longest, work).await {
        Err(_) => return Err(format!("{program} did not end in {longest:?}, and was ended")),
        Ok(Err(_)) => return Err(format!("{program} wrote more than {} MiB, and was ended", OUTPUT >> 20)),
        Ok(Ok(done)) => done,
    };
    // Its number may be given to another process from now on, but what it left behind in its group keeps the group's.
    if is_gone(&group) {
        group.0 = None;
    }
    let said = String::from_utf8_lossy(&errors);
    let said = said.lines().map(str::trim).find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    Ok(Ran { code: status.code(), output, said })
}

/// Whether nothing of the group is left.
fn is_gone(group: &Group) -> bool {
    group.0.is_none_or(|group| killpg(group, None).is_err())
}

/// Reads to the end, and keeps so many bytes.
async fn read(from: Option<impl AsyncRead + Unpin>, most: u64) -> io::Result<Vec<u8>> {
    let mut kept = Vec::new();
    let Some(mut from) = from else { return Ok(kept) };
    (&mut from).take(most).read_to_end(&mut kept).await?;
    if (kept.len() as u64) < OUTPUT {
        // What nobody reads would hold the program up. The time-out ends an endless one.
        tokio::io::copy(&mut from, &mut tokio::io::sink()).await?;
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &[&str]) -> Vec<String> {
        text.iter().map(|word| (*word).to_owned()).collect()
    }

    #[tokio::test]
    async fn a_program_is_run_without_a_shell_and_with_no_input() {
        let ran = run(&words(&["cat"]), Duration::from_secs(60)).await.expect("it runs");
        assert_eq!((ran.code, ran.output.len()), (Some(0), 0));
        let ran = run(&words(&["echo", "$HOME; false"]), Duration::from_secs(60)).await.expect("it runs");
        assert_eq!(ran.output, b"$HOME; false\n");
        let ran = run(&words(&["sh", "-c", "echo first >&2; echo second >&2; exit 7"]), Duration::from_secs(60)).await;
        let ran = ran.expect("it runs");
        assert_eq!((ran.code, ran.said.as_str()), (Some(7), "first"));
        let missing = run(&words(&["/nonexistent/program"]), Duration::from_secs(60)).await.expect_err("no program");
        assert_eq!(missing, "/nonexistent/program is not there");
    }

    #[tokio::test]
    async fn what_hangs_or_floods_is_ended_with_all_that_it_started() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("pid");
        let script = format!("sleep 1000 & echo $! > {0}.new; mv {0}.new {0}; wait", file.display());
        let words_of_it = words(&["sh", "-c", &script]);
        let has_begun = async {
            while !file.exists() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        // As where somebody interrupts it.
        tokio::select! {
            ran = run(&words_of_it, Duration::from_secs(600)) => panic!("it ended: {ran:?}"),
            () = has_begun => {}
        }
        let child: i32 = std::fs::read_to_string(&file).expect("a file").trim().parse().expect("a number");
        // Killed, it is a zombie until its new parent has noticed.
        let state = || std::fs::read_to_string(format!("/proc/{child}/stat")).unwrap_or_default();
        let until = std::time::Instant::now() + Duration::from_secs(60);
        while !(state().is_empty() || state().contains(") Z")) {
            assert!(std::time::Instant::now() < until, "the child lives");
            std::thread::sleep(Duration::from_millis(20));
        }
        let why = run(&words(&["sleep", "1000"]), Duration::from_millis(50)).await.expect_err("it hangs");
        assert_eq!(why, "sleep did not end in 50ms, and was ended");
        let why = run(&words(&["yes"]), Duration::from_secs(60)).await.expect_err("it floods");
        assert_eq!(why, "yes wrote more than 4 MiB, and was ended");
    }
}
