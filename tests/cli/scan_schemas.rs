//! Nothing around the program makes it lie: what others have put into the database beside the tables is never called, and which tables
//! are read is said.

use std::collections::BTreeSet;
use std::fmt::Write;

use halfbuilt::exit::Exit;

use crate::support::{
    Done, Report, Seen, TIMES, TestDatabase, admin, halfbuilt, psql_as, psql_meanwhile, psql_pipe, repository, scanned,
    server_variables, wait_until,
};

use crate::what_a_person_sees::{Says, shows};

/// Arguments with which something in the SQL that ships may be called: as they are, and as what would fit them better than what
/// pg_catalog has.
const ARGUMENTS: [&str; 27] = [
    "anyelement",
    "anyelement, anyelement",
    "anyarray",
    "anyarray, anyelement",
    "anyarray, text",
    "VARIADIC text[]",
    "VARIADIC bigint[]",
    "anyelement, VARIADIC anyarray",
    "text, VARIADIC anyarray",
    "text, VARIADIC text[]",
    "text",
    "text, text",
    "text, text, text",
    "text, text, boolean",
    "text, boolean",
    "bigint",
    "bigint, bigint",
    "bigint, integer",
    "integer, integer",
    "double precision",
    "numeric",
    "boolean",
    "timestamptz",
    "timestamptz, timestamptz",
    "interval",
    "oid, text",
    "text[], text[]",
];
/// The same for operators.
const OPERANDS: [[&str; 2]; 13] = [
    ["text", "text"],
    ["bigint", "bigint"],
    ["bigint", "integer"],
    ["integer", "integer"],
    ["double precision", "double precision"],
    ["numeric", "numeric"],
    ["boolean", "boolean"],
    ["timestamptz", "timestamptz"],
    ["timestamptz", "interval"],
    ["interval", "interval"],
    ["anyelement", "anyelement"],
    ["anyarray", "anyarray"],
    ["text", "anyelement"],
];

/// All SQL that ships, without comments and texts.
fn shipped() -> Vec<String> {
    let mut all = Vec::new();
    for folder in ["sql/engine", "sql/rules", "sql/profiles"] {
        for entry in std::fs::read_dir(repository(folder)).expect("a folder") {
            let text = std::fs::read_to_string(entry.expect("an entry").path()).expect("a file");
            let code: String =
                text.lines().map(|line| line.split("--").next().unwrap_or_default().to_owned() + "\n").collect();
            all.push(code.split('\'').step_by(2).collect::<Vec<_>>().join("''"));
        }
    }
    assert!(all.len() > 20, "only {} files were read", all.len());
    all
}

/// The words of SQL that something is called by: those before a parenthesis.
fn called() -> BTreeSet<String> {
    let mut words = BTreeSet::new();
    for sql in shipped() {
        for (place, _) in sql.match_indices('(') {
            let word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
            let before = sql[..place].trim_end_matches(' ');
            let word = &before[before.trim_end_matches(word).len()..];
            words.insert(word.to_owned());
        }
    }
    words
}

/// The signs of its operators.
fn operators() -> BTreeSet<String> {
    const SIGNS: &str = "+-*/<>=~!@#%^&|?";
    let mut found = BTreeSet::new();
    for sql in shipped() {
        found.extend(sql.split(|c: char| !SIGNS.contains(c)).filter(|signs| !signs.is_empty()).map(str::to_owned));
    }
    found.remove("*");
    found.insert("*".to_owned());
    found
}

