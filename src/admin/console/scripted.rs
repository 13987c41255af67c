//! Consoles for tests, as shell scripts: they do what a real one does not do on demand.

use std::time::Duration;

use super::Client;
use crate::admin::{AdminError, Answer, Freshness, Options};
use crate::build_url::BuildUrl;

pub(super) const FULL: &str = "circle.http.api.admin-commands/delete-build";

/// What a script may use: `next` reads a line into `$line`, and passes over copies of the one before, for a question is asked again
/// where the machine is slow to answer, and answers another question for the function as `ready` did; `any` reads all that too; `say KIND TEXT` answers it as the form itself would; `answer KIND TEXT`
/// gives out the same without the line's end; `ready` answers the question for the function; `value` and `throws` are whole
/// conversations about one deletion.
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

/// Longer than anything may take that is not waited for, on however busy a machine.
pub(super) const LONG: Duration = Duration::from_secs(100);

/// How long a test of timeouts waits for an answer.
pub(super) const SHORT: Duration = Duration::from_secs(4);

/// Connects to a console that follows a script.
pub(super) async fn open(steps: &str, options: Options) -> Result<Client, AdminError> {
    Client::connect(&script(steps), options).await
}

pub(super) async fn connect(steps: &str) -> Client {
    open(steps, Options::default()).await.expect("a console that is ready")
}

pub(super) fn build(number: u32) -> BuildUrl {
    BuildUrl::parse(&format!("https://ci.example.com/gh/acme/api/{number}")).expect("a build")
}

/// Deletes a build, which may have to be allowed anew where a console is slow to start, or the machine to get to it.
pub(super) async fn delete(client: &mut Client, number: u32) -> Answer {
    match client.delete(&build(number), &Freshness::for_ever()).await {
        Answer::Busy(Duration::ZERO, _) => client.delete(&build(number), &Freshness::for_ever()).await,
        answer => answer,
    }
}
