//! Lists of what is alive, from the operator: read at the start, and what they come to said at the end.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::alive::AliveList;
use crate::file_access::{self, ALIVE};
use crate::finding::Finding;
use crate::obstacle::Obstacle;
use crate::output::Printer;
use crate::report::{self, Digesting};
use crate::text::{Foreign, counted, grouped, is_or_are};

use super::Error;

/// A list that `--alive` names.
#[derive(Clone, Debug)]
pub(super) struct AliveFile {
    pub(super) path: PathBuf,
    pub(super) list: Arc<AliveList>,
    sha256: String,
}

impl AliveFile {
    /// Reads the files.
    ///
    /// # Errors
    /// One cannot be read, or is no list of what is alive.
    pub(super) fn read_all(files: &[PathBuf]) -> Result<Vec<Self>, Error> {
        files.iter().map(|file| Self::read(file)).collect()
    }

    fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Alive { file: path.to_owned(), source };
        let bytes = file_access::read(path, ALIVE).map_err(|error| failed(error.into()))?;
        let list = AliveList::of(&path.display().to_string(), &bytes).map_err(failed)?;
        let mut digesting = Digesting::new(bytes.as_slice());
        std::io::copy(&mut digesting, &mut std::io::sink()).map_err(|error| failed(error.into()))?;
        Ok(Self { path: path.to_owned(), list: Arc::new(list), sha256: digesting.finish().1 })
    }

    /// What is noted of it beside a report.
    pub(super) fn metadata(&self) -> report::AliveList {
        let AliveList { file, kind, alive, over, .. } = &*self.list;
        report::AliveList {
            file: file.to_string(),
            kind: kind.as_str().to_owned(),
            alive: *alive,
            over: *over,
            sha256: self.sha256.clone(),
        }
    }
}

/// Says what a list is, and how many builds of the database it names; `None` where that is not known.
pub(super) fn say_listed(lists: &[Arc<AliveList>], listed: &[Option<u64>], printer: Printer) {
    for (list, listed) in lists.iter().zip(listed) {
        let AliveList { file, kind, alive, over, .. } = &**list;
        let over = match over {
            0 => String::new(),
            1 => "; 1 more is over, and does not count".to_owned(),
            over => format!("; {} more are over, and do not count", grouped(*over)),
        };
        if *alive == 0 {
            printer.say(&format!("{file} ({kind}) lists nobody as alive{over}"));
            continue;
        }
        let names = counted(*alive, "name");
        let builds = match listed {
            Some(listed) => {
                let at_least = if list.names.looked_up().is_cut { "at least " } else { "" };
                format!("{at_least}{} of this database may be meant", counted(*listed, "build"))
            }
            None => {
                "how many builds of this database are meant is not known: they cannot be read as a whole".to_owned()
            }
        };
        printer.say(&format!("{names} in {file} ({kind}){over}: {builds}"));
        if *listed == Some(0) && !list.names.looked_up().is_cut {
            printer.warn(&format!("no name in {file} means a build of this database: is it a list of this CI?"));
        }
    }
}

/// Counts the abnormal builds that each list names.
#[derive(Default)]
pub(super) struct ListedFindings(u64);

impl ListedFindings {
    pub(super) fn add(&mut self, found: &Finding) {
        let is_listed = found.obstacles.iter().any(|obstacle| matches!(obstacle, Obstacle::ListedAsAlive(_)));
        self.0 += u64::from(is_listed);
    }

    /// Says how many there were, where there are lists.
    pub(super) fn say(&self, lists: &[Arc<AliveList>], printer: Printer) {
        if lists.iter().all(|list| list.alive == 0) {
            return;
        }
        let named = match lists {
            [only] => only.file.clone(),
            several => Foreign::new(&format!("one of {} lists", several.len())),
        };
        printer.say(&match self.0 {
            0 => format!("no abnormal build is listed as alive in {named}"),
            builds => {
                let (what, verb) = (counted(builds, "abnormal build"), is_or_are(builds));
                format!("{what} {verb} listed as alive in {named}, and not deletable")
            }
        });
    }
}
