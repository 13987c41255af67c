//! A small build database: the relations themselves, as plain tables, and the SQL that makes them.

use std::fmt;

use super::moment::Moment;

/// The rows of the three relations.
#[derive(Clone, Debug)]
pub struct World {
    pub build_keys: KeyType,
    pub step_keys: KeyType,
    pub builds: Vec<Build>,
    pub steps: Vec<Step>,
    pub chunks: Vec<Chunk>,
}

/// A key is a number here; in the database it is of one of these types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyType {
    Bigint,
    Uuid,
    Text,
    /// Its equal values may be written in several ways.
    Numeric,
}

#[derive(Clone, Debug)]
pub struct Build {
    pub key: usize,
    pub url: Option<Url>,
    pub project: Option<String>,
    pub number: Option<i64>,
    pub lifecycle: Option<String>,
    pub status: Option<String>,
    pub queued: Option<Moment>,
    pub started: Option<Moment>,
    pub stopped: Option<Moment>,
}

/// What stands in build_url.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Url {
    /// `https://ci.acme.example/VCS/ORG/PROJECT/NUMBER` of plain names.
    Of { vcs: &'static str, project: String, number: i64 },
    /// Anything that is no such address.
    Other(String),
}

#[derive(Clone, Debug)]
pub struct Step {
    pub build: Option<usize>,
    pub key: Option<usize>,
    pub name: Option<String>,
    pub started: Option<Moment>,
    pub stopped: Option<Moment>,
    pub has_output: Option<bool>,
    pub output_size: Option<i64>,
    pub output_closed: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chunk {
    pub build: Option<usize>,
    pub step: Option<usize>,
    pub first: Option<i64>,
    pub next: Option<i64>,
    pub stored: Option<Moment>,
}

impl Chunk {
    /// Where it begins and ends; `None` where that is not known, or it ends before it begins: then nothing is known to be in it.
    pub fn span(&self) -> Option<(i64, i64)> {
        self.first.zip(self.next).filter(|(first, next)| first <= next)
    }

    /// How much is in it.
    pub fn length(&self) -> i128 {
        self.span().map_or(0, |(first, next)| i128::from(next) - i128::from(first))
    }
}

/// The profile by which halfbuilt reads any such world, or those of its relations that the profile offers.
pub fn profile(offers: Offers, headers: Headers) -> String {
    let relation = |name: &str| format!("-- relation: {name}\nSELECT * FROM world.{name};\n");
    let mut profile = "-- profile: world\n-- title: a world of the model\n".to_owned();
    let names = [("queue", headers.queue.map(Queue::word)), ("running", headers.running.map(Running::word))];
    let run_time = headers.max_run_time.map(|hours| format!("{hours}h"));
    let rows = headers.copies.map(|copies| if copies { "copies" } else { "here" });
    for (name, value) in names.into_iter().chain([("max-run-time", run_time.as_deref()), ("rows", rows)]) {
        profile += &value.map_or_else(String::new, |value| format!("-- {name}: {value}\n"));
    }
    profile += &relation("build");
    if offers.steps {
        profile += &relation("step");
    }
    if offers.chunks && offers.stored {
        profile += &relation("chunk");
    } else if offers.chunks {
        profile += "-- relation: chunk\nSELECT build_key, step_key, first, next FROM world.chunk;\n";
    }
    profile
}

/// Which relations a profile has, besides the builds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Offers {
    pub steps: bool,
    pub chunks: bool,
    /// Whether its chunks say when they were stored.
    pub stored: bool,
}

impl Offers {
    pub const ALL: Self = Self { steps: true, chunks: true, stored: true };
}

/// What a profile says of its CI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headers {
    pub queue: Option<Queue>,
    pub running: Option<Running>,
    /// Its `max-run-time`, in hours.
    pub max_run_time: Option<i64>,
    /// Its `rows`: whether they are copies.
    pub copies: Option<bool>,
}

/// Where a CI keeps what waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Queue {
    Here,
    Elsewhere,
}

impl Queue {
    fn word(self) -> &'static str {
        match self {
            Self::Here => "in this database",
            Self::Elsewhere => "elsewhere",
        }
    }
}

/// What becomes of builds that ran at the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Running {
    Lost,
    Resumed,
}

impl Running {
    fn word(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::Resumed => "resumed",
        }
    }
}

