//! Runs the body of every fuzz target over its corpus: seeds, and every input on which a fuzzer found a fault once.

use std::path::{Path, PathBuf};

/// What a target has as seeds besides its corpus: tests/fuzz/run.sh names the same folders.
const SEEDS: [(&str, &str); 5] = [
    ("sql", "sql/rules"),
    ("sql", "sql/profiles"),
    ("evidence", "fixtures/times"),
    ("checklist", "src/checklist/lists"),
    ("checklist", "fixtures/checklist/cluster"),
];

#[path = "fuzz/src/lib.rs"]
mod targets;

#[test]
fn every_kept_input_keeps_its_promises() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = |folder: PathBuf| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
        entries.map(|entry| entry.expect("an entry").path()).collect()
    };
    let mut broken = Vec::new();
    for (name, check) in targets::TARGETS {
        let seeds = SEEDS.iter().filter(|(target, _)| *target == name).flat_map(|(_, folder)| files(root.join(folder)));
        let mut count = 0;
        for input in files(root.join("tests/fuzz/corpus").join(name)).into_iter().chain(seeds) {
            let bytes = std::fs::read(&input).expect("a file");
            if std::panic::catch_unwind(|| check(&bytes)).is_err() {
                broken.push(input);
            }
            count += 1;
        }
        assert!(count >= 3, "the corpus of {name} holds {count} inputs");
    }
    assert!(broken.is_empty(), "the fuzz targets named by their folders fail on {broken:#?}");
}

/// Otherwise a fault that a fuzzer found could come back unseen.
#[test]
fn every_target_can_be_run_and_every_corpus_has_its_target() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz");
    let names = |below: &str, ending: &str| {
        let mut names: Vec<String> = std::fs::read_dir(folder.join(below))
            .expect("a folder")
            .map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8").replace(ending, ""))
            .collect();
        names.sort();
        names
    };
    let targets = targets::TARGETS.map(|(name, _)| name.to_owned());
    assert_eq!(names("targets", ".rs"), targets);
    assert_eq!(names("corpus", ""), targets);
    let manifest = std::fs::read_to_string(folder.join("Cargo.toml")).expect("a file");
    for name in targets {
        assert!(manifest.contains(&format!("path = \"targets/{name}.rs\"")), "{name} is not in tests/fuzz/Cargo.toml");
    }
}