/// Puts a twin of everything that the SQL uses where the role looks first. Each says that it was called, by an error.
fn plant_twins(database: &TestDatabase) {
    let known = |sql: &str| database.run(sql).lines().map(str::to_owned).collect::<BTreeSet<String>>();
    let functions = known("SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'pg_catalog'::regnamespace");
    let signs = known("SELECT DISTINCT oprname FROM pg_operator WHERE oprnamespace = 'pg_catalog'::regnamespace");
    let functions: Vec<String> = called().intersection(&functions).cloned().collect();
    let signs: Vec<String> = operators().intersection(&signs).cloned().collect();
    for expected in
        ["count", "hashtextextended", "array_agg", "unnest", "set_config", "pg_backend_pid", "current_setting"]
    {
        assert!(functions.iter().any(|name| name == expected), "{expected} is not among {functions:?}");
    }
    for expected in ["=", "<>", "||", ">>", "+"] {
        assert!(signs.iter().any(|sign| sign == expected), "{expected} is not among {signs:?}");
    }
    let mut sql = String::from(
        "SET client_min_messages = error;
         CREATE FUNCTION public.a_twin_was_called() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a twin was called''; END';\n",
    );
    let body = "LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a twin was called''; END';\n";
    for name in &functions {
        let _ = writeln!(sql, "CREATE FUNCTION public.\"{name}\"() RETURNS pg_catalog.text {body}");
        for arguments in ARGUMENTS {
            let _ = writeln!(sql, "CREATE FUNCTION public.\"{name}\"({arguments}) RETURNS pg_catalog.text {body}");
        }
    }
    for (place, [left, right]) in OPERANDS.iter().enumerate() {
        for (kind, returned) in [("test", "boolean"), ("value", "pg_catalog.text")] {
            let _ = writeln!(sql, "CREATE FUNCTION public.{kind}_{place}({left}, {right}) RETURNS {returned} {body}");
        }
        for sign in &signs {
            let kind = if matches!(sign.as_str(), "=" | "<>" | "<" | ">" | "<=" | ">=") { "test" } else { "value" };
            let operands = format!("LEFTARG = {left}, RIGHTARG = {right}");
            let _ = writeln!(sql, "CREATE OPERATOR public.{sign} (FUNCTION = public.{kind}_{place}, {operands});");
        }
    }
    // Relations and types are found by the path too, and a cast needs no path at all.
    for name in [
        "pg_locks",
        "pg_settings",
        "pg_class",
        "pg_namespace",
        "pg_database",
        "pg_stat_activity",
        "pg_stat_bgwriter",
        "pg_stat_archiver",
    ] {
        let _ = writeln!(sql, "CREATE TABLE public.{name} (a_twin pg_catalog.int4);");
    }
    sql += "CREATE TYPE public.answer AS ENUM ('yes');
        CREATE FUNCTION public.cast_it(public.answer) RETURNS pg_catalog.int8 LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''a twin was called''; END';
        CREATE CAST (public.answer AS pg_catalog.int8) WITH FUNCTION public.cast_it(public.answer) AS IMPLICIT;\n";
    for name in ["text", "timestamptz", "name", "oid", "regclass"] {
        let _ = writeln!(sql, "CREATE DOMAIN public.{name} AS pg_catalog.{name} CHECK (public.a_twin_was_called());");
    }
    let _ = writeln!(sql, "ALTER DATABASE {} SET search_path = public, pg_catalog;", database.name);
    let done = psql_pipe(&database.name, &["-wXqAt", "-v", "ON_ERROR_STOP=1"], &sql);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

/// Everything that is said and given, but for the present.
fn exits_clean(database: &TestDatabase, arguments: &[&str]) -> Done {
    halfbuilt(arguments).args(&TIMES).on(database).env("PGTARGETSESSIONATTRS", "primary").run()
}

#[test]
fn a_twin_of_whatever_the_sql_uses_is_never_called() {
    let database = TestDatabase::circleci(&[
        "healthy",
        "output-gap",
        "output-truncated",
        "stuck-running",
        "orphan-step",
        "stuck-queued",
    ]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    let file = report.to_str().expect("a path");
    let commands: [&[&str]; 5] = [
        &["scan"],
        &["scan", "--project", "acme/*", "--rule", "output-gap"],
        &["verify", "-o", "-"],
        &["scan", "-o", file],
        &["delete", file, "--max-percent", "100", "--max", "100"],
    ];
    let before: Vec<Done> = commands.iter().map(|command| exits_clean(&database, command)).collect();
    assert!(Report::parse(&before[0].stdout).rows.len() > 5);
    plant_twins(&database);
    // They are called where the role's own path decides.
    let mine = ["-c", "SELECT count(build_id) FROM public.builds"];
    let user = |name: &str| server_variables("x").into_iter().find(|(key, _)| key == name).expect("a variable").1;
    let output = psql_as(&user("PGUSER"), &user("PGPASSWORD"), &database.name, &mine);
    assert!(String::from_utf8_lossy(&output.stderr).contains("a twin was called"), "{output:?}");
    for (command, before) in commands.iter().zip(before) {
        let now = exits_clean(&database, command);
        assert_eq!(now.code, before.code, "{command:?}: {}", now.stderr);
        let same = |text: &str| {
            let volatile = |line: &&str| {
                !["scanned_at", "checked_at", "was scanned at", "began", ", now 20"]
                    .iter()
                    .any(|word| line.contains(word))
            };
            text.lines().filter(volatile).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(same(&now.stdout), same(&before.stdout), "{command:?}");
        assert_eq!(same(&now.stderr), same(&before.stderr), "{command:?}");
    }
    let manifest = exits_clean(&database, &["manifest"]);
    assert_eq!(manifest.code, Some(0), "{}", manifest.stderr);
    let check = halfbuilt(&["profiles", "--check", "circleci"]).on(&database).run();
    assert_eq!(check.code, Some(0), "{} {}", check.stdout, check.stderr);
}

#[test]
fn extensions_in_the_schema_of_the_tables_trouble_nobody() {
    let database = TestDatabase::circleci(&["healthy", "output-gap", "stuck-running"]);
    let scan = || halfbuilt(&["scan"]).args(&TIMES).on(&database).run().exits(Exit::Clean).stdout;
    let before = scan();
    for extension in ["citext", "hstore", "pgcrypto", "\"uuid-ossp\""] {
        database.run(&format!("CREATE EXTENSION {extension} SCHEMA public"));
    }
    assert_eq!(scan(), before);
    database
        .run("ALTER TABLE builds ALTER vcs_type TYPE citext, ALTER username TYPE citext, ALTER reponame TYPE citext");
    assert_eq!(scan(), before);
}

#[test]
fn a_schema_that_stands_before_the_tables_is_not_read_by_luck() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let scan = |arguments: &[&str]| halfbuilt(&["scan"]).args(&TIMES).args(arguments).on(&database).run();
    let before = scan(&[]).exits(Exit::Clean);
    let mut seen = Seen::default();
    seen.add_talk("scan, with the tables in one schema", &before);
    // "$user" comes before public.
    let tables = ["builds", "steps", "actions", "output", "artifacts"];
    let twins = tables.map(|name| format!("CREATE VIEW {{}}.{name} AS SELECT * FROM public.{name} WHERE false;"));
    let user = server_variables("x").into_iter().find(|(name, _)| name == "PGUSER").expect("a user").1;
    database.run(&format!("CREATE SCHEMA {user}; {}", twins.concat().replace("{}", &user)));
    seen.add("scan, with views in another", &scan(&[]).exits(Exit::Failed));
    assert_eq!(scan(&["--schema", "public"]).exits(Exit::Clean).stdout, before.stdout);
    // Who wants the views reads that they are, and what is behind them.
    seen.add_talk("scan --schema, of the views", &scan(&["--schema", &user]));
    seen.add("scan --schema nowhere", &scan(&["--schema", "nowhere"]).exits(Exit::Failed));
    database.run("DROP TABLE public.artifacts CASCADE");
    seen.add("scan --schema public, without artifacts", &scan(&["--schema", "public"]).exits(Exit::Failed));
    shows(&seen, "scan_schemas_two_with_the_tables");
}

#[test]
fn a_temporary_table_is_no_table_of_a_profile() {
    let database = TestDatabase::circleci(&[]);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("mine.sql");
    let text = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    std::fs::write(&profile, text.replace(":\"schema\".", "")).expect("a file");
    let scan = || halfbuilt(&["scan", "--profile"]).args(&[&profile]).args(&TIMES).on(&database);
    // An unqualified name is looked for nowhere.
    let done = scan().run().exits(Exit::Failed);
    done.says_all_of("scan_schemas_unqualified_name");
}

#[test]
fn delete_reads_the_tables_of_the_report_or_none() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let report = folder.path().join("report.csv");
    let scan = || {
        halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).on(&database).run().exits(Exit::Clean);
        let about = std::fs::read_to_string(folder.path().join("report.csv.about.json")).expect("it is there");
        serde_json::from_str::<serde_json::Value>(&about).expect("JSON")["tables"].clone()
    };
    let delete = || {
        let nobody = ["--via", "nrepl://127.0.0.1:9", "--max-percent", "100"];
        halfbuilt(&["delete"]).args(&[&report]).args(&nobody).on(&database).run()
    };
    let named = |tables: &serde_json::Value, name: &str| {
        tables.as_array().expect("a list").iter().find(|table| table["name"] == name).expect("it is read").clone()
    };
    let tables = scan();
    assert_eq!(tables.as_array().map(Vec::len), Some(5), "{tables}");
    assert_eq!(named(&tables, "builds")["kind"], "table");
    assert_eq!(named(&tables, "builds")["schema"], "public");
    delete().exits(Exit::Clean);
    // Somebody puts a view in the place of the table.
    database.run("ALTER TABLE builds RENAME TO real_builds; CREATE VIEW builds AS SELECT * FROM real_builds");
    let mut seen = Seen::default();
    seen.add("a view in the place of a table", &delete().exits(Exit::Declined));
    let tables = scan();
    assert_eq!(
        (&named(&tables, "builds")["kind"], &named(&tables, "real_builds")["kind"]),
        (&"view".into(), &"table".into())
    );
    delete().exits(Exit::Clean);
    // Another view of the same name, over the same table.
    database.run("CREATE OR REPLACE VIEW builds AS SELECT * FROM real_builds WHERE build_num > 0");
    seen.add("another view of the same name", &delete().exits(Exit::Declined));
    scan();
    // The same, owned by somebody else.
    database.run(&format!(
        "CREATE ROLE {0}_other; GRANT SELECT ON real_builds TO {0}_other; ALTER VIEW builds OWNER TO {0}_other",
        database.name
    ));
    seen.add("another owner", &delete().exits(Exit::Declined));
    shows(&seen, "scan_schemas_report_of_other_tables");
    // Parts of a table are the table; a table elsewhere is named as such.
    database.run(
        "DROP VIEW builds; CREATE TABLE builds (LIKE real_builds INCLUDING DEFAULTS) PARTITION BY RANGE (build_id);
         CREATE TABLE part_of_builds PARTITION OF builds DEFAULT; INSERT INTO builds SELECT * FROM real_builds;
         CREATE EXTENSION postgres_fdw; CREATE SERVER elsewhere FOREIGN DATA WRAPPER postgres_fdw;
         CREATE USER MAPPING FOR CURRENT_USER SERVER elsewhere; DROP TABLE artifacts;
         CREATE FOREIGN TABLE artifacts (build_id bigint, storage_key text, size bigint) SERVER elsewhere",
    );
    let tables = scan();
    assert_eq!(named(&tables, "builds")["kind"], "partitioned table");
    assert_eq!(named(&tables, "artifacts")["kind"], "foreign table");
    assert_eq!(tables.as_array().map(Vec::len), Some(5), "{tables}");
}

