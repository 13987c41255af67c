//! Pages of every kind in files, for `tests/browser.sh`, which looks at them in a real browser.

use std::path::Path;

use halfbuilt::report::Row;
use halfbuilt::timing::Timing;

use crate::samples::{about, hostile, inputs, page, past, row, three, url};

#[test]
fn pages_are_written_for_a_browser() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).expect("a folder");
    let before = |row: Row, minutes: i64| Row {
        started_at: row.started_at.map(|start| start - jiff::SignedDuration::from_mins(minutes)),
        ..row
    };
    let many = (1..4000).map(|number| before(row(number), number % 97)).chain(three()).collect();
    // As many as one restore leaves: on paper they take several pages.
    let left = |number, timing, note: &str| Row { timing, deletable: false, note: note.to_owned(), ..row(number) };
    let kinds_of_left = [
        (Timing::Between, "it did something between the backup and the restore: T, R or a clock is wrong"),
        (Timing::AfterRestore, "it did something after the restore and may be alive"),
        (Timing::Unknown, "no time on record"),
    ];
    let others = (4..90).map(|number| before(row(number), number % 97));
    let others = others.chain((90..102).map(|number| {
        let (timing, note) = kinds_of_left[number as usize % 3];
        left(number, timing, note)
    }));
    let deleted = (4..90).map(|number| (url(number), past().builds[&url(1)].clone()));
    let mut run = past();
    run.builds.extend(deleted);
    let kinds = [
        ("restore", inputs(three().into_iter().chain(others).collect(), Some(about(101)), vec![run])),
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
