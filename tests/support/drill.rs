//! A restore drill: a manifest of a database, what a test does to the database then, and `verify --baseline`.

use std::path::PathBuf;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use super::{BACKUP_TIME, Report, Run, TIMES, TestDatabase, halfbuilt};

/// A database, the manifest of it, and a place for a report.
pub struct Drill {
    pub database: TestDatabase,
    folder: TempDir,
}

impl Drill {
    pub fn of(database: TestDatabase) -> Self {
        let drill = Self { database, folder: tempfile::tempdir().expect("a folder") };
        drill
            .run(&["manifest", "-o"])
            .args(&[drill.file("before.json")])
            .args(&["--backup-time", BACKUP_TIME])
            .run()
            .exits(Exit::Clean);
        drill
    }

    /// Nothing in it is abnormal.
    pub fn healthy() -> Self {
        Self::of(TestDatabase::circleci(&["healthy"]))
    }

    pub fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        halfbuilt(arguments).on(&self.database)
    }

    pub fn verify(&self) -> Run {
        let files = [self.file("before.json"), "-o".into(), self.file("report.csv")];
        self.run(&["verify", "--baseline"]).args(&files).args(&["--restored-at", TIMES[3]])
    }

    pub fn report(&self) -> Report {
        Report::read(&self.file("report.csv"))
    }

    /// The builds of the report that the baseline knows otherwise, by what stands in `reasons`.
    pub fn differing(&self) -> Vec<(String, String, String)> {
        let rows = self.report().rows.into_iter().filter(|row| row["reasons"].contains("baseline-"));
        rows.map(|row| (row["project"].clone(), row["build_num"].clone(), row["reasons"].clone())).collect()
    }

    /// A build that was over by the backup, has steps and output, and is not the last of its project.
    pub fn build(&self, skip: u32) -> (String, String, String) {
        let row = self.database.run(&format!(
            "SELECT build_id, username || '/' || reponame, build_num FROM builds AS b WHERE stop_time < '{BACKUP_TIME}' AND lifecycle = 'finished'
                AND EXISTS (SELECT FROM output AS o WHERE o.build_id = b.build_id)
                AND build_num < (SELECT max(build_num) FROM builds AS c WHERE (c.username, c.reponame) = (b.username, b.reponame))
              ORDER BY build_id OFFSET {skip} LIMIT 1"
        ));
        let cells: Vec<String> = row.split('|').map(str::to_owned).collect();
        (cells[0].clone(), cells[1].clone(), cells[2].clone())
    }
}
