//! A disk that takes no more: the limit of the operating system on the size of a file stands for it.

use std::io::Read;

use halfbuilt::deletion::journal::read_or_new;

use crate::child::{reported, spawn};
use crate::samples::{add, place, start, url};

/// In KiB.
const LIMIT: u64 = 20;

#[test]
fn a_journal_that_can_grow_no_more_stops_its_run_and_opens_again() {
    let (_folder, file) = place();
    // Without the trap a signal would kill it instead.
    let mut child = spawn("fills", &file, &format!("trap '' XFSZ; ulimit -f {LIMIT}"));
    let mut stdout = String::new();
    child.stdout.take().expect("a pipe").read_to_string(&mut stdout).expect("UTF-8");
    assert!(child.wait().expect("an end").success(), "{stdout}");
    let failed: Vec<&str> = reported(&stdout, "failed").collect();
    assert_eq!(failed, ["the journal cannot be written: File too large (os error 27)"]);
    assert_eq!(std::fs::metadata(&file).expect("a file").len(), LIMIT * 1024);
    let acknowledged: Vec<u64> =
        reported(&stdout, "acknowledged").map(|number| number.parse().expect("a number")).collect();
    assert!(acknowledged.len() > 10, "{stdout}");
    let past = add(&file, vec![start()]);
    assert!(past.cut.is_some_and(|cut| cut.bytes > 0));
    assert!(acknowledged.iter().all(|number| past.builds.contains_key(&url(*number))));
    assert_eq!(past.builds.len(), acknowledged.len(), "what failed is not there");
    assert_eq!(read_or_new(&file).expect("a journal").repairs, 1);
}
