//! This test program started again, as a command that makes and uses the private database: `collect` does it so.

use std::io::Write;

use halfbuilt::causes::distinct_causes;
use halfbuilt::sources::private::{PrivateCluster, PrivateError};

use crate::support::ROLE;

/// A line that the test reads. libtest writes to the same stream.
fn say(line: &str) {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(format!("\nsaid: {line}\n").as_bytes()).and_then(|()| stdout.flush()).expect("a pipe");
}

#[test]
#[ignore = "the child of other tests"]
fn plays_its_role() {
    let Ok(role) = std::env::var(ROLE) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let done = runtime.block_on(async {
        match role.as_str() {
            "holds" => {
                let cluster = PrivateCluster::start("collect").await?;
                say(&format!("settings {}", cluster.settings()));
                let _ = std::io::stdin().read_line(&mut String::new());
            }
            "starts" => say(&PrivateCluster::start("collect").await?.describe()),
            other => panic!("no role {other}"),
        }
        Ok::<_, PrivateError>(())
    });
    if let Err(error) = &done {
        say(&format!("error: {error}"));
        distinct_causes(error).iter().for_each(|cause| say(&format!("  caused by: {cause}")));
        error.hint().iter().for_each(|hint| say(&format!("hint: {hint}")));
    }
    say(if done.is_ok() { "exit 0" } else { "exit 3" });
}
