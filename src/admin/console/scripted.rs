//! Consoles for tests, as shell scripts: they do what a real console does not do on demand.

use std::time::Duration;

use super::ConsoleClient;
use crate::admin::{AdminError, Answer, Freshness, Options};
use crate::build_url::BuildUrl;

pub(super) const FULL: &str = "circle.http.api.admin-commands/delete-build";

/// Shell functions for scripts. `next` reads a line into `$line`; it skips copies of the line before, because a question is asked
/// again on a slow machine, and answers another question for the function as `ready` did. `any` reads any line. `say KIND TEXT`
/// answers as the form itself would; `answer KIND TEXT` does so without the end of the line. `ready` answers the question for the
/// function.
const LIBRARY: &str = r#"
last=
any() { IFS= read -r line || exit 0; }
known=
asks() { case $line in *core/resolve*) [ -n "$known" ];; *) false;; esac; }
next() { any; while [ "$line" = "$last" ] || asks; do [ "$line" = "$last" ] || { last=$line; say V "$known"; }; any; done; last=$line; }
mark() { printf %s "$line" | sed 's/.*reverse "\([a-p]*\)".*/\1/' | rev; }
units() { printf %s "$1" | od -An -v -tx1 | tr -d ' \n' | sed 's/../00&/g' | tr a-f A-F; }
answer() { m=$(mark); printf '%s%s%s%s' "$m" "$1" "$(units "$2")" "$m"; }
say() { printf '\n%s\n' "$(answer "$1" "$2")"; }
ready() { next; known="[${1-#'circle.http.api.admin-commands/delete-build} nil]"; say V "$known"; }
"#;

/// The command line of a console that follows a script.
pub(super) fn script(steps: &str) -> String {
    format!("{LIBRARY}{steps}")
}

/// Longer than anything takes that a test does not wait for, even on a busy machine.
pub(super) const LONG: Duration = Duration::from_secs(100);

/// How long a test of timeouts waits for an answer.
pub(super) const SHORT: Duration = Duration::from_secs(4);

/// Connects to a console that follows a script.
pub(super) async fn open(steps: &str, options: Options) -> Result<ConsoleClient, AdminError> {
    ConsoleClient::connect(&script(steps), options).await
}

pub(super) async fn connect(steps: &str) -> ConsoleClient {
    open(steps, Options::default()).await.expect("a console that is ready")
}

pub(super) fn build(number: u32) -> BuildUrl {
    BuildUrl::parse(&format!("https://ci.example.com/gh/acme/api/{number}")).expect("a build")
}

/// Deletes a build, and tries again if the console or the machine is slow.
pub(super) async fn delete(client: &mut ConsoleClient, number: u32) -> Answer {
    match client.delete(&build(number), &Freshness::for_ever()).await {
        Answer::Busy(Duration::ZERO, _) => client.delete(&build(number), &Freshness::for_ever()).await,
        answer => answer,
    }
}