impl KeyType {
    fn sql_type(self) -> &'static str {
        match self {
            Self::Bigint => "bigint",
            Self::Uuid => "uuid",
            Self::Text => "text",
            Self::Numeric => "numeric",
        }
    }

    /// The type in the table of pieces, which may be another one as long as it compares.
    fn sql_type_of_chunks(self) -> &'static str {
        if self == Self::Text { "varchar" } else { self.sql_type() }
    }

    /// The key as PostgreSQL shows it.
    pub fn shown(self, key: usize) -> String {
        const NUMBERS: [i64; 4] = [0, -1, i64::MAX, i64::MIN];
        const TEXTS: [&str; 9] = ["", " ", "a", "A", "it's", "a;b", "a\nb", "NULL", "\u{1b}[31m"];
        match self {
            Self::Numeric => format!("{key}.5"),
            Self::Bigint => NUMBERS.get(key).copied().unwrap_or(key as i64).to_string(),
            Self::Uuid => format!("{key:08x}-0000-4000-8000-00000000000{:x}", key % 16),
            Self::Text => TEXTS.get(key).map_or_else(|| format!("key {key}"), |text| (*text).to_owned()),
        }
    }
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Of { vcs, project, number } => write!(f, "https://ci.acme.example/{vcs}/{project}/{number}"),
            Self::Other(text) => f.write_str(text),
        }
    }
}

/// A value as SQL writes it.
trait Literal {
    fn literal(&self) -> String;
}

impl<V: Literal> Literal for Option<V> {
    fn literal(&self) -> String {
        self.as_ref().map_or_else(|| "NULL".to_owned(), Literal::literal)
    }
}

impl Literal for String {
    fn literal(&self) -> String {
        let quoted = self.replace('\'', "''");
        if !quoted.contains(|c: char| c.is_control() || c == '\\') {
            return format!("'{quoted}'");
        }
        let escaped = |c: char| match c {
            '\\' => "\\\\".to_owned(),
            c if c.is_control() => format!("\\u{:04x}", u32::from(c)),
            c => c.to_string(),
        };
        format!("E'{}'", quoted.chars().map(escaped).collect::<String>())
    }
}

impl Literal for Moment {
    fn literal(&self) -> String {
        format!("'{self}'")
    }
}

impl Literal for Url {
    fn literal(&self) -> String {
        self.to_string().literal()
    }
}

impl Literal for bool {
    fn literal(&self) -> String {
        self.to_string()
    }
}

impl Literal for i64 {
    fn literal(&self) -> String {
        // PostgreSQL reads -9223372036854775808 as the negative of a number that is too large.
        if *self == i64::MIN { format!("'{self}'") } else { self.to_string() }
    }
}

/// SQL that can be pasted into psql.
impl fmt::Display for World {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (build_key, step_key) = (self.build_keys.sql_type(), self.step_keys.sql_type());
        let key = |key: Option<usize>| key.map(|key| self.build_keys.shown(key)).literal();
        let step = |key: Option<usize>| key.map(|key| self.step_keys.shown(key)).literal();
        let builds = self.builds.iter().map(|b| {
            let text = [key(Some(b.key)), b.url.literal(), b.project.literal(), b.number.literal()];
            let times = [b.lifecycle.literal(), b.status.literal(), b.queued.literal(), b.started.literal()];
            [&text[..], &times, &[b.stopped.literal()]].concat()
        });
        let steps = self.steps.iter().map(|s| {
            let times = [key(s.build), step(s.key), s.name.literal(), s.started.literal(), s.stopped.literal()];
            [&times[..], &[s.has_output.literal(), s.output_size.literal(), s.output_closed.literal()]].concat()
        });
        let chunks = self
            .chunks
            .iter()
            .map(|c| vec![key(c.build), step(c.step), c.first.literal(), c.next.literal(), c.stored.literal()]);
        writeln!(f, "SET client_min_messages = warning; DROP SCHEMA IF EXISTS world CASCADE; CREATE SCHEMA world;")?;
        writeln!(
            f,
            "CREATE TABLE world.build (build_key {build_key}, build_url text, project text, build_num bigint, \
             lifecycle text, status text, queued_at timestamptz, started_at timestamptz, stopped_at timestamptz);"
        )?;
        writeln!(
            f,
            "CREATE TABLE world.step (build_key {build_key}, step_key {step_key}, name text, started_at timestamptz, \
             stopped_at timestamptz, has_output boolean, output_size bigint, output_closed boolean);"
        )?;
        writeln!(
            f,
            "CREATE TABLE world.chunk (build_key {}, step_key {}, first bigint, next bigint, stored_at timestamptz);",
            self.build_keys.sql_type_of_chunks(),
            self.step_keys.sql_type_of_chunks()
        )?;
        insert(f, "build", builds)?;
        insert(f, "step", steps)?;
        insert(f, "chunk", chunks)
    }
}

fn insert(f: &mut fmt::Formatter<'_>, table: &str, rows: impl Iterator<Item = Vec<String>>) -> fmt::Result {
    let rows: Vec<String> = rows.map(|row| format!("  ({})", row.join(", "))).collect();
    if rows.is_empty() { Ok(()) } else { writeln!(f, "INSERT INTO world.{table} VALUES\n{};", rows.join(",\n")) }
}
