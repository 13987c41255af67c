//! Holds the code to its layers: arrows run one way, and each package of the outside world has one home.

#[path = "layers/imports.rs"]
mod imports;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The layers, lowest first. A module may use those below its own layer, never one beside it.
const LAYERS: [&[&str]; 10] = [
    // What is asked of the operating system, and how text from outside is shown: used everywhere.
    &["core_dumps", "file_access", "text"],
    &[
        "alive",
        "baseline_reason",
        "build_url",
        "causes",
        "census",
        "collation",
        "collection",
        "duration",
        "exit",
        "finding",
        "http_deletion",
        "losses",
        "not_checked",
        "obstacle",
        "percent",
        "premise",
        "project_glob",
        "request_path",
        "row_versions",
        "server_moment",
        "sql",
        "state",
        "table",
        "timing",
        "version",
    ],
    // How a connection to PostgreSQL is made: no queries, nothing of builds.
    &["libpq"],
    &["database", "admin", "policy", "report"],
    &["scan"],
    &["checklist", "deletion", "drill", "objects", "sources", "times"],
    // What fuzz targets see, and what a report and its journals come to.
    &["fuzzing", "audit"],
    &["output"],
    &["cli"],
    &["commands"],
];

/// Modules of one layer that one of them may use all the same, with the reason.
const BESIDE: [(&str, &str); 11] = [
    // What of a server's builds it lacks.
    ("collection", "not_checked"),
    // What a build is at, and when it ran, belong to what was found of it.
    ("finding", "build_url"),
    ("finding", "timing"),
    // What stands against deleting it, in which its timing is one thing of many.
    ("finding", "obstacle"),
    ("obstacle", "timing"),
    // A build that a baseline knows otherwise is never deletable.
    ("obstacle", "baseline_reason"),
    // So is one whose path is none.
    ("obstacle", "request_path"),
    // T and R.
    ("premise", "timing"),
    // What came back empty.
    ("premise", "losses"),
    // What was written after R, told without a clock.
    ("premise", "row_versions"),
    ("obstacle", "losses"),
];

/// Where each package may be named.
const HOMES: [(&str, &[&str]); 38] = [
    ("tokio_postgres", &["database/", "libpq/"]),
    ("tokio_openssl", &["libpq/", "admin/http/"]),
    (
        "nix::unistd",
        &["libpq/", "checklist/", "file_access.rs", "deletion/journal/", "admin/console/", "sources/private/"],
    ),
    (
        "nix::fcntl",
        &[
            "file_access.rs",
            "checklist/tree.rs",
            "deletion/journal/",
            "deletion/archive/",
            "output/record_file.rs",
            "sources/private/",
        ],
    ),
    ("nix::poll", &["file_access.rs", "output/pipe.rs"]),
    ("nix::sys", &["admin/console/", "checklist/", "core_dumps.rs", "sources/private/"]),
    ("nix::dir", &["checklist/tree.rs"]),
    ("nix::ifaddrs", &["checklist/machine.rs"]),
    ("nix::time", &["admin/freshness.rs"]),
    ("pty_process", &["admin/console/"]),
    ("flate2", &["deletion/archive/", "objects/saved/"]),
    ("reqwest", &["sources/", "objects/bucket/", "objects/error.rs"]),
    ("object_store", &["objects/bucket/"]),
    ("quick_xml", &["objects/bucket/page.rs"]),
    ("ini", &["objects/bucket/shared_config.rs"]),
    ("extsort", &["objects/entry.rs", "objects/sorter.rs"]),
    ("percent_encoding", &["alive/names.rs", "objects/"]),
    ("socket2", &["libpq/"]),
    ("openssl", &["libpq/", "admin/", "checklist/certificate.rs"]),
    ("hyper", &["admin/http.rs", "admin/http/"]),
    ("hyper_util", &["admin/http/"]),
    ("tower_service", &["admin/http/route.rs"]),
    ("indicatif", &["output/progress.rs"]),
    ("comfy_table", &["output/table/framed.rs", "output/topic.rs"]),
    // The admin path has a module of the same name.
    ("console", &["output/terminal.rs", "admin/mod.rs"]),
    ("csv", &["report/", "objects/saved/inventory.rs"]),
    ("strsim", &["text/similar.rs"]),
    ("quick_junit", &["output/verdict/junit.rs", "output/checklist/junit.rs"]),
    ("clap", &["cli.rs", "cli/", "main.rs"]),
    ("clap_complete", &["cli/help.rs"]),
    ("clap_mangen", &["cli/help.rs"]),
    ("pulldown_cmark", &["output/topic.rs"]),
    (
        "serde_json",
        &[
            "output/json.rs",
            "output/verdict/json.rs",
            "admin/http/request.rs",
            "alive/kubernetes.rs",
            "alive/nomad.rs",
            "checklist/json_text.rs",
            "checklist/probe/object.rs",
            "checklist/probe/objects.rs",
            "deletion/journal/",
            "deletion/archive/line.rs",
            "report/alive.rs",
            "report/collection.rs",
            "report/metadata.rs",
            "drill/manifest/",
            "sources/",
            "objects/saved/aws_json.rs",
            "times/json_text.rs",
            "output/times.rs",
            // EXPLAIN's own.
            "scan/doubled.rs",
            "scan/tables.rs",
        ],
    ),
    (
        "sha2",
        &["scan/fingerprint.rs", "scan/tables.rs", "deletion/", "report/digest.rs", "drill/signature.rs", "sources/"],
    ),
    ("hmac", &["drill/signature.rs"]),
    ("tempfile", &["output/editor.rs", "output/file.rs"]),
    ("askama", &["output/page/"]),
    ("toml", &["policy.rs", "checklist/list_text.rs"]),
];

