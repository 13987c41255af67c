//! A database with builds of which some are chosen, and what must be true of it after a deletion that something happened to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tempfile::TempDir;

use crate::random::Random;
use crate::support::{
    Admin, Gate, Report, Run, Server, TIMES, TOKEN, TestDatabase, admin, halfbuilt, server_variables,
};

/// The tables of the reference database, and a text that names each of its rows.
const TABLES: [&str; 5] = ["builds", "steps", "actions", "output", "artifacts"];

/// Builds of three projects that look alike, two of them of one name, with some numbers in common. Four of five are stuck running.
const BUILDS: &str = "
    INSERT INTO builds (vcs_type, username, reponame, build_num, build_url, lifecycle, outcome, status, queued_at, start_time, stop_time)
    SELECT vcs, 'acme', repo, number, format('https://HOST/%s/acme/%s/%s', short, repo, number),
           CASE WHEN n % 5 = 0 THEN 'finished' ELSE 'running' END, CASE WHEN n % 5 = 0 THEN 'success' END,
           CASE WHEN n % 5 = 0 THEN 'success' ELSE 'running' END, '2026-11-20T01:40:00Z', '2026-11-20T01:41:00Z',
           CASE WHEN n % 5 = 0 THEN timestamptz '2026-11-20T01:55:00Z' END
      FROM generate_series(1, NUMBER) AS n,
           (VALUES ('github', 'gh', 'api'), ('github', 'gh', 'api-2'), ('bitbucket', 'bb', 'api')) AS project (vcs, short, repo),
           LATERAL (SELECT CASE WHEN short = 'bb' AND n % 10 <> 3 THEN n + 1000 ELSE n END) AS named (number);
    INSERT INTO steps (build_id, step, name) SELECT build_id, step, 'step ' || step FROM builds, generate_series(0, 1) AS step;
    INSERT INTO actions (build_id, step, index, status, start_time, end_time, has_output, output_size)
    SELECT build_id, step, 0, 'success', '2026-11-20T01:42:00Z', '2026-11-20T01:45:00Z', true, 22 FROM steps;
    INSERT INTO output (build_id, step, index, first_byte, type, time, message)
    SELECT build_id, step, 0, 11 * piece, 'out', '2026-11-20T01:43:00Z', 'some output' FROM actions, generate_series(0, 1) AS piece;
    INSERT INTO artifacts (build_id, path, storage_key, size) SELECT build_id, 'a.txt', 'key-' || build_id, 7 FROM builds;";

/// Where the database is.
enum Home {
    Shared(TestDatabase),
    Own(&'static Server, String),
}

/// A database, a report of it, and the builds that are chosen.
pub struct World {
    home: Home,
    /// The host in the builds' addresses.
    pub host: String,
    /// Where the files are.
    pub folder: TempDir,
    pub chosen: BTreeSet<String>,
    /// What the database holds of all other builds.
    before: Vec<String>,
    /// Where the calls of delete-build are on record.
    calls: PathBuf,
}

impl World {
    /// About `number` chosen builds among twice as many and some more, for the admin server that all tests share.
    pub fn new(random: &mut Random, number: u64) -> (Self, Admin) {
        let mut database = TestDatabase::circleci(&[]);
        database.host = format!("{}.faults.example", database.name.replace('_', "-"));
        let admin = admin(&database);
        let host = database.host.clone();
        (Self::make(Home::Shared(database), host, admin.calls_file().into(), random, number), admin)
    }

    /// The same in a PostgreSQL of one's own.
    pub fn on(server: &'static Server, name: &str, calls: &str, random: &mut Random, number: u64) -> Self {
        server.run("postgres", &format!("CREATE DATABASE {name}"));
        let schema = crate::support::repository("sql/schema.sql");
        server.psql(name, &["-1", "-f", schema.to_str().expect("a path")]);
        Self::make(Home::Own(server, name.to_owned()), format!("{name}.faults.example"), calls.into(), random, number)
    }

    fn make(home: Home, host: String, calls: PathBuf, random: &mut Random, number: u64) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut world = Self { home, host, folder, chosen: BTreeSet::new(), before: Vec::new(), calls };
        // Four fifths of three projects, half of which are chosen.
        let each = (number * 5).div_ceil(6).max(2);
        world.run(&BUILDS.replace("HOST", &world.host).replace("NUMBER", &each.to_string()));
        world.choose(|_| random.percent(50));
        world
    }

