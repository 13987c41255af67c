//! What to do where a file is another user's.

use std::path::Path;

use crate::file_access::owner;

/// Whom to ask, and for what. A run is gone on with by the one who began it, or by a group that all its files let in.
pub(super) fn hint(file: &Path) -> String {
    // What cannot be looked at, or is not there yet, is kept from this user by its folder.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = owner(file).map(|owner| (file, owner)).or_else(|_| owner(folder).map(|owner| (folder, owner)));
    match found {
        Ok((place, owner)) => format!(
            "{} belongs to {owner}: run the same as {owner} (sudo -u {owner} halfbuilt ...), or have {owner} let a group of both in, for \
             each file of the run (chgrp GROUP FILE; chmod g+rw FILE)",
            place.display()
        ),
        Err(_) => format!("{} cannot even be looked at by this user: ask who keeps its folder", file.display()),
    }
}
