//! Databases that are damaged in any way that SQL can bring about: rows deleted, doubled and set to NULL, numbers at the ends of
//! their types, relations emptied.
//!
//! What exactly is wrong then, no model says. But a scan never fails, a verdict is never clean, and no build whose own rows are whole is
//! offered for deletion.

use std::collections::BTreeSet;
use std::fmt;

use halfbuilt::exit::Exit;
use proptest::prelude::*;
use proptest::test_runner::{TestCaseError, TestRunner};

use super::config;
use super::support::{Report, TIMES, TestDatabase, halfbuilt, psql};

/// What no restored database has any more once its keys could not be built again, and the rules of the columns.
const WITHOUT_CONSTRAINTS: &str = "
    DO $$
    DECLARE found record;
    BEGIN
      FOR found IN SELECT conrelid::regclass AS place, conname FROM pg_constraint
                    WHERE connamespace = 'public'::regnamespace ORDER BY contype = 'f' DESC LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT IF EXISTS %I CASCADE', found.place, found.conname);
      END LOOP;
      FOR found IN SELECT attrelid::regclass AS place, attname FROM pg_attribute
                    WHERE attrelid IN ('builds'::regclass, 'actions'::regclass, 'output'::regclass)
                      AND attnum > 0 AND attnotnull AND attidentity = '' LOOP
        EXECUTE format('ALTER TABLE %s ALTER %I DROP NOT NULL', found.place, found.attname);
      END LOOP;
    END $$;
    -- Builds that were over by T, with their whole output: what happens to them cannot pass for anything sound.
    CREATE TABLE plain AS
      SELECT b.build_id FROM builds b
       WHERE b.build_id BETWEEN 100001 AND 100300 AND b.lifecycle = 'finished' AND b.stop_time < '2026-11-20T00:00Z'
         AND EXISTS (SELECT FROM actions a WHERE a.build_id = b.build_id AND a.has_output AND a.output_size > 0);
";

/// The rows of a build, as one value.
const STATE: &str = "
    SELECT b.build_url || ' ' || md5(concat_ws('|',
             (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM builds x WHERE x.build_id = b.build_id),
             (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM actions x WHERE x.build_id = b.build_id),
             (SELECT string_agg(x::text, ',' ORDER BY x::text) FROM output x WHERE x.build_id = b.build_id)))
      FROM builds b WHERE b.build_url IS NOT NULL";

/// A way to damage the database.
#[derive(Clone, Copy, Debug)]
enum Damage {
    /// Some rows of a table are gone.
    Deleted(Table),
    /// Some rows of a table are there twice.
    Doubled(Table),
    /// A column of some rows has no value.
    Null(Table, &'static str),
    /// A number of some rows is at an end of its type.
    Border(Table, &'static str, &'static str),
    /// A table is empty.
    Emptied(Table),
    /// A project lost all rows of a table.
    OfAProject(Table),
    /// A stretch of the history lost all rows of a table.
    OfATime(Table),
}

#[derive(Clone, Copy, Debug)]
enum Table {
    Builds,
    Actions,
    Output,
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Builds => "builds",
            Self::Actions => "actions",
            Self::Output => "output",
        })
    }
}

