//! Who runs the program, and where.

use std::fmt;
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use nix::unistd::{Uid, User, gethostname};

use crate::text::Foreign;

/// How the application name of a lock holder begins.
const APPLICATION_NAME_PREFIX: &str = "halfbuilt delete, process ";

/// Who runs the program, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The effective user, by name, or by number where there is no name.
    pub user: String,
    /// The machine, as it names itself.
    pub machine: String,
    /// The number of the process.
    pub pid: u32,
}

impl Who {
    /// Asks the operating system. A name that it does not know is replaced by a text that says so.
    pub fn current() -> Self {
        let uid = Uid::effective();
        let user = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name);
        let machine = gethostname().map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned());
        Self { user, machine, pid: std::process::id() }
    }

    /// The application name by which the database server shows whose deletion holds the lock.
    pub fn application_name(&self) -> String {
        // The server keeps 63 bytes of it, so the most important part comes first.
        let Self { user, machine, pid } = self;
        format!("{APPLICATION_NAME_PREFIX}{pid} of {user}@{machine}")
    }

    /// Whether the run of somebody on this machine has ended; false where that cannot be known.
    pub(super) fn knows_ended(&self, other: &Self) -> bool {
        other.machine == self.machine && (other.pid == self.pid || !is_process(other.pid))
    }

    /// Whether the lock holder of this name is another living process of this machine; false where that cannot be known.
    pub fn knows_alive(&self, holder: &str) -> bool {
        let Some((pid, who)) = holder.strip_prefix(APPLICATION_NAME_PREFIX).and_then(|rest| rest.split_once(" of "))
        else {
            return false;
        };
        let Some((_, machine)) = who.split_once('@') else { return false };
        let is_here = !machine.is_empty() && self.machine.starts_with(machine);
        is_here && pid.parse().is_ok_and(|pid: u32| pid != self.pid && is_process(pid))
    }
}

fn is_process(pid: u32) -> bool {
    Path::new(&format!("/proc/{pid}")).exists()
}

/// A run that has not ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Running {
    pub who: Who,
    pub since: Timestamp,
}

impl fmt::Display for Running {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Who { user, machine, pid } = &self.who;
        let (user, machine) = (Foreign::name(user), Foreign::name(machine));
        // In whole seconds, and never before it began.
        let age = SignedDuration::from_secs(Timestamp::now().duration_since(self.since).as_secs().max(0));
        write!(f, "{user} on {machine}, process {pid}, since {:.0} ({age:#})", self.since)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_runs_it_somewhere() {
        let who = Who::current();
        assert!(!who.user.is_empty() && !who.machine.is_empty(), "{who:?}");
        assert_eq!(who.pid, std::process::id());
    }

    #[test]
    fn a_run_on_this_machine_is_known_to_have_ended() {
        let who = Who { user: "alice".to_owned(), machine: "ops1.example".to_owned(), pid: 7 };
        let [init, gone] = [1, u32::MAX].map(|pid| Who { pid, ..who.clone() });
        assert!(!who.knows_ended(&init) && who.knows_ended(&gone) && who.knows_ended(&who));
        assert!(!who.knows_ended(&Who { machine: "ops2.example".to_owned(), ..gone }));
        let since = Timestamp::now() - SignedDuration::from_secs(125);
        let text = Running { who: Who { machine: "a\u{1b}b".to_owned(), ..init }, since }.to_string();
        assert!(text.starts_with("alice on a\\u{1b}b, process 1, since 20") && text.ends_with(" (2m 5s)"), "{text}");
    }

    #[test]
    fn a_holder_is_known_to_live_where_its_process_is_seen() {
        let who = Who { user: "alice".to_owned(), machine: "ops1.example".to_owned(), pid: 7 };
        // The parent of every process of a machine.
        let init = Who { pid: 1, ..who.clone() };
        assert_eq!(init.application_name(), "halfbuilt delete, process 1 of alice@ops1.example");
        assert!(who.knows_alive(&init.application_name()));
        assert!(who.knows_alive("halfbuilt delete, process 1 of alice@ops1.ex"));
        let elsewhere = Who { machine: "ops2.example".to_owned(), ..init.clone() };
        let gone = Who { pid: u32::MAX, ..who.clone() };
        for unknown in [
            elsewhere.application_name(),
            gone.application_name(),
            who.application_name(),
            "psql".to_owned(),
            String::new(),
        ] {
            assert!(!who.knows_alive(&unknown), "{unknown}");
        }
    }
}
