//! The body of each fuzz target: a function that panics if a promise does not hold. `tests/corpus.rs` of the main crate includes this
//! file and runs the functions over the kept inputs, so that `cargo test` keeps what the fuzzers found.

pub mod about;
pub mod alive;
pub mod archive;
pub mod bencode;
pub mod build_url;
pub mod checklist;
pub mod console;
pub mod database;
pub mod document;
pub mod evidence;
pub mod globs;
pub mod journal;
pub mod listing;
pub mod nrepl;
pub mod policy;
pub mod report;
pub mod request;
pub mod sql;
pub mod text;
pub mod via;

pub type Check = fn(&[u8]);

/// All targets. A name is also that of a folder in `corpus/` and of a file in `targets/`.
pub const TARGETS: [(&str, Check); 20] = [
    ("about", about::check),
    ("alive", alive::check),
    ("archive", archive::check),
    ("bencode", bencode::check),
    ("build_url", build_url::check),
    ("checklist", checklist::check),
    ("console", console::check),
    ("database", database::check),
    ("document", document::check),
    ("evidence", evidence::check),
    ("globs", globs::check),
    ("journal", journal::check),
    ("listing", listing::check),
    ("nrepl", nrepl::check),
    ("policy", policy::check),
    ("report", report::check),
    ("request", request::check),
    ("sql", sql::check),
    ("text", text::check),
    ("via", via::check),
];

/// The most characters of a message. It may show several foreign texts, each far shorter.
const MAX_MESSAGE: usize = 2000;

/// A message is short, has one line, and contains nothing that a terminal obeys.
fn assert_printable(message: &str) {
    let driving = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!message.contains(driving), "a message drives a terminal: {message:?}");
    let length = message.chars().count();
    assert!(length <= MAX_MESSAGE, "a message has {length} characters");
}

/// An error and all its causes are printable.
fn assert_error_printable(error: &dyn std::error::Error) {
    assert_printable(&error.to_string());
    halfbuilt::causes::distinct_causes(error).iter().for_each(|cause| assert_printable(cause));
}

/// Cuts bytes into pieces in three ways: whole, one by one, and in pieces of a length that the bytes choose.
fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    let length = bytes.first().map_or(1, |byte| usize::from(*byte) % 31 + 2);
    [vec![bytes], bytes.chunks(1).collect(), bytes.chunks(length).collect()]
}

/// Reads the bytes in all cuts, and checks that the result is the same.
fn read_all_cuts<T: PartialEq + std::fmt::Debug>(bytes: &[u8], read: impl Fn(Vec<&[u8]>) -> T) -> T {
    let [whole, one_by_one, pieces] = cuts(bytes).map(read);
    assert_eq!(whole, one_by_one, "cut into bytes");
    assert_eq!(whole, pieces, "cut into pieces");
    whole
}

/// Puts the bytes into a file of this thread, for parsers that open a file by its name.
fn in_a_file<T>(bytes: &[u8], use_it: impl FnOnce(&std::path::Path) -> T) -> T {
    thread_local! {
        static FOLDER: tempfile::TempDir = tempfile::tempdir().expect("a folder");
    }
    FOLDER.with(|folder| {
        let file = folder.path().join("input");
        std::fs::write(&file, bytes).expect("a file");
        use_it(&file)
    })
}