/// A profile and rules are code that runs as the role: a role that may do more than read is warned of.
#[test]
fn own_sql_that_runs_as_a_mighty_role_is_warned_of() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    let profile = folder.path().join("mine.sql");
    std::fs::copy(repository("sql/profiles/circleci.sql"), &profile).expect("a file");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("a folder");
    let rule =
        "-- rule: own-rule\n-- title: t\n-- needs: build\nSELECT build_key, 'x' AS evidence FROM build WHERE false\n";
    std::fs::write(rules.join("own-rule.sql"), rule).expect("a file");
    let [reader, owner] = ["reader", "owner"].map(|role| format!("{}_{role}", database.name));
    let as_role = |role: Option<&str>, command: &str| {
        let run = halfbuilt(&[command]).args(&TIMES[..2]).on(&database);
        match role {
            Some(role) => run.env("PGUSER", role).env("PGPASSWORD", "x"),
            None => run,
        }
    };
    database.run(&format!(
        "CREATE ROLE {reader} LOGIN PASSWORD 'x'; CREATE ROLE {owner} LOGIN PASSWORD 'x'; ALTER TABLE builds OWNER TO {owner};
         GRANT SELECT ON ALL TABLES IN SCHEMA public TO {reader}, {owner}"
    ));
    let warning = "warning: --profile ";
    for command in ["scan", "verify", "manifest"] {
        let own = |role| {
            as_role(role, command).args(&["--profile"]).args(&[&profile]).args(&["--rules"]).args(&[&rules]).run()
        };
        own(None).says(warning).says(" and --rules ").says("which is a superuser");
        own(Some(&owner)).says(warning).says("which owns the tables").says(&format!("role {owner:?}"));
        own(Some(&reader)).does_not_say("this SQL runs as role");
        as_role(None, command).run().does_not_say("this SQL runs as role");
    }
    as_role(None, "scan")
        .args(&["--rules"])
        .args(&[&rules])
        .run()
        .says("warning: --rules ")
        .says("which is a superuser");
}

