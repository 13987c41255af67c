//! Who runs the program, and where.

use nix::unistd::{Uid, User, gethostname};

/// Who runs the program, and where: for the `start` of a journal.
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
    /// Asks the operating system. What it does not tell is told as that.
    pub fn am_i() -> Self {
        let uid = Uid::effective();
        let user = User::from_uid(uid).ok().flatten().map_or_else(|| format!("uid {uid}"), |user| user.name);
        let machine = gethostname().map_or_else(|_| "unknown".to_owned(), |name| name.to_string_lossy().into_owned());
        Self { user, machine, pid: std::process::id() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_runs_it_somewhere() {
        let who = Who::am_i();
        assert!(!who.user.is_empty() && !who.machine.is_empty(), "{who:?}");
        assert_eq!(who.pid, std::process::id());
    }
}
