//! The README's table of rules and checks: all of them, as the program has them.

use std::collections::{BTreeMap, BTreeSet};

use halfbuilt::drill::Difference;
use halfbuilt::obstacle::Ground;
use halfbuilt::scan::Rule;

use crate::support::repository;

/// The cells of the table, by the name in its first column.
fn table() -> BTreeMap<String, Vec<String>> {
    let readme = std::fs::read_to_string(repository("README.md")).expect("the README");
    let rows = readme.lines().skip_while(|line| !line.starts_with("| check | reads |")).skip(2);
    let rows = rows.take_while(|line| line.starts_with('|')).flat_map(|line| {
        let cells: Vec<String> = line.trim_matches('|').split('|').map(|cell| cell.trim().to_owned()).collect();
        let names: Vec<String> = cells[0].split(", ").map(str::to_owned).collect();
        names.into_iter().map(move |name| (name, cells.clone()))
    });
    rows.collect()
}

#[test]
fn the_table_has_every_rule_and_check_with_what_it_reads_and_what_it_makes_deletable() {
    let rules = Rule::load_all(None).expect("the rules that ship");
    let others = Difference::ALL.map(Difference::as_str).into_iter().chain(["times-contradicted", "collation-version"]);
    let known: BTreeSet<&str> = rules.iter().map(|rule| rule.name.as_str()).chain(others).collect();
    let table = table();
    assert_eq!(table.keys().map(String::as_str).collect::<BTreeSet<_>>(), known);
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

/// What the table says that a check says is in the program.
#[test]
fn what_the_table_quotes_is_what_the_program_says() {
    let mut source = String::new();
    let mut folders = vec![repository("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                source += &std::fs::read_to_string(path).expect("a file");
            }
        }
    }
    let mut quoted = 0;
    for (name, cells) in table() {
        for text in cells[4].split('"').skip(1).step_by(2) {
            quoted += 1;
            assert!(source.contains(text), "{name}: nothing in the program says {text:?}");
        }
    }
    assert!(quoted > 20, "{quoted} texts were found");
}