struct Source {
    /// Its path below src/.
    path: String,
    /// Its text without its tests.
    text: String,
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut found = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path: PathBuf = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(&root).expect("below src").to_str().expect("UTF-8").to_owned();
            let is_test = name.ends_with("_tests.rs") || name.ends_with("scripted.rs") || name == "testing.rs";
            if name.ends_with(".rs") && !is_test {
                let text = std::fs::read_to_string(&path).expect("a file");
                let text = text.split("\nmod tests {").next().unwrap_or_default().to_owned();
                found.push(Source { path: name, text });
            }
        }
    }
    assert!(found.len() > 40, "only {} files were looked at", found.len());
    found
}

fn module(path: &str) -> &str {
    path.split('/').next().unwrap_or_default().trim_end_matches(".rs")
}

/// The words that stand after `before` in a text, as far as they are part of a path.
fn words_after<'a>(text: &'a str, before: &'a str) -> impl Iterator<Item = &'a str> {
    text.split(before).skip(1).map(|rest| {
        let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
        &rest[..end]
    })
}

#[test]
fn arrows_run_one_way() {
    let layer: BTreeMap<&str, usize> = LAYERS
        .iter()
        .enumerate()
        .flat_map(|(layer, modules)| modules.iter().map(move |module| (*module, layer)))
        .collect();
    let mut wrong = Vec::new();
    for source in sources() {
        let from = module(&source.path);
        if matches!(from, "main" | "lib") {
            continue;
        }
        let own = *layer.get(from).unwrap_or_else(|| panic!("{}: which layer is it in?", source.path));
        let grouped = source.text.contains("crate::{") || source.text.contains("super::super::super");
        assert!(!grouped, "{}: write a line for each module, which this test can read", source.path);
        for to in words_after(&source.text, "crate::") {
            let Some(used) = layer.get(to) else { continue };
            if to != from && *used >= own && !BESIDE.contains(&(from, to)) {
                wrong.push(format!("{} uses {to}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn no_two_files_import_one_another_in_a_circle() {
    let sources = sources();
    let files = sources.iter().map(|source| (source.path.as_str(), source.text.as_str()));
    let read = imports::Crate::new(files.filter(|(path, _)| !matches!(*path, "main.rs" | "lib.rs")));
    let imports = read.imports();
    assert!(
        imports["commands/delete/gates.rs"].contains("deletion/gate.rs"),
        "{:?}",
        imports["commands/delete/gates.rs"]
    );
    assert_eq!(imports::circles(&imports), Vec::<Vec<String>>::new());
}

#[test]
fn every_package_has_one_home() {
    let mut wrong = Vec::new();
    for source in sources() {
        for (package, homes) in HOMES {
            let named =
                source.text.contains(&format!("{package}::")) || source.text.contains(&format!("use {package}"));
            if named && !homes.iter().any(|home| source.path.starts_with(home)) {
                wrong.push(format!("{} names {package}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Text for a terminal or a CI's log is written by the printer and by outputs, and these make it harmless; nothing else escapes
/// or cuts text by hand.
#[test]
fn no_message_can_carry_an_escape_sequence() {
    let writers = ["output/printer.rs", "output/file.rs", "output/harmless.rs"];
    let mut wrong = Vec::new();
    for source in sources() {
        let writes = ["stderr().lock()", "!(io::stderr()", "stdout().lock()", "!(io::stdout()", "io::Stdout"];
        if writes.iter().any(|write| source.text.contains(write)) && !writers.contains(&source.path.as_str()) {
            wrong.push(format!("{} writes to a terminal", source.path));
        }
        let escapes = ["escape_debug()", "escape_default()", "escape_unicode()"];
        // What is digested is not shown.
        let own = ["text.rs", "deletion/digest.rs"];
        if escapes.iter().any(|escape| source.text.contains(escape)) && !own.contains(&source.path.as_str()) {
            wrong.push(format!("{} escapes by hand", source.path));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    let printer = sources().into_iter().find(|source| source.path == writers[0]).expect("the printer").text;
    let unescaped = printer.lines().filter(|line| line.contains("io::stderr()") && line.contains("write"));
    let unescaped: Vec<&str> = unescaped.filter(|line| !line.contains("Foreign::new(")).collect();
    assert_eq!(unescaped, Vec::<&str>::new());
}

#[test]
fn sql_stands_in_sql_alone() {
    let mut wrong = Vec::new();
    for source in sources() {
        for line in source.text.lines().filter(|line| !line.trim_start().starts_with("//")) {
            let words = ["SELECT ", "INSERT ", "DELETE FROM", "UPDATE ", "BEGIN;", "SET "];
            if line.contains('"') && words.iter().any(|word| line.contains(&format!("\"{word}"))) {
                wrong.push(format!("{}: {line}", source.path));
            }
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// The SQL files below a folder, by path.
fn sql_files(below: &str) -> Vec<(PathBuf, String)> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(below)];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = std::fs::read_to_string(&path).expect("a file");
                files.push((path, text));
            }
        }
    }
    files
}

#[test]
fn every_sql_file_and_every_part_of_one_says_what_for_whom_and_why() {
    let says = |text: &str, what: &str| {
        for heading in ["-- What:", "-- Why:", "-- For"] {
            assert!(text.contains(heading), "{what}: no {heading}");
        }
    };
    let mut parts = 0;
    for (path, text) in sql_files("sql") {
        match text.split_once("\n-- part: ") {
            None => says(&text, &path.display().to_string()),
            Some((_, of_parts)) => {
                for part in of_parts.split("\n-- part: ") {
                    says(part, &format!("{}, part {}", path.display(), part.lines().next().unwrap_or_default()));
                    parts += 1;
                }
            }
        }
    }
    assert!(parts > 50, "only {parts} parts were looked at");
}

#[test]
fn every_part_of_the_programs_own_sql_is_used() {
    let code: String = sources().into_iter().map(|source| source.text).collect();
    let mut unused = Vec::new();
    for (path, text) in sql_files("sql/engine") {
        let file = path.file_stem().and_then(|stem| stem.to_str()).expect("a name").to_uppercase();
        for part in words_after(&text, "-- part: ") {
            if !code.contains(&format!("{file}.part(\"{part}\")")) {
                unused.push(format!("{}, part {part}", path.display()));
            }
        }
    }
    assert_eq!(unused, Vec::<String>::new());
}

#[test]
fn no_file_is_too_long_to_be_one_thing() {
    for source in sources() {
        let lines = source.text.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", source.path);
    }
}

#[test]
fn no_test_file_is_longer_than_500_lines() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders = vec![root.join("tests"), root.join("src")];
    let mut files = 0;
    let mut too_long = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let name = path.strip_prefix(root).expect("below the root").to_str().expect("UTF-8");
            if path.is_dir() {
                // What the fuzz targets are built into is not ours.
                if !name.ends_with("/target") {
                    folders.push(path);
                }
            } else if name.ends_with("tests.rs") || name.starts_with("tests/") && name.ends_with(".rs") {
                files += 1;
                let lines = std::fs::read_to_string(&path).expect("a file").lines().count();
                too_long.extend((lines > 500).then(|| format!("{name} has {lines} lines")));
            }
        }
    }
    assert!(files > 100, "only {files} files were looked at");
    assert_eq!(too_long, Vec::<String>::new());
}

#[test]
fn the_readme_and_the_help_list_all_exit_codes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let read = |file: &str| std::fs::read_to_string(root.join(file)).expect("a file");
    let code = |line: &str| line.split(" = ").nth(1).and_then(|code| code.trim_end_matches(',').parse::<u8>().ok());
    let codes: Vec<u8> = read("src/exit.rs").lines().filter_map(code).collect();
    assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 130, 141]);
    let (readme, help) = (read("README.md"), read("src/cli.rs"));
    for code in codes {
        let row = readme.lines().find_map(|line| line.strip_prefix(&format!("| {code} | ")));
        let row = row.unwrap_or_else(|| panic!("the README does not list code {code}")).trim_end_matches(" |");
        assert!(
            help.contains(&format!("  {code:<3}  {}", row.replace('`', ""))),
            "the help does not list code {code}: {row}"
        );
    }
}
