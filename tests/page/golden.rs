//! Two small documents to the letter.

use halfbuilt::version::{TOOL, VERSION};

use crate::samples::{about, inputs, page, past, three, ticket};

/// The page without its style sheet and script, which have tests of their own.
fn bare(page: &str) -> String {
    let mut bare = page.to_owned();
    for (begin, end) in [("<style>", "</style>"), ("<script>", "</script>"), ("style-src '", "'; img-src")] {
        let from = bare.find(begin).expect(begin) + begin.len();
        let to = from + bare[from..].find(end).expect(end);
        bare.replace_range(from..to, "…");
    }
    bare
}

/// Every program makes the same page, but for its name.
fn unversioned(text: &str) -> String {
    assert!(text.contains(TOOL), "the page does not say which program made it: {VERSION}");
    text.replace(TOOL, "halfbuilt 0.1.0")
}

#[test]
fn a_small_page() {
    insta::assert_snapshot!(unversioned(&bare(&page(&inputs(three(), Some(about(3)), vec![past()])))));
}

#[test]
fn a_small_ticket() {
    insta::assert_snapshot!(unversioned(&ticket(&inputs(three(), Some(about(3)), vec![past()]))));
}

#[test]
fn a_ticket_of_a_report_alone() {
    insta::assert_snapshot!(unversioned(&ticket(&inputs(three(), None, Vec::new()))));
}
