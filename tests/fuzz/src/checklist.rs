//! Files that a checklist reads: lists of items, saved checklists, saved objects of Kubernetes, tables of mounts, files with addresses.

use halfbuilt::fuzzing::checklist;

/// Whatever a file holds: what is said of it is printable.
pub fn check(bytes: &[u8]) {
    checklist(bytes).iter().for_each(|line| super::assert_printable(line));
}
