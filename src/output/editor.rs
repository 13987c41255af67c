//! A text that a person edits, in the editor that they have chosen.

use std::env;
use std::ffi::OsString;
use std::fs::{OpenOptions, Permissions};
use std::io::{self, IsTerminal, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::SystemTime;

use tempfile::TempDir;

use crate::admin::is_private_variable;
use crate::file_access;
use crate::text::Foreign;

/// The name of the file that is edited. It has no ending by which an editor would know a language.
const NAME: &str = "builds-to-delete";
/// Only the owner may look into the folder, and at the file.
const FOLDER_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;
/// What a shell says of a program that it cannot start. Source: POSIX, Shell Command Language, 2.8.2.
const NOT_STARTED: [i32; 2] = [126, 127];

/// Why nothing came back from an editor.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EditorError {
    #[error("an editor needs a terminal, and standard input or standard error is none")]
    NoTerminal,
    #[error("the editor {editor:?} cannot be started")]
    Start { editor: Foreign, source: Option<io::Error> },
    /// It ended in a way that says that its text is not meant.
    #[error("the editor {editor:?} ended with {status}: nothing was chosen")]
    GaveUp { editor: Foreign, status: ExitStatus },
    /// It came back at once, or a person left it as one leaves a text that is only looked at.
    #[error("the editor {editor:?} has not saved the list: nothing was chosen")]
    NotSaved { editor: Foreign },
    #[error("the file for the editor cannot be written or read")]
    File(#[source] io::Error),
}

impl EditorError {
    /// What to do next.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NoTerminal => {
                "choose by --reason, --timing and --project, or name the builds: halfbuilt delete URL...; a list of URLs may come from \
                 standard input"
            }
            Self::Start { .. } => "name your editor by the environment variable VISUAL or EDITOR",
            Self::GaveUp { .. } => "leave the editor as usual to choose what its list holds",
            Self::NotSaved { .. } => {
                "save the list, changed or not, to choose what it holds; an editor with a window needs a flag to be waited for, such as \
                 EDITOR='code -w'"
            }
            Self::File(_) => return None,
        })
    }
}

/// Checks that a person can edit something here.
///
/// # Errors
/// There is no terminal.
pub fn check_terminal() -> Result<(), EditorError> {
    match io::stdin().is_terminal() && io::stderr().is_terminal() {
        true => Ok(()),
        false => Err(EditorError::NoTerminal),
    }
}

/// A text in a file of its own, in a private folder, which goes when this is dropped.
pub struct Draft(TempDir);

impl Draft {
    /// Writes the text for an editor.
    ///
    /// # Errors
    /// There is no terminal, or the file cannot be written.
    pub fn new(text: &str) -> Result<Self, EditorError> {
        check_terminal()?;
        let mut builder = tempfile::Builder::new();
        let folder = builder.prefix("halfbuilt-").permissions(Permissions::from_mode(FOLDER_MODE)).tempdir();
        let folder = folder.map_err(EditorError::File)?;
        write_new(&folder.path().join(NAME), text).map_err(EditorError::File)?;
        Ok(Self(folder))
    }

    /// What lets a person edit the text, waits for them, and returns what they made of it. The editor's environment has none of our
    /// secrets.
    pub fn editor(&self) -> impl FnOnce() -> Result<String, EditorError> + Send + use<> {
        // Not the folder itself: that goes even if nobody waits for the editor any more.
        let file = self.0.path().join(NAME);
        move || edit(&file)
    }
}

fn edit(file: &Path) -> Result<String, EditorError> {
    let editor = editor(|name| env::var_os(name));
    let shown = Foreign::name(&editor.to_string_lossy());
    let before = version(file).map_err(EditorError::File)?;
    match run(&editor, file) {
        Ok(status) if status.success() && version(file).is_ok_and(|now| now == before) => {
            Err(EditorError::NotSaved { editor: shown })
        }
        Ok(status) if status.success() => {
            file_access::read_plain_text(file, file_access::REPORT).map_err(EditorError::File)
        }
        Ok(status) if status.code().is_some_and(|code| NOT_STARTED.contains(&code)) => {
            Err(EditorError::Start { editor: shown, source: None })
        }
        Ok(status) => Err(EditorError::GaveUp { editor: shown, status }),
        Err(source) => Err(EditorError::Start { editor: shown, source: Some(source) }),
    }
}

/// What changes when a file is saved: editors write it again, or put another in its place.
fn version(file: &Path) -> io::Result<(u64, u64, SystemTime)> {
    let found = std::fs::metadata(file)?;
    Ok((found.ino(), found.len(), found.modified()?))
}

fn write_new(file: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(FILE_MODE).open(file)?;
    file.write_all(text.as_bytes())
}

/// The editor that the environment names, a command line for a shell; else the system's own.
fn editor(variable: impl Fn(&str) -> Option<OsString>) -> OsString {
    let named = ["VISUAL", "EDITOR"].into_iter().filter_map(&variable).find(|editor| !editor.is_empty());
    named.unwrap_or_else(|| {
        let path = variable("PATH").unwrap_or_default();
        let is_there = |name: &str| env::split_paths(&path).any(|folder| folder.join(name).is_file());
        if is_there("sensible-editor") { "sensible-editor".into() } else { "vi".into() }
    })
}

/// Runs an editor, in the foreground of the terminal, whatever standard output is.
fn run(editor: &OsString, file: &Path) -> io::Result<ExitStatus> {
    // Ctrl-C is the editor's. Without a trap the shell would end before the editor does.
    let mut script = OsString::from("trap : INT; ");
    script.push(editor);
    script.push(" \"$@\"");
    let mut shell = Command::new("/bin/sh");
    shell.arg("-c").arg(script).arg(editor).arg(file);
    for (name, _) in env::vars_os().filter(|(name, _)| is_private_variable(&name.to_string_lossy())) {
        shell.env_remove(name);
    }
    let terminal = io::stderr().as_fd().try_clone_to_owned()?;
    shell.stdout(Stdio::from(terminal)).status()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_names_the_editor() {
        let of = |variables: &[(&str, &str)]| {
            editor(|name| variables.iter().find(|(is, _)| *is == name).map(|(_, value)| value.into()))
        };
        assert_eq!(of(&[("VISUAL", "emacs -nw"), ("EDITOR", "ed")]), "emacs -nw");
        assert_eq!(of(&[("VISUAL", ""), ("EDITOR", "ed")]), "ed");
        assert_eq!(of(&[("PATH", "/nonexistent")]), "vi");
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("sensible-editor"), "").expect("a file");
        assert_eq!(of(&[("PATH", folder.path().to_str().expect("UTF-8"))]), "sensible-editor");
    }

    #[test]
    fn only_its_owner_may_read_the_file() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join(NAME);
        write_new(&file, "a text").expect("a file");
        assert_eq!(std::fs::metadata(&file).expect("a file").permissions().mode() & 0o777, FILE_MODE);
        assert!(write_new(&file, "another").is_err(), "what is there already is somebody else's");
    }
}
