//! Keeps tokens and passwords out of core dumps.

use std::io;

use nix::sys::resource::{Resource, setrlimit};

/// Turns off core dumps for this process and for what it starts.
///
/// # Errors
/// The operating system does not allow it.
pub fn disable() -> io::Result<()> {
    setrlimit(Resource::RLIMIT_CORE, 0, 0)?;
    // The limit does not apply where the system pipes dumps to a program (core(5)). This also keeps debuggers out.
    #[cfg(target_os = "linux")]
    nix::sys::prctl::set_dumpable(false)?;
    Ok(())
}