/// What a rule reads besides the relations is in no list of what was read.
#[test]
fn a_rule_reads_the_relations_and_nothing_else() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    database.run("CREATE TABLE notes (build_id bigint); CREATE VIEW of_notes AS SELECT * FROM notes");
    let folder = tempfile::tempdir().expect("a folder");
    let rules = folder.path().join("rules");
    std::fs::create_dir(&rules).expect("a folder");
    let rule = |sql: &str| {
        let text = format!("-- rule: own-rule\n-- title: t\n-- needs: build, step\n{sql}\n");
        std::fs::write(rules.join("own-rule.sql"), text).expect("a file");
    };
    let scan = || halfbuilt(&["scan", "--rules"]).args(&[&rules]).args(&TIMES).on(&database).run();
    let check = || halfbuilt(&["profiles", "--check", "circleci", "--rules"]).args(&[&rules]).on(&database).run();
    rule("SELECT build_key, 'x' AS evidence FROM build WHERE build_key IN (SELECT step.build_key FROM step) AND false");
    scan().exits(Exit::Clean);
    check().exits(Exit::Clean);
    let mut seen = Seen::default();
    for other in ["notes", "of_notes"] {
        rule(&format!(
            "SELECT build_key, 'x' AS evidence FROM build WHERE build_key IN (SELECT build_id FROM public.{other})"
        ));
        let said =
            "rule own-rule: it reads table public.notes: a rule reads build, step, chunk and object, and nothing else";
        seen.add(&format!("a rule that reads {other}"), &scan().exits(Exit::Failed));
        check().exits(Exit::Failed).prints(said);
    }
    shows(&seen, "scan_schemas_rule_that_reads_a_table");
    // What the relations are made of is on that list.
    rule(
        "SELECT build_key, 'x' AS evidence FROM build WHERE build_key IN (SELECT build_id FROM public.actions) AND false",
    );
    scan().exits(Exit::Clean);
}