    /// Scans, and keeps the rows of the report that are chosen.
    pub fn choose(&mut self, mut chooses: impl FnMut(&BTreeMap<String, String>) -> bool) {
        let report = self.report();
        let scan = halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).envs(&self.variables());
        scan.run().exits(halfbuilt::exit::Exit::Clean);
        let mut found = Report::read(&report);
        found.rows.retain(|row| row["deletable"] == "yes" && chooses(row));
        assert!(found.rows.len() > 1, "too few are chosen");
        self.chosen = found.rows.iter().map(|row| row["build_url"].clone()).collect();
        let mut writer = csv::Writer::from_path(&report).expect("a file");
        writer.write_record(&found.header).expect("a row");
        for row in &found.rows {
            writer.write_record(found.header.iter().map(|column| &row[column])).expect("a row");
        }
        drop(writer);
        self.before = self.others();
    }

    pub fn report(&self) -> PathBuf {
        self.folder.path().join("report.csv")
    }

    pub fn journal(&self) -> PathBuf {
        self.folder.path().join("report.csv.journal.jsonl")
    }

    pub fn results(&self) -> PathBuf {
        self.folder.path().join("results.csv")
    }

    pub fn archive(&self) -> PathBuf {
        self.folder.path().join("deleted.jsonl.gz")
    }

    /// The variables by which a program reaches the database.
    pub fn variables(&self) -> Vec<(String, String)> {
        match &self.home {
            Home::Shared(database) => server_variables(&database.name),
            Home::Own(server, name) => server.variables(name),
        }
    }

    /// The port of the PostgreSQL.
    pub fn port(&self) -> u16 {
        let port = self.variables().into_iter().find(|(name, _)| name == "PGPORT").expect("a port").1;
        port.parse().expect("a number")
    }

    #[track_caller]
    pub fn run(&self, sql: &str) -> String {
        match &self.home {
            Home::Shared(database) => database.run(sql),
            Home::Own(server, name) => server.run(name, sql),
        }
    }

    pub fn database(&self) -> &TestDatabase {
        match &self.home {
            Home::Shared(database) => database,
            Home::Own(..) => panic!("it is on a server of its own"),
        }
    }

    /// The command that deletes what is chosen.
    pub fn delete(&self, via: &str) -> Run {
        self.delete_into(via, &self.results())
    }

    /// The same with results of its own.
    pub fn delete_into(&self, via: &str, results: &Path) -> Run {
        let report = self.report();
        let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&["--execute", "--confirm", &self.host]);
        let run = run.args(&["--via", via, "--max-percent", "100"]).envs(&self.variables());
        run.args(&["-o"]).args(&[results]).env("HALFBUILT_TOKEN", TOKEN)
    }

    /// Has each deletion take so many seconds.
    pub fn slow(&self, seconds: f64) {
        self.run(&format!(
            "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep({seconds}); RETURN OLD; END $$;
             CREATE TRIGGER slow BEFORE DELETE ON builds FOR EACH ROW EXECUTE FUNCTION slow()"
        ));
    }

    /// Lets so many deletions pass, and has all others wait until the test opens the gate.
    #[track_caller]
    pub fn gate(&self, free: u32) -> Gate {
        match &self.home {
            Home::Shared(database) => database.gate(free),
            Home::Own(server, name) => {
                Gate::after(free, format!("{}/psql", server.variable("BIN_DIR")), server.variables(name))
            }
        }
    }

    /// The chosen builds that are still there.
    pub fn left(&self) -> usize {
        let all = self.run("SELECT build_url FROM builds");
        all.lines().filter(|url| self.chosen.contains(*url)).count()
    }

    /// All rows of all tables that are of builds that are not chosen.
    fn others(&self) -> Vec<String> {
        let chosen: Vec<String> = self.chosen.iter().map(|url| format!("'{}'", url.replace('\'', "''"))).collect();
        let others = format!("SELECT build_id FROM builds WHERE build_url NOT IN ({})", chosen.join(", "));
        let rows = |table: &&str| {
            let text = format!("encode(convert_to({table}::text, 'UTF8'), 'hex')");
            format!("SELECT '{table} ' || {text} FROM {table} WHERE build_id IN ({others}) ORDER BY 1")
        };
        TABLES.iter().flat_map(|table| self.run(&rows(table)).lines().map(str::to_owned).collect::<Vec<_>>()).collect()
    }

    /// Nothing is gone, or other than it was, that was not chosen, and nothing else was asked for.
    #[track_caller]
    pub fn nothing_else_is_gone(&self) {
        assert_eq!(self.others(), self.before, "a build that was not chosen is not as it was");
        let orphans = |table: &&&str| {
            let sql = format!("SELECT count(*) FROM {table} LEFT JOIN builds USING (build_id) WHERE builds IS NULL");
            self.run(&sql) != "0"
        };
        assert_eq!(TABLES[1..].iter().filter(orphans).collect::<Vec<_>>(), Vec::<&&str>::new());
        for (_, url) in self.calls() {
            assert!(self.chosen.contains(&url), "the server was asked to delete {url}, which was not chosen");
        }
    }

    /// What delete-build was called with, and when, in microseconds since 1970.
    pub fn calls(&self) -> Vec<(i64, String)> {
        let text = std::fs::read_to_string(&self.calls).unwrap_or_default();
        let call = |line: &str| {
            let (at, url) = line.split_once(' ')?;
            // As Clojure prints a text, which is JSON for whatever a URL may hold.
            let url: String = serde_json::from_str(url).expect(line);
            url.contains(&format!("://{}/", self.host)).then(|| (at.parse().expect("a number"), url))
        };
        text.lines().filter_map(call).collect()
    }

    /// The journal's lines; a last one that was cut is left out.
    pub fn lines(&self) -> Vec<Line> {
        let text = std::fs::read(self.journal()).unwrap_or_default();
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        let text = String::from_utf8(text[..whole].to_vec()).expect("UTF-8");
        text.lines().map(Line::parse).collect()
    }

    /// How many deletions the journal announces of which it does not know the end.
    pub fn open_intents(&self) -> usize {
        let mut open = BTreeSet::new();
        for line in self.lines() {
            match line.event.as_str() {
                "intent" => drop(open.insert(line.url)),
                "result" | "kept" => drop(open.remove(&line.url)),
                _ => {}
            }
        }
        open.len()
    }

    /// The journal is whole, and each call of the server was announced before, and none was made twice without a look between.
    /// Tells how many builds were called for more than once.
    #[track_caller]
    pub fn each_call_was_announced(&self) -> usize {
        let verified = halfbuilt(&["journal", "verify"]).args(&[self.journal()]).run();
        let verified = verified.exits(halfbuilt::exit::Exit::Clean);
        assert!(verified.stdout.starts_with("the chain is whole: "), "{}", verified.stdout);
        let mut calls: HashMap<String, Vec<i64>> = HashMap::new();
        self.calls().into_iter().for_each(|(at, url)| calls.entry(url).or_default().push(at));
        let lines = self.lines();
        for (url, at) in &mut calls {
            at.sort_unstable();
            let of_it: Vec<&Line> = lines.iter().filter(|line| line.url == *url).collect();
            let mut announced = of_it.iter().filter(|line| line.event == "intent");
            for call in at.iter() {
                let intent =
                    announced.next().unwrap_or_else(|| panic!("{url} was called {} times: {of_it:#?}", at.len()));
                assert!(intent.at <= *call, "{url} was called at {call}, before {of_it:#?}");
            }
            let mut open = false;
            for line in &of_it {
                match line.event.as_str() {
                    "intent" => assert!(!std::mem::replace(&mut open, true), "sent twice without a look: {of_it:#?}"),
                    "looked" | "result" => open = false,
                    "answer" if ["busy", "denied"].contains(&line.word.as_str()) => open = false,
                    _ => {}
                }
            }
        }
        calls.values().filter(|at| at.len() > 1).count()
    }

    /// How many builds were announced more than once: left open by a run that was killed, looked up, and still there.
    pub fn announced_again(&self) -> usize {
        let mut times: BTreeMap<String, usize> = BTreeMap::new();
        let intents = self.lines().into_iter().filter(|line| line.event == "intent");
        intents.for_each(|line| *times.entry(line.url).or_default() += 1);
        times.values().filter(|times| **times > 1).count()
    }

    /// How each build ended, by the journal.
    pub fn ended(&self) -> BTreeMap<String, String> {
        let lines = self.lines().into_iter().filter(|line| ["result", "kept"].contains(&line.event.as_str()));
        lines.map(|line| (line.url, line.word)).collect()
    }

    /// Journal, results and database say the same: every chosen build is gone, and nothing else.
    #[track_caller]
    pub fn all_is_done(&self) {
        assert_eq!(self.left(), 0, "chosen builds are still there");
        self.nothing_else_is_gone();
        let results = Report::read(&self.results());
        let by_results: BTreeMap<String, String> =
            results.rows.iter().map(|row| (row["build_url"].clone(), row["state"].clone())).collect();
        assert_eq!(results.rows.len(), by_results.len(), "a build has two rows");
        assert!(by_results.keys().eq(self.chosen.iter()), "the results are not those of the chosen builds");
        assert_eq!(by_results, self.ended(), "the journal and the results");
        for (url, state) in &by_results {
            // Nobody else deletes anything here.
            assert_eq!(state, "deleted", "{url}");
        }
        // What the program says it deleted was asked for; what nobody asked for it does not claim.
        let called: BTreeSet<String> = self.calls().into_iter().map(|(_, url)| url).collect();
        assert!(called.iter().eq(by_results.keys()), "{} were called, {} chosen", called.len(), by_results.len());
    }

    /// The audit page calls it deleted by the journal, and of nothing as vanished.
    #[track_caller]
    pub fn the_page_agrees(&self) {
        let page = self.folder.path().join("audit.md");
        let report = halfbuilt(&["report"]).args(&[&self.report()]).args(&["--journal"]).args(&[self.journal()]);
        report.args(&["--markdown"]).args(&[&page]).run().exits(halfbuilt::exit::Exit::Clean);
        let page = std::fs::read_to_string(page).expect("a page");
        let deleted = format!("{} were deleted and proved gone", self.chosen.len());
        assert!(page.contains(&deleted) && !page.contains("vanished before"), "{page}");
    }

    /// Everything that was deleted is in the archive, which ordinary tools read.
    #[track_caller]
    pub fn all_is_archived(&self) {
        let output = Command::new("zcat").arg(self.archive()).output().expect("zcat starts");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let mut rows: HashMap<(String, String), BTreeSet<String>> = HashMap::new();
        for line in text.lines() {
            let line: Value = serde_json::from_str(line).expect(line);
            let text = |key: &str| line.get(key).and_then(Value::as_str).map(str::to_owned);
            if let (Some(url), Some(table), Some(row)) = (text("build_url"), text("table"), line.get("row")) {
                rows.entry((url, table)).or_default().insert(row.to_string());
            }
        }
        for (table, expected) in TABLES.iter().zip([1, 2, 2, 4, 1]) {
            for url in &self.chosen {
                let archived = rows.get(&(url.clone(), (*table).to_owned())).map_or(0, BTreeSet::len);
                assert_eq!(archived, expected, "rows of {table} for {url} in the archive");
            }
        }
    }
}

