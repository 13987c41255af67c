//! What a ticket promises: what GitHub's Markdown makes of it is what was meant.

use comrak::{Options, markdown_to_html};
use scraper::{Html, Selector};

use crate::samples::{about, hostile, hostile_with, inputs, past, row, ticket, url};

fn rendered(ticket: &str) -> Html {
    let mut options = Options::default();
    let on = &mut options.extension;
    (on.table, on.autolink, on.strikethrough, on.tasklist, on.footnotes) = (true, true, true, true, true);
    // Raw HTML as it stands: what it would be if nothing after us took care.
    options.render.r#unsafe = true;
    Html::parse_document(&markdown_to_html(ticket, &options))
}

fn count(page: &Html, selector: &str) -> usize {
    page.select(&Selector::parse(selector).expect("a selector")).count()
}

#[test]
fn hostile_text_stays_text() {
    let text = ticket(&hostile());
    let page = rendered(&text);
    assert_eq!(count(&page, "script, img, del, em, h1, code, textarea, style, title"), 0, "{}", page.html());
    let links = Selector::parse("a").expect("a selector");
    let links: Vec<&str> = page.select(&links).filter_map(|link| link.value().attr("href")).collect();
    assert_eq!(links, [url(2)], "{text}");
    let shown: String = page.root_element().text().collect();
    assert!(shown.contains("<script>alert(1)</script>"), "{shown}");
    // Mentions and numbers of issues are found in the text that is shown.
    for begin in ['@', '#', '!', '~', '%', '&', '$'] {
        for (place, _) in shown.match_indices(begin) {
            let next = shown[place + 1..].chars().next().unwrap_or(' ');
            assert!(!next.is_alphanumeric(), "{begin}{next} at {place} of {shown}");
        }
    }
    for refers in ["GH-12", ":tada:"] {
        assert!(!shown.contains(refers), "{refers}: {shown}");
    }
    assert!(!text.contains(['\u{1b}', '\u{202e}']));
}

#[test]
fn its_tables_are_tables() {
    let page = rendered(&ticket(&inputs((1..=50).map(row).collect(), Some(about(50)), vec![past()])));
    assert_eq!(count(&page, "table"), 8);
    assert_eq!(count(&page, "h2"), 1);
    let rows = Selector::parse("table").expect("a selector");
    for table in page.select(&rows) {
        let table = Html::parse_fragment(&table.html());
        let columns = count(&table, "thead th");
        assert_eq!(count(&table, "tbody td"), columns * count(&table, "tbody tr"));
    }
    let shown: String = page.root_element().text().collect();
    assert!(shown.contains("Left for a person: 48 builds") && shown.contains("And 28 more, in report.csv."), "{shown}");
    let alone = ticket(&inputs((1..=50).map(row).collect(), Some(about(50)), Vec::new()));
    assert!(alone.contains("The list is cut: 30 more are in report.csv."), "{alone}");
}

#[test]
fn it_fits_into_a_ticket() {
    let length = ticket(&hostile_with(200)).chars().count();
    assert!(length < 65_536, "{length}");
    let rows = (1..=5000).map(crate::samples::hostile_row).collect();
    let length = ticket(&inputs(rows, Some(about(5000)), vec![past(); 30])).chars().count();
    assert!(length < 65_536, "{length}");
}
