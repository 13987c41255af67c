//! What README and topics say of the program is as the program has it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use halfbuilt::build_url::AddressForm;
use halfbuilt::drill::Difference;
use halfbuilt::obstacle::Ground;
use halfbuilt::policy::Policy;
use halfbuilt::scan::Rule;
use regex::Regex;

use crate::support::{halfbuilt, repository};

/// The longest README that a tired person reads.
const README_LINES: usize = 250;
/// The longest topic.
const TOPIC_LINES: usize = 120;
/// The widest line of a topic, but for tables and for what is set in.
const TOPIC_WIDTH: usize = 100;

/// README and topics: the name and the text of each.
fn documents() -> BTreeMap<String, String> {
    let read = |path: PathBuf| std::fs::read_to_string(path).expect("a document");
    let topics = std::fs::read_dir(repository("src/cli/topics")).expect("the topics").map(|entry| {
        let path = entry.expect("an entry").path();
        (path.file_stem().expect("a name").to_string_lossy().into_owned(), read(path))
    });
    topics.chain([("README".to_owned(), read(repository("README.md")))]).collect()
}

fn topics() -> BTreeMap<String, String> {
    documents().into_iter().filter(|(name, _)| name != "README").collect()
}

fn topic(name: &str) -> String {
    topics().remove(name).unwrap_or_else(|| panic!("there is no topic {name}"))
}

/// The text of all files below a folder that have this ending.
fn all_of(folder: &str, ending: &str) -> String {
    let (mut text, mut folders) = (String::new(), vec![repository(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                text += &std::fs::read_to_string(path).expect("a file");
            }
        }
    }
    text
}

/// The rows of the table of rules and checks, by the names in its first column.
fn table() -> BTreeMap<String, Vec<String>> {
    let topic = topic("rules");
    let rows = topic.lines().skip_while(|line| !line.starts_with("| check | reads |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).flat_map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let names: Vec<String> = cells[0].split(", ").map(str::to_owned).collect();
        names.into_iter().map(move |name| (name, cells.clone()))
    });
    rows.collect()
}

/// What the topic says of each rule and check, by the names before the colon.
fn descriptions() -> BTreeMap<String, String> {
    let topic = topic("rules");
    let points = topic.split("\n* **").skip(1).flat_map(|point| {
        let point = point.split("\n\n").next().expect("a paragraph");
        let (names, text) = point.split_once("**:").expect("names, and what they find");
        let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
        names.split(", ").map(|name| (name.to_owned(), text.clone())).collect::<Vec<_>>()
    });
    points.collect()
}

