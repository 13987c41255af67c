//! The files below a folder, the root of the machine that is looked at. No link leads out of it: an absolute one begins at that root, and `..`
//! stops there, as after chroot. Files are opened to be read, and nothing else.

use std::fs::{File, Metadata};
use std::io::{self, Read};
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileTypeExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use nix::dir::{Dir, Entry, Type};
use nix::errno::Errno;
use nix::fcntl::{AT_FDCWD, OFlag, openat, readlinkat};
use nix::sys::stat::Mode;

use crate::file_access::{CHECKED, size};

/// How many links one path may lead through, as in Linux (path_resolution(7)).
const LINKS: usize = 40;
/// How many parts a path may have, with those of the links in it.
const PARTS: usize = 1024;
/// How many entries of a folder are looked at.
const ENTRIES: usize = 10_000;

/// A folder, and all that is below it.
#[derive(Debug)]
pub(super) struct Tree {
    /// Its name, for messages.
    name: PathBuf,
    root: OwnedFd,
    is_whole_machine: bool,
}

/// A file of a tree, found and not opened.
#[derive(Debug)]
pub(super) struct Found {
    /// The folder that it is in.
    folder: OwnedFd,
    /// Its own name there. Empty for the root.
    name: Vec<u8>,
    pub(super) metadata: Metadata,
    /// Where it is, from the root and without a link.
    pub(super) place: String,
}

impl Tree {
    /// The tree below a folder; without one, that of this machine.
    ///
    /// # Errors
    /// It is no folder, or cannot be opened.
    pub(super) fn open(root: Option<&Path>) -> io::Result<Self> {
        let name = root.unwrap_or(Path::new("/")).to_owned();
        // A person named it, so it may be a link.
        let folder = openat(AT_FDCWD, &name, OFlag::O_DIRECTORY | OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())?;
        Ok(Self { name, root: folder, is_whole_machine: root.is_none() })
    }

    /// Whether it is the machine that the program runs on, and not a folder.
    pub(super) fn is_this_machine(&self) -> bool {
        self.is_whole_machine
    }

    /// A path of the tree, as the operator finds it.
    pub(super) fn shown(&self, path: &str) -> String {
        match self.is_whole_machine {
            true => path.to_owned(),
            false => self.name.join(path.trim_start_matches('/')).display().to_string(),
        }
    }

    /// Finds what a path leads to.
    ///
    /// # Errors
    /// It is not there, may not be looked at, or leads through too many links. A link that leads to nothing is there.
    pub(super) fn find(&self, path: &str) -> io::Result<Found> {
        let mut is_of_link = false;
        self.walk(path.as_bytes(), &mut is_of_link).map_err(|error| match is_of_link && is_absent(&error) {
            true if self.is_whole_machine => io::Error::other("a link is there, and what it leads to is not"),
            true => io::Error::other("a link is there, and what it leads to is not below the root that was named"),
            false => error,
        })
    }

    /// `is_of_link` says of an error whether what was looked for is named by a link, and not by the path.
    fn walk(&self, path: &[u8], is_of_link: &mut bool) -> io::Result<Found> {
        // The folders from the root down; `..` goes back to the one before, wherever it has been moved meanwhile.
        let mut folders: Vec<(OwnedFd, String)> = Vec::new();
        let mut parts: Vec<Vec<u8>> = split(path).rev().collect();
        let (mut links, mut steps) = (0, 0);
        // How many parts of the path itself are left below those of a link.
        let mut behind_link = None;
        let mut found = self.of_root()?;
        while let Some(part) = parts.pop() {
            steps += 1;
            behind_link = behind_link.filter(|behind| parts.len() >= *behind);
            *is_of_link = behind_link.is_some();
            if steps > PARTS {
                return Err(io::Error::other("its path has too many parts"));
            }
            if part == b".." {
                folders.pop();
                found = self.of_folder(&folders)?;
                continue;
            }
            if !found.metadata.is_dir() {
                return Err(io::ErrorKind::NotADirectory.into());
            }
            let (folder, above) = folders.last().map_or((&self.root, ""), |(folder, place)| (folder, place.as_str()));
            // Opened as a path alone: it is no file yet, and no link is followed.
            let place = openat(folder, part.as_slice(), path_alone(), Mode::empty())?;
            let metadata = File::from(place.try_clone()?).metadata()?;
            if metadata.is_symlink() {
                links += 1;
                if links > LINKS {
                    return Err(io::Error::other(format!("its path leads through more than {LINKS} links")));
                }
                behind_link = behind_link.or(Some(parts.len()));
                let to = readlinkat(folder, part.as_slice())?;
                if to.as_bytes().starts_with(b"/") {
                    folders.clear();
                    found = self.of_root()?;
                } else {
                    found = self.of_folder(&folders)?;
                }
                parts.extend(split(to.as_bytes()).rev());
                continue;
            }
            let own = format!("{above}/{}", String::from_utf8_lossy(&part));
            found = Found { folder: folder.try_clone()?, name: part, metadata, place: own.clone() };
            if found.metadata.is_dir() {
                folders.push((place, own));
            }
        }
        Ok(found)
    }

    fn of_root(&self) -> io::Result<Found> {
        self.of_folder(&[])
    }

    fn of_folder(&self, folders: &[(OwnedFd, String)]) -> io::Result<Found> {
        let (folder, place) = folders.last().map_or((&self.root, "/"), |(folder, place)| (folder, place.as_str()));
        let metadata = File::from(folder.try_clone()?).metadata()?;
        Ok(Found { folder: folder.try_clone()?, name: Vec::new(), metadata, place: place.to_owned() })
    }

