//! Builds of a stand-in, collected into a database.

use super::{API_TOKEN, Run, StandIn, TIMES, TestDatabase, halfbuilt, server_variables};

/// A stand-in, and a database for its documents.
pub struct Collection {
    pub server: StandIn,
    pub database: TestDatabase,
}

impl Collection {
    pub fn of(server: StandIn) -> Self {
        Self { server, database: TestDatabase::empty() }
    }

    /// The command that collects with an administrator's token, into the database.
    pub fn collect(&self, arguments: &[&str]) -> Run {
        self.collect_from(&self.server.http(), arguments)
    }

    /// The same from an address of the server.
    pub fn collect_from(&self, source: &str, arguments: &[&str]) -> Run {
        let into = format!("dbname={}", self.database.name);
        let run = halfbuilt(&["collect", source, "--into", &into, "--rate", "1000"]).args(arguments);
        run.env("HALFBUILT_TOKEN", API_TOKEN).envs(&self.connection())
    }

    /// Another command that reads what was collected.
    pub fn reads(&self, command: &[&str]) -> Run {
        halfbuilt(command).args(&["--profile", "circleci-api"]).args(&TIMES).on(&self.database)
    }

    /// How the database is reached, but for its name.
    fn connection(&self) -> Vec<(String, String)> {
        server_variables(&self.database.name).into_iter().filter(|(name, _)| name != "PGDATABASE").collect()
    }

    /// The addresses of the builds whose documents were fetched, sorted.
    pub fn fetched(&self) -> Vec<String> {
        self.addresses("fetched_at IS NOT NULL AND trouble IS NULL")
    }

    pub fn addresses(&self, which: &str) -> Vec<String> {
        let sql = format!("SELECT build_url FROM halfbuilt.document WHERE {which} ORDER BY build_url COLLATE \"C\"");
        self.database.run(&sql).lines().map(str::to_owned).collect()
    }

    /// The addresses of all builds that the server has, sorted.
    pub fn there(&self) -> Vec<String> {
        let mut all: Vec<String> = self.server.truth().into_iter().map(|build| build.build_url).collect();
        all.sort_unstable();
        all
    }
}