/// A line of the journal, read independently of the program.
#[derive(Debug)]
pub struct Line {
    /// In microseconds since 1970.
    pub at: i64,
    pub event: String,
    pub url: String,
    /// The state or the answer.
    pub word: String,
}

impl Line {
    fn parse(line: &str) -> Self {
        let line: Value = serde_json::from_str(line).expect(line);
        let text = |key: &str| line.get(key).and_then(Value::as_str).unwrap_or_default().to_owned();
        let at: jiff::Timestamp = text("at").parse().expect("a time");
        let word = [text("state"), text("answer")].concat();
        Self { at: at.as_microsecond(), event: text("event"), url: text("url"), word }
    }
}

/// What a process has taken of memory at most so far, in KiB. Source: proc(5), VmHWM.
pub fn peak_memory(pid: u32) -> Option<u64> {
    let status = std::fs::read_to_string(Path::new("/proc").join(pid.to_string()).join("status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().trim_end_matches(" kB").trim().parse().ok()
}

/// Does the same for several cases at once: they spend their time waiting. Each gets its number too.
#[track_caller]
pub fn at_once<T: Send>(cases: Vec<T>, does: impl Fn(u64, T) + Sync) {
    std::thread::scope(|scope| {
        let does = &does;
        for (number, case) in cases.into_iter().enumerate() {
            scope.spawn(move || does(number as u64, case));
        }
    });
}
