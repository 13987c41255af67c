//! The files that `halfbuilt verify` writes for a CI, read back.

use std::path::PathBuf;

use serde_json::Value;

use super::{Done, Ended, Junit, Run, assert_valid, halfbuilt, repository};

/// A folder for the files of a verdict.
pub struct VerdictFiles {
    folder: tempfile::TempDir,
}

impl VerdictFiles {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file that is there already.
    pub fn with(&self, name: &str, text: &str) -> PathBuf {
        std::fs::write(self.path(name), text).expect("a file");
        self.path(name)
    }

    /// `halfbuilt verify` that writes both files.
    pub fn verify(&self) -> Run {
        let (junit, json) = (self.path("junit.xml"), self.path("verdict.json"));
        halfbuilt(&["verify"]).args(&["--junit"]).args(&[junit]).args(&["--json"]).args(&[json])
    }

    #[track_caller]
    pub fn junit(&self) -> Junit {
        Junit::read(&self.path("junit.xml"))
    }

    /// The verdict, held to its schema.
    #[track_caller]
    pub fn json(&self) -> Value {
        let text = std::fs::read_to_string(self.path("verdict.json")).expect("a file");
        let document = serde_json::from_str(&text).expect("JSON");
        let schema = std::fs::read_to_string(repository("src/output/verdict/verdict.schema.json")).expect("a file");
        assert_valid(&serde_json::from_str(&schema).expect("JSON"), &document);
        document
    }

    /// Both files and the exit code agree.
    #[track_caller]
    pub fn agree(&self, done: &Done) -> (Junit, Value) {
        let (junit, json) = (self.junit(), self.json());
        assert_eq!(json["exit_code"], Value::from(done.code));
        let checks = json["checks"].as_array().expect("checks");
        for check in checks {
            let case = junit.case(check["name"].as_str().expect("a name"));
            match (&check["checked"], &check["passed"], &case.ended) {
                (Value::Bool(false), Value::Null, Ended::Skipped(why)) => {
                    // JUnit has one word for both.
                    let reason = match &check["why_not_needed"] {
                        Value::Null => check["why_not_checked"].clone(),
                        needless => format!("not needed: {}", needless.as_str().expect("why")).into(),
                    };
                    assert_eq!(reason, **why, "{check}");
                }
                (Value::Bool(true), Value::Bool(false), Ended::Failed(_)) => {}
                (Value::Bool(true), Value::Bool(true) | Value::Null, Ended::Passed) => {}
                other => panic!("{}: {other:?}", case.name),
            }
        }
        let others = ["not_checked", "expected"].map(|list| json[list].as_array().expect("a list").len());
        let errors = usize::from(matches!(done.code, Some(3 | 4 | 130)));
        assert_eq!(junit.cases.len(), checks.len() + others.iter().sum::<usize>() + errors);
        assert_eq!(junit.errors().len(), errors);
        if errors == 0 || done.code == Some(4) {
            let sentence = json["sentence"].as_str().expect("a sentence");
            assert!(done.stderr.contains(sentence), "{sentence}\n{}", done.stderr);
        }
        (junit, json)
    }
}

pub fn failed(ended: &Ended) -> bool {
    matches!(ended, Ended::Failed(_))
}
