//! Keeps what is in memory, a token or a password, out of core dumps.

use std::io;

use nix::sys::resource::{Resource, setrlimit};

/// Has this process, and what it starts, leave no core dump when it ends by a signal.
///
/// # Errors
/// The operating system does not allow that.
pub fn forbid() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // The limit does not count where a program is given the dump. Source: core(5). Nor may others look into this process then.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}
