//! What each fuzz target checks of some bytes, as a function that panics where a promise does not hold. `tests/corpus.rs` of the
//! main crate takes in this same file and runs it over the kept inputs, so that `cargo test` holds what the fuzzers found.

pub mod about;
pub mod archive;
pub mod bencode;
pub mod build_url;
pub mod console;
pub mod database;
pub mod globs;
pub mod journal;
pub mod nrepl;
pub mod policy;
pub mod report;
pub mod sql;
pub mod text;
pub mod via;

/// Checks some bytes.
pub type Check = fn(&[u8]);

/// Every target by its name, which is that of its folder in `corpus/` and of its file in `targets/`.
pub const TARGETS: [(&str, Check); 14] = [
    ("about", about::check),
    ("archive", archive::check),
    ("bencode", bencode::check),
    ("build_url", build_url::check),
    ("console", console::check),
    ("database", database::check),
    ("globs", globs::check),
    ("journal", journal::check),
    ("nrepl", nrepl::check),
    ("policy", policy::check),
    ("report", report::check),
    ("sql", sql::check),
    ("text", text::check),
    ("via", via::check),
];

/// The most characters of a message. What is foreign in it is far shorter; a message may show several such texts.
const LONGEST_MESSAGE: usize = 2000;

/// A message, whatever it was made of, is short, in one line, and nothing that a terminal would obey.
fn is_fit_for_a_terminal(message: &str) {
    let driving = |c: char| {
        c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    assert!(!message.contains(driving), "a message drives a terminal: {message:?}");
    let length = message.chars().count();
    assert!(length <= LONGEST_MESSAGE, "a message has {length} characters");
}

/// An error and all its causes are fit for a terminal, as they are and as the program joins them.
fn prints_its_causes(error: &dyn std::error::Error) {
    is_fit_for_a_terminal(&error.to_string());
    halfbuilt::causes::distinct_causes(error).iter().for_each(|cause| is_fit_for_a_terminal(cause));
}

/// The ways in which some bytes are cut into pieces: whole, one by one, and in pieces of a length that they choose themselves.
fn cuts(bytes: &[u8]) -> [Vec<&[u8]>; 3] {
    let length = bytes.first().map_or(1, |byte| usize::from(*byte) % 31 + 2);
    [vec![bytes], bytes.chunks(1).collect(), bytes.chunks(length).collect()]
}

/// What `read` makes of the bytes however they are cut, which has to be the same.
fn however_cut<T: PartialEq + std::fmt::Debug>(bytes: &[u8], read: impl Fn(Vec<&[u8]>) -> T) -> T {
    let [whole, one_by_one, pieces] = cuts(bytes).map(read);
    assert_eq!(whole, one_by_one, "cut into bytes");
    assert_eq!(whole, pieces, "cut into pieces");
    whole
}

/// A file of this thread's own, for parsers that open a file by its name.
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