#[test]
fn the_table_has_every_rule_and_check_with_what_it_reads_and_what_it_makes_deletable() {
    let rules = Rule::load_all(None).expect("the rules that ship");
    let others = Difference::ALL.map(Difference::as_str).into_iter().chain(["times-contradicted", "collation-version"]);
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).chain(others).collect();
    let (table, descriptions) = (table(), descriptions());
    assert_eq!(table.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    assert_eq!(descriptions.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
    for rule in &rules {
        let needs: Vec<String> = rule.needs.iter().map(ToString::to_string).collect();
        let deletable = match rule.ground {
            Ground::Always => "by timing",
            Ground::Never => "never",
            Ground::WhereLost => "where what ran is lost",
            Ground::RowByRow => "row by row",
        };
        let cells = &table[&rule.name];
        assert_eq!([&cells[1], &cells[2]], [&needs.join(", "), deletable], "{}", rule.name);
    }
}

#[test]
fn what_the_topic_quotes_of_a_check_is_what_the_program_says() {
    let source = all_of("src", "rs");
    let mut quoted = 0;
    for (name, text) in descriptions() {
        for text in text.split('"').skip(1).step_by(2) {
            quoted += 1;
            assert!(source.contains(text), "{name}: nothing in the program says {text:?}");
        }
    }
    assert!(quoted > 20, "{quoted} texts were found");
}

#[test]
fn readme_and_topics_are_short() {
    let lines = documents()["README"].lines().count();
    assert!(lines <= README_LINES, "the README has {lines} lines; move some to a topic");
    let mut wrong = Vec::new();
    for (name, text) in topics() {
        assert!(text.starts_with("# "), "{name}: its first line is no title");
        let lines = text.lines().count();
        wrong.extend((lines > TOPIC_LINES).then(|| format!("{name} has {lines} lines")));
        let is_free = |line: &&str| !line.starts_with("    ") && !line.starts_with('|');
        let wide = text.lines().filter(is_free).filter(|line| line.chars().count() > TOPIC_WIDTH);
        wrong.extend(wide.map(|line| format!("{name}: {line}")));
        // Broken, it can neither be copied nor be found.
        let broken = text.lines().filter(is_free).filter(|line| line.matches('`').count() % 2 == 1);
        wrong.extend(broken.map(|line| format!("{name}: a command goes on in the next line: {line}")));
    }
    assert_eq!(wrong, Vec::<String>::new());
}

/// Whoever has the program alone has no file of the repository.
#[test]
fn no_topic_names_a_file_of_the_repository() {
    let file = Regex::new(r"\b(sql|src|tests|fixtures|benches)/[\w./-]*|README").expect("a pattern");
    for (name, text) in topics() {
        let found = file.find(&text).map(|found| found.as_str());
        assert_eq!(found, None, "topic {name} names it");
    }
}

#[test]
fn every_topic_that_is_named_exists_and_the_readme_lists_all() {
    let documents = documents();
    let named = Regex::new(r"`halfbuilt help ([a-z0-9-]+)`").expect("a pattern");
    let known: BTreeSet<&str> = documents.keys().map(String::as_str).filter(|name| *name != "README").collect();
    for (document, text) in &documents {
        for found in named.captures_iter(text) {
            assert!(known.contains(&found[1]), "{document} names the topic {}", &found[1]);
        }
    }
    let (_, last) = documents["README"].split_once("## Where to read on").expect("the list of topics");
    let rows = last.lines().filter(|line| line.starts_with("| ")).skip(1);
    let cells = rows.filter_map(|line| line.trim_matches('|').split('|').nth(1));
    let listed: BTreeSet<&str> = cells.flat_map(|cell| cell.trim().split(", ")).collect();
    assert_eq!(listed, known);
}

#[test]
fn the_topic_environment_has_every_variable() {
    let topic = topic("environment");
    let own = Regex::new(r"HALFBUILT_[A-Z_]+").expect("a pattern");
    let is_of_a_test = |name: &str| name.starts_with("HALFBUILT_TEST");
    let (source, keywords) = (all_of("src", "rs"), std::fs::read_to_string(repository("src/libpq/keywords.rs")));
    let own: BTreeSet<&str> = own.find_iter(&source).map(|found| found.as_str()).filter(|n| !is_of_a_test(n)).collect();
    assert!(own.len() >= 13, "{own:?}");
    let postgres = Regex::new("\"(PG[A-Z]+)\"").expect("a pattern");
    let keywords = keywords.expect("libpq's keywords");
    let postgres: BTreeSet<&str> =
        postgres.captures_iter(&keywords).map(|found| found.get(1).expect("a name").as_str()).collect();
    assert!(postgres.len() >= 35, "{postgres:?}");
    let words: BTreeSet<&str> = topic.split(|c: char| !c.is_ascii_uppercase() && c != '_').collect();
    assert_eq!(own.union(&postgres).filter(|name| !words.contains(*name)).collect::<Vec<_>>(), Vec::<&&str>::new());
}

#[test]
fn the_topic_exit_codes_has_the_table_of_the_readme() {
    let rows = |text: &str| -> Vec<String> {
        let rows = text.lines().skip_while(|line| *line != "| code | meaning |");
        rows.take_while(|line| line.starts_with('|')).map(str::to_owned).collect()
    };
    let (readme, topic) = (rows(&documents()["README"]), rows(&topic("exit-codes")));
    assert!(readme.len() >= 10, "{readme:?}");
    assert_eq!(readme, topic);
}

#[test]
fn the_topic_policy_shows_a_policy_that_sets_every_key() {
    let topic = topic("policy");
    let example: Vec<&str> = topic.lines().filter_map(|line| line.strip_prefix("    ")).collect();
    Policy::parse(Path::new("halfbuilt.toml"), AddressForm::CircleCi, &example.join("\n"))
        .expect("the example is a policy");
    let set: BTreeSet<&str> = example.iter().filter_map(|line| line.split_once(" = ")).map(|(key, _)| key).collect();
    let keys = Policy::sections().into_iter().flat_map(|(_, keys)| keys.iter().copied());
    assert_eq!(set, keys.collect());
}

/// Off a terminal a topic can be kept as a file: the escapes that guard a CI's runner against names from outside would break its headings.
#[test]
fn the_program_has_every_topic_as_it_stands() {
    for (name, text) in topics() {
        let done = halfbuilt(&["help", &name]).run();
        assert!(done.stdout.ends_with(&text), "{name}: {}", done.stdout);
    }
}