/// A view that the profile names with its schema is listed, not only what is behind it.
#[test]
fn a_view_of_another_schema_is_one_of_the_tables_that_are_read() {
    let database = TestDatabase::circleci(&["healthy", "stuck-running"]);
    database.run("CREATE SCHEMA \"Other one\"; CREATE VIEW \"Other one\".builds AS SELECT * FROM public.builds");
    let folder = tempfile::tempdir().expect("a folder");
    let [profile, report] = ["mine.sql", "report.csv"].map(|name| folder.path().join(name));
    let text = std::fs::read_to_string(repository("sql/profiles/circleci.sql")).expect("a file");
    std::fs::write(&profile, text.replace(":\"schema\".builds", "\"Other one\".builds")).expect("a file");
    let scan = halfbuilt(&["scan", "-o"]).args(&[&report]).args(&TIMES).args(&["--profile"]).args(&[&profile]);
    scan.on(&database).run().exits(Exit::Clean).says_all_of("scan_schemas_view_of_another_schema");
    database.run("CREATE OR REPLACE VIEW \"Other one\".builds AS SELECT * FROM public.builds WHERE false");
    let delete =
        halfbuilt(&["delete"]).args(&[&report]).args(&["--via", "nrepl://127.0.0.1:9", "--profile"]).args(&[&profile]);
    let done = delete.on(&database).run().exits(Exit::Declined);
    done.fails_with("error: ").says_all_of("scan_schemas_view_of_another_definition");
}

/// By a view that somebody puts in the place of another while builds are deleted, everything might be gone.
#[test]
fn a_view_that_changes_while_builds_are_deleted_ends_the_run() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let gate = database.gate(1);
    database.run("ALTER TABLE builds RENAME TO real_builds; CREATE VIEW builds AS SELECT * FROM real_builds");
    let (folder, report) = scanned(&database);
    let results = folder.path().join("results.csv");
    let real = ["--execute", "--confirm", &database.host, "--max-percent", "100", "-o"];
    let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(&real).args(&[&results]).on(&database);
    let child = run.via_nrepl(&admin(&database)).start();
    gate.wait_for(1);
    // It has to wait for the deletions that are under way.
    let replace = "CREATE OR REPLACE VIEW builds AS SELECT * FROM real_builds WHERE false";
    let mut replacing = psql_meanwhile(&database.name, replace);
    let waits = "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'builds'::regclass";
    wait_until(|| database.run(waits) == "t");
    gate.open();
    replacing.wait().expect("it ends");
    let done = Done::new(child.wait_with_output().expect("it ends")).exits(Exit::Failed);
    done.fails_with(
        "the tables that are read have changed since the run began: view public.builds has another definition",
    );
    let written = Report::read(&results);
    let there: Vec<String> = database.run("SELECT build_url FROM real_builds").lines().map(str::to_owned).collect();
    for row in written.rows.iter().filter(|row| ["deleted", "already-gone"].contains(&row["state"].as_str())) {
        assert!(!there.contains(&row["build_url"]), "{row:?}");
    }
}