impl Damage {
    /// The SQL that does it to `rows` rows, which the seed chooses.
    fn sql(self, seed: u16, rows: u8) -> String {
        let project = ["api", "web", "mobile", "infra", "lib", "docs"][usize::from(seed) % 6];
        let day = 12 + u32::from(seed) % 6;
        let some = |table: Table| {
            // Only pieces and steps without which something is missing.
            let which = match table {
                Table::Builds => "true",
                Table::Actions => "has_output AND output_size > 0",
                Table::Output => "size > 0",
            };
            format!(
                "SELECT ctid FROM {table} WHERE build_id IN (SELECT build_id FROM plain) AND {which}
                  ORDER BY md5(ctid::text || '{seed}') LIMIT {rows}"
            )
        };
        match self {
            Self::Deleted(table) => format!("DELETE FROM {table} WHERE ctid IN ({})", some(table)),
            Self::Doubled(table) => {
                let columns = match table {
                    Table::Builds => {
                        "build_id, vcs_type, username, reponame, build_num, build_url, lifecycle, status, queued_at, start_time, stop_time"
                    }
                    Table::Actions => "build_id, step, index, status, start_time, end_time, has_output, output_size",
                    Table::Output => "build_id, step, index, first_byte, type, time, message",
                };
                let over = if matches!(table, Table::Builds) { "OVERRIDING SYSTEM VALUE" } else { "" };
                format!(
                    "INSERT INTO {table} ({columns}) {over} SELECT {columns} FROM {table} WHERE ctid IN ({})",
                    some(table)
                )
            }
            Self::Null(table, column) => {
                format!("UPDATE {table} SET {column} = NULL WHERE ctid IN ({})", some(table))
            }
            Self::Border(table, column, value) => {
                format!("UPDATE {table} SET {column} = {value} WHERE ctid IN ({})", some(table))
            }
            Self::Emptied(table) => format!("DELETE FROM {table}"),
            Self::OfAProject(table) => format!(
                "DELETE FROM {table} WHERE build_id IN (SELECT build_id FROM builds WHERE reponame = '{project}')"
            ),
            Self::OfATime(table) => format!(
                "DELETE FROM {table} WHERE build_id IN (SELECT build_id FROM builds
                  WHERE start_time >= '2026-11-{day}T00:00Z' AND start_time < '2026-11-{}T12:00Z')",
                day + 1
            ),
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    use Table::{Actions, Builds, Output};
    let border = |table, column| {
        let values = ["9223372036854775807", "-9223372036854775808", "-1"];
        prop::sample::select(values.to_vec()).prop_map(move |value| Damage::Border(table, column, value))
    };
    prop_oneof![
        prop::sample::select(vec![Damage::Deleted(Builds), Damage::Deleted(Actions), Damage::Deleted(Output)]),
        prop::sample::select(vec![Damage::Doubled(Builds), Damage::Doubled(Actions)]),
        prop::sample::select(vec![
            Damage::Null(Builds, "stop_time"),
            Damage::Null(Builds, "lifecycle"),
            Damage::Null(Actions, "end_time"),
            Damage::Null(Output, "first_byte"),
            Damage::Null(Output, "step"),
            Damage::Null(Output, "build_id"),
        ]),
        border(Output, "first_byte"),
        border(Actions, "output_size"),
        prop::sample::select(vec![Damage::Emptied(Actions), Damage::Emptied(Output), Damage::Emptied(Builds)]),
        prop::sample::select(vec![Damage::OfAProject(Actions), Damage::OfAProject(Output)]),
        prop::sample::select(vec![Damage::OfATime(Actions), Damage::OfATime(Output)]),
    ]
}

/// The states of the builds of a database, by their addresses.
fn states(database: &str) -> BTreeSet<String> {
    psql(database, &["-c", STATE]).lines().map(str::to_owned).collect()
}

fn check(template: &TestDatabase, sound: &BTreeSet<String>, damages: &[(Damage, u16, u8)]) -> Result<(), String> {
    let database = TestDatabase::empty();
    psql("postgres", &["-c", &format!("DROP DATABASE {}", database.name)]);
    psql("postgres", &["-c", &format!("CREATE DATABASE {} TEMPLATE {}", database.name, template.name)]);
    let before = states(&database.name);
    for (damage, seed, rows) in damages {
        database.run(&damage.sql(*seed, *rows));
    }
    let after = states(&database.name);
    if before == after && database.run("SELECT count(*) FROM output") == template.run("SELECT count(*) FROM output") {
        // The rows that were meant were gone already.
        return Ok(());
    }
    let done = halfbuilt(&["verify", "--json", "-"]).args(&TIMES).on(&database).run();
    let verdict: serde_json::Value = serde_json::from_str(&done.stdout).map_err(|error| error.to_string())?;
    let judged = [Exit::Clean, Exit::Found, Exit::NothingInScope].map(|exit| Some(exit as i32));
    if !judged.contains(&done.code) || verdict["verdict"] == "clean" {
        return Err(format!("verify ends with {:?}: {}", done.code, done.stderr));
    }
    let done = halfbuilt(&["scan", "--format", "csv"]).args(&TIMES).on(&database).run();
    if ![Exit::Clean, Exit::NothingInScope].map(|exit| Some(exit as i32)).contains(&done.code) {
        return Err(format!("scan ends with {:?}: {}", done.code, done.stderr));
    }
    let whole: BTreeSet<&str> =
        after.intersection(sound).filter_map(|state| state.split_once(' ')).map(|(url, _)| url).collect();
    let report = Report::parse(&done.stdout);
    let offered = report.rows.iter().filter(|row| row["deletable"] == "yes");
    let wrong: Vec<_> = offered.filter(|row| whole.contains(row["build_url"].as_str())).collect();
    if wrong.is_empty() { Ok(()) } else { Err(format!("whole builds are offered for deletion: {wrong:#?}")) }
}

#[test]
fn no_damage_makes_a_scan_fail_or_a_verdict_clean_or_a_whole_build_deletable() {
    let template = TestDatabase::circleci(&["healthy"]);
    template.run(WITHOUT_CONSTRAINTS);
    let sound = states(&template.name);
    let some = prop::collection::vec((damage(), any::<u16>(), 1..4_u8), 1..4);
    let result = TestRunner::new(config(40))
        .run(&some, |damages| check(&template, &sound, &damages).map_err(TestCaseError::fail));
    if let Err(error) = result {
        panic!("{error}");
    }
}
