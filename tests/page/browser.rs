//! Pages of every kind in files, for `tests/browser.sh`, which looks at them in a real browser.

use std::path::Path;

use halfbuilt::report::Row;

use crate::samples::{about, hostile, inputs, page, past, row, three};

#[test]
fn pages_are_written_for_a_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("a folder");
    let before = |row: Row, minutes: i64| Row {
        started_at: row.started_at.map(|start| start - jiff::SignedDuration::from_mins(minutes)),
        ..row
    };
    let many = (1..4000).map(|number| before(row(number), number % 97)).chain(three()).collect();
    let kinds = [
        ("small", inputs(three(), Some(about(3)), vec![past()])),
        ("many", inputs(many, Some(about(4002)), vec![past()])),
        ("alone", inputs(three(), None, Vec::new())),
        ("nothing", inputs(Vec::new(), Some(about(0)), Vec::new())),
        ("hostile", hostile()),
    ];
    for (name, inputs) in kinds {
        let file = folder.join(name).with_extension("html");
        std::fs::write(&file, page(&inputs)).expect("a page");
        assert!(file.metadata().expect("a file").len() > 10_000);
    }
}