    /// Reads a plain file.
    ///
    /// # Errors
    /// It cannot be read, is no plain file, or is too large.
    pub(super) fn read(&self, path: &str) -> io::Result<Vec<u8>> {
        self.find(path)?.read()
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// It cannot be read, or has too many.
    pub(super) fn names(&self, path: &str) -> io::Result<Vec<String>> {
        self.find(path)?.names()
    }

    /// The paths that a pattern fits: `*` and `?` in the last part stand for names, as in a shell. A path without them is itself.
    ///
    /// # Errors
    /// The folder is there and cannot be read.
    pub(super) fn paths(&self, pattern: &str) -> io::Result<Vec<String>> {
        let (folder, last) = pattern.rsplit_once('/').unwrap_or(("", pattern));
        if !last.contains(['*', '?']) {
            return Ok(vec![pattern.to_owned()]);
        }
        let fits = glob::Pattern::new(last).map_err(io::Error::other)?;
        let names = match self.names(folder) {
            Err(error) if is_absent(&error) => return Ok(Vec::new()),
            names => names?,
        };
        let fitting = names.into_iter().filter(|name| fits.matches(name) && is_configuration(name));
        Ok(fitting.map(|name| format!("{folder}/{name}")).collect())
    }
}

impl Found {
    /// Reads a plain file.
    ///
    /// # Errors
    /// It cannot be read, is no plain file, or is too large.
    pub(super) fn read(&self) -> io::Result<Vec<u8>> {
        let kind = self.metadata.file_type();
        if !kind.is_file() {
            let what = match kind {
                kind if kind.is_dir() => "a folder",
                kind if kind.is_fifo() => "a pipe",
                kind if kind.is_socket() => "a socket",
                _ => "a device",
            };
            return Err(io::Error::other(format!("it is {what}, not a file")));
        }
        let file = File::from(open(&self.folder, &self.name, OFlag::empty())?);
        let opened = file.metadata()?;
        // Somebody may have put another thing in its place.
        if (opened.dev(), opened.ino()) != (self.metadata.dev(), self.metadata.ino()) {
            return Err(io::Error::other("it was replaced while it was read"));
        }
        let mut bytes = Vec::new();
        file.take(CHECKED.largest + 1).read_to_end(&mut bytes)?;
        if bytes.len() as u64 > CHECKED.largest {
            let why = format!("it is larger than the {} that {} may have", size(CHECKED.largest), CHECKED.name);
            return Err(io::Error::other(why));
        }
        Ok(bytes)
    }

    /// The names in a folder, sorted.
    ///
    /// # Errors
    /// It cannot be read, or has too many.
    pub(super) fn names(&self) -> io::Result<Vec<String>> {
        self.names_but(|_| false)
    }

    /// The same without links, which may lead back to where they are.
    ///
    /// # Errors
    /// As of [`Found::names`].
    pub(super) fn names_of_no_links(&self) -> io::Result<Vec<String>> {
        self.names_but(|entry| entry.file_type() == Some(Type::Symlink))
    }

    fn names_but(&self, is_left_out: impl Fn(&Entry) -> bool) -> io::Result<Vec<String>> {
        if !self.metadata.is_dir() {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let mut names = Vec::new();
        for entry in self.open_folder()?.iter() {
            let entry = entry?;
            let name = entry.file_name().to_bytes().to_vec();
            if name == b"." || name == b".." || is_left_out(&entry) {
                continue;
            }
            if names.len() == ENTRIES {
                return Err(io::Error::other(format!("it has more than {ENTRIES} entries")));
            }
            // A name that is no UTF-8 is found by no list.
            names.push(String::from_utf8_lossy(&name).into_owned());
        }
        names.sort_unstable();
        Ok(names)
    }

    /// Whether a folder has nothing in it.
    ///
    /// # Errors
    /// It cannot be read.
    pub(super) fn is_empty(&self) -> io::Result<bool> {
        for entry in self.open_folder()?.iter() {
            // A new file system has this folder and nothing else.
            if !matches!(entry?.file_name().to_bytes(), b"." | b".." | b"lost+found") {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn open_folder(&self) -> io::Result<Dir> {
        let name = if self.name.is_empty() { b"." } else { self.name.as_slice() };
        Ok(Dir::from_fd(open(&self.folder, name, OFlag::O_DIRECTORY)?)?)
    }
}

/// Whether an error means that there is no such file.
pub(super) fn is_absent(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Opens a file to read it: without a wait, without becoming a terminal of this process, and never through a link. The time of its last
/// reading stays as it is, where this user may ask for that (open(2): the owner, and root).
fn open(folder: &OwnedFd, name: &[u8], how: OFlag) -> nix::Result<OwnedFd> {
    let reading = OFlag::O_RDONLY | OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK | OFlag::O_NOCTTY | OFlag::O_CLOEXEC;
    match openat(folder, name, how | reading | OFlag::O_NOATIME, Mode::empty()) {
        Err(Errno::EPERM) => openat(folder, name, how | reading, Mode::empty()),
        opened => opened,
    }
}

fn path_alone() -> OFlag {
    OFlag::O_PATH | OFlag::O_NOFOLLOW | OFlag::O_CLOEXEC
}

fn split(path: &[u8]) -> impl DoubleEndedIterator<Item = Vec<u8>> {
    path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".").map(<[u8]>::to_vec)
}

/// What package managers and editors leave beside a file of configuration is no configuration.
fn is_configuration(name: &str) -> bool {
    !name.ends_with('~')
        && ![".rpmsave", ".rpmnew", ".dpkg-old", ".dpkg-dist", ".bak"].iter().any(|end| name.ends_with(end))
}

#[cfg(test)]
#[path = "tree_tests.rs"]
mod tests;
