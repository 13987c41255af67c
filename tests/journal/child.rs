//! This test program started again, as a run that is killed, held up or out of room.

use std::io::Write;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use halfbuilt::deletion::journal::{Event, Journal};

use crate::samples::{answer, deleted, intent, start, wait};

const FILE: &str = "HALFBUILT_TEST_JOURNAL";
const ROLE: &str = "HALFBUILT_TEST_ROLE";

/// Starts a child; `shell` is done before it, in the same process.
pub fn spawn(role: &str, file: &Path, shell: &str) -> Child {
    let program = std::env::current_exe().expect("this program");
    let mut command = Command::new("bash");
    command.args(["-c", &format!("{shell}\nexec \"$0\" \"$@\"")]).arg(program);
    command.args(["--exact", "child::plays_its_role", "--ignored", "--nocapture"]);
    command.env(FILE, file).env(ROLE, role).stdin(Stdio::piped()).stdout(Stdio::piped());
    command.spawn().expect("a child")
}

/// What a child said, line by line: `acknowledged 12`.
pub fn reported<'a>(stdout: &'a str, word: &'a str) -> impl Iterator<Item = &'a str> {
    stdout.lines().filter_map(move |line| line.strip_prefix(word)?.strip_prefix(' '))
}

fn report(word: &str, what: &dyn std::fmt::Display) {
    // In one write: half a line must not pass for a line when this is killed.
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("{word} {what}\n").as_bytes()).and_then(|()| stdout.flush()).expect("a pipe");
}

#[test]
#[ignore = "the child of other tests"]
fn plays_its_role() {
    let (Ok(role), Some(file)) = (std::env::var(ROLE), std::env::var_os(FILE)) else { return };
    let (journal, past) = Journal::open(file.as_ref()).expect("a journal");
    // Each session has builds of its own: a killed one left gaps.
    let next = past.sessions.len() as u64 * 1_000_000 + 1;
    wait(async {
        journal.append(vec![start()]).await.expect("an append");
        report("opened", &next);
        match role.as_str() {
            "holds" => drop(std::io::stdin().read_line(&mut String::new())),
            "fills" => fill(&journal, next).await,
            // Until it is killed.
            "writes" => drop(futures_util::future::join_all((0..8).map(|lane| write(&journal, next + lane))).await),
            other => panic!("no role {other}"),
        }
    });
}

/// Deletes every eighth build for ever, as one of eight jobs.
async fn write(journal: &Journal, first: u64) {
    for number in (first..).step_by(8) {
        journal.append(vec![intent(number)]).await.expect("an append");
        report("acknowledged", &number);
        journal.note(answer(number));
        tokio::time::sleep(Duration::from_micros(number % 7 * 100)).await;
        journal.note(deleted(number));
    }
}

async fn fill(journal: &Journal, first: u64) {
    for number in first.. {
        if let Err(error) = journal.append(vec![intent(number)]).await {
            let causes = halfbuilt::causes::distinct_causes(&error).join(": ");
            report("failed", &format!("{error}: {causes}"));
            for event in [Event::looked("", true, ""), start()] {
                let again = journal.append(vec![event]).await.expect_err("a broken journal");
                assert_eq!(again.to_string(), error.to_string());
            }
            return;
        }
        report("acknowledged", &number);
    }
}
