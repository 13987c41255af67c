//! Two small documents to the letter.

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

#[test]
fn a_small_page() {
    insta::assert_snapshot!(bare(&page(&inputs(three(), Some(about(3)), vec![past()]))));
}

#[test]
fn a_small_ticket() {
    insta::assert_snapshot!(ticket(&inputs(three(), Some(about(3)), vec![past()])));
}

#[test]
fn a_ticket_of_a_report_alone() {
    insta::assert_snapshot!(ticket(&inputs(three(), None, Vec::new())));
}
