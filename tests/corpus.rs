//! Runs the body of every fuzz target over its corpus: seeds, and every input on which a fuzzer found a fault once.

use std::path::Path;

#[path = "fuzz/src/lib.rs"]
mod targets;

#[test]
fn every_kept_input_keeps_its_promises() {
    let corpora = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut broken = Vec::new();
    for (name, check) in targets::TARGETS {
        let inputs = std::fs::read_dir(corpora.join(name)).unwrap_or_else(|error| panic!("corpus of {name}: {error}"));
        let mut count = 0;
        for input in inputs {
            let input = input.expect("an entry").path();
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
