//! The hint for a file that belongs to another user.

use std::path::Path;

use crate::file_access::owner;

/// Whom to ask, and for what. A run can be continued by the user who began it, or by a group that may use all of its files.
pub(super) fn hint(file: &Path) -> String {
    // A file that this user cannot look at, or that does not exist yet, is kept from them by its folder.
    let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let found = owner(file).map(|owner| (file, owner)).or_else(|_| owner(folder).map(|owner| (folder, owner)));
    match found {
        Ok((place, owner)) => format!(
            "{} belongs to {owner}: run the same command as {owner} (sudo -u {owner} halfbuilt ...), or ask {owner} to open each file of the run \
             to a group of both of you (chgrp GROUP FILE; chmod g+rw FILE)",
            place.display()
        ),
        Err(_) => format!("this user may not even look at {}: ask the owner of its folder", file.display()),
    }
}
