//! What a page promises, whatever it is about.

use openssl::base64::encode_block;
use openssl::sha::sha256;
use scraper::{ElementRef, Html, Selector};

use halfbuilt::output::{AuditInputs, JournalSummary, html};
use halfbuilt::report::{Row, ScanMetadata};

use crate::samples::{about, at, hostile, inputs, page, past, row, three, ticket, url};

fn all<'a>(page: &'a Html, selector: &str) -> Vec<ElementRef<'a>> {
    page.select(&Selector::parse(selector).expect("a selector")).collect()
}

fn text(element: ElementRef<'_>) -> String {
    element.text().collect::<String>().split_whitespace().collect::<Vec<_>>().join(" ")
}

fn parsed(inputs: &AuditInputs) -> Html {
    let page = Html::parse_document(&page(inputs));
    assert!(page.errors.is_empty(), "{:?}", page.errors);
    page
}

/// Pages of every kind.
fn pages() -> Vec<Html> {
    let kinds = [
        inputs(three(), Some(about(3)), vec![past()]),
        inputs(three(), Some(about(5)), vec![past(), past()]),
        inputs(three(), None, Vec::new()),
        inputs(Vec::new(), Some(about(0)), Vec::new()),
        inputs(Vec::new(), None, vec![past()]),
        inputs((1..4000).map(row).collect(), Some(about(3999)), vec![past()]),
        hostile(),
    ];
    kinds.iter().map(parsed).collect()
}

#[test]
fn its_headings_are_in_order() {
    for page in pages() {
        let levels =
            all(&page, "h1, h2, h3, h4, h5, h6").into_iter().map(|heading| heading.value().name().as_bytes()[1] - b'0');
        let levels: Vec<u8> = levels.collect();
        assert_eq!(levels.iter().filter(|level| **level == 1).count(), 1);
        assert_eq!(levels[0], 1);
        assert!(levels.windows(2).all(|pair| pair[1] <= pair[0] + 1), "{levels:?}");
        for section in all(&page, "section") {
            let named = section.value().attr("aria-labelledby").expect("a section has a name");
            assert_eq!(all(&page, &format!("h2#{named}")).len(), 1, "{named}");
        }
        assert_eq!(all(&page, "html[lang=en]").len(), 1);
        assert!(all(&page, "title").into_iter().next().is_some_and(|title| !text(title).is_empty()));
    }
}

#[test]
fn its_tables_can_be_read_by_ear() {
    for page in pages() {
        for table in all(&page, "table") {
            let html = Html::parse_fragment(&table.html());
            assert_eq!(all(&html, "table > caption").len(), 1);
            assert!(all(&html, "thead th").into_iter().all(|head| head.value().attr("scope") == Some("col")));
            assert!(all(&html, "tbody th").into_iter().all(|head| head.value().attr("scope") == Some("row")));
            let columns = all(&html, "thead th").len();
            let cells = |row: ElementRef<'_>| {
                let width = |cell: ElementRef<'_>| {
                    cell.value().attr("colspan").map_or(1, |span| span.parse().expect("a number"))
                };
                row.child_elements().map(width).sum::<usize>()
            };
            assert!(all(&html, "tbody tr").into_iter().all(|row| cells(row) == columns), "{}", table.html());
        }
        for picture in all(&page, "svg:not([aria-hidden])") {
            let is_within =
                picture.ancestors().filter_map(ElementRef::wrap).any(|parent| parent.value().name() == "svg");
            assert!(is_within || picture.value().attr("role") == Some("img"));
        }
        for picture in all(&page, "svg[role=img]") {
            for named in picture.value().attr("aria-labelledby").expect("a name").split(' ') {
                assert_eq!(all(&page, &format!("svg > #{named}")).len(), 1, "{named}");
            }
        }
        for scrolls in all(&page, ".scroll") {
            let with = |name| scrolls.value().attr(name);
            assert_eq!(
                (with("role"), with("tabindex"), with("aria-label").is_some()),
                (Some("region"), Some("0"), true)
            );
        }
    }
}

#[test]
fn nothing_in_it_comes_from_elsewhere() {
    for page in pages() {
        assert_eq!(all(&page, "script").len(), 1);
        assert_eq!(all(&page, "style").len(), 1);
        assert_eq!(
            all(&page, "img, iframe, object, embed, form, input, base, video, audio, source, [src], [srcset], [style]")
                .len(),
            0
        );
        assert_eq!(all(&page, "link").len(), 1);
        assert_eq!(all(&page, "link[rel=icon][href='data:,']").len(), 1);
        for element in all(&page, "*") {
            assert!(element.value().attrs().all(|(name, _)| !name.starts_with("on")), "{}", element.html());
            let leads = element.value().attrs().filter(|(name, _)| name.ends_with("href"));
            for (_, to) in leads {
                let known =
                    to.starts_with("https://ci.example.com/gh/acme/api/") || to == "data:," || to.starts_with('#');
                assert!(known, "{to}");
            }
        }
        for link in all(&page, "a[href^=http]") {
            assert_eq!(link.value().attr("rel"), Some("noreferrer noopener"));
        }
    }
}

#[test]
fn its_policy_lets_in_its_own_style_and_script_and_nothing_else() {
    for page in pages() {
        let policy = all(&page, "meta[http-equiv=Content-Security-Policy]");
        let policy = policy[0].value().attr("content").expect("a policy").to_owned();
        let of = |element: &str| {
            let content: String = all(&page, element)[0].text().collect();
            format!("'sha256-{}'", encode_block(&sha256(content.as_bytes())))
        };
        assert_eq!(
            policy,
            format!(
                "default-src 'none'; style-src {}; script-src {}; img-src data:; base-uri 'none'; form-action 'none'",
                of("style"),
                of("script")
            ),
            "write these digests into src/output/page/html/mod.rs"
        );
    }
}

#[test]
fn hostile_text_stays_text() {
    let written = page(&hostile());
    assert_eq!(written.matches("<script").count(), 1);
    assert!(!written.contains("<img") && !written.contains("onerror=alert(2)>"), "{written}");
    assert!(!written.contains(['\u{1b}', '\u{202e}']));
    let read = Html::parse_document(&written);
    let cells: Vec<String> = all(&read, "table.rows td.seen").into_iter().map(text).collect();
    assert!(
        cells[0].starts_with(
            "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`|&amp;\\u{1b}[31m\\u{202e}gnp\\n# x"
        )
    );
    // Only the build with a sound address has a link.
    let links: Vec<&str> =
        all(&read, "table.rows a").into_iter().filter_map(|link| link.value().attr("href")).collect();
    assert_eq!(links, [url(2)]);
    assert!(written.len() < 200_000, "{} bytes", written.len());
}

#[test]
fn its_numbers_are_those_of_the_report() {
    let rows: Vec<_> = (1..=3500).map(row).chain(three()).collect();
    let page = parsed(&inputs(rows, Some(about(3503)), Vec::new()));
    let body: Vec<_> = all(&page, "table.rows tbody tr");
    assert_eq!(body.len(), html::MOST_ROWS);
    let whole = text(all(&page, "main")[0]);
    assert!(whole.contains("The table is cut: it shows the first 2,000 of 3,503 rows, in the order of the report; 1,503 are not here. All are in report.csv"), "{whole}");
    let timing = all(&page, ".counted")[1];
    assert!(text(timing).contains("in-flight it was running when the backup was taken3,501"), "{}", text(timing));
    let figures: Vec<String> = all(&page, ".figures div").into_iter().map(text).collect();
    assert_eq!(figures, ["builds looked at405", "abnormal3,503", "may be deleted3,502"]);
}

#[test]
fn its_axis_has_marks_before_the_backup_and_after_the_restore() {
    for restored in ["2026-11-20T06:30:00Z", "2026-12-20T06:30:00Z", "2036-11-20T06:30:00Z"] {
        let about = ScanMetadata { restored_at: Some(at(restored)), ..about(3) };
        let page = parsed(&inputs(three(), Some(about), Vec::new()));
        let place = |element: ElementRef<'_>, name| {
            let place = element.value().attr(name).and_then(|place| place.trim_end_matches('%').parse::<f64>().ok());
            place.expect("a place")
        };
        let backup = place(all(&page, "svg.time line.backup")[0], "x1");
        let restored = place(all(&page, "svg.time line.restored")[0], "x1");
        let marks: Vec<f64> = all(&page, "svg.time g text").into_iter().map(|mark| place(mark, "x")).collect();
        let count = |is: &dyn Fn(f64) -> bool| marks.iter().filter(|mark| is(**mark)).count();
        assert!(count(&|mark| mark < backup) > 0 && count(&|mark| mark >= restored) > 0, "{marks:?}");
        assert!(marks.len() < 20, "{marks:?}");
    }
}

#[test]
fn a_server_that_was_back_before_the_backup_is_not_called_back_after_it() {
    let about = ScanMetadata { restored_at: Some(at("2026-11-19T02:00:00Z")), ..about(3) };
    let whole = text(all(&parsed(&inputs(three(), Some(about), Vec::new())), "main")[0]);
    assert!(whole.contains("1 d before the backup"), "{whole}");
}

#[test]
fn a_project_is_shown_beside_all_its_builds_where_they_are_known() {
    let other = Row { project: "acme/web".to_owned(), ..row(4) };
    let page = parsed(&inputs(three().into_iter().chain([other]).collect(), Some(about(4)), Vec::new()));
    let rows = all(&page, ".counted table");
    assert_eq!(text(rows[2]), "By project ProjectBuilds acme/api 390 in scope3 acme/web1");
}

#[test]
fn a_session_is_described_in_the_words_of_journal_verify() {
    let history = JournalSummary { past: &past(), kept: None }.to_string();
    let page = parsed(&inputs(three(), Some(about(3)), vec![past()]));
    let facts: Vec<String> = all(&page, "article .facts div").into_iter().map(text).collect();
    let mut lines: Vec<String> =
        history.lines().filter_map(|line| line.strip_prefix("  ")).map(str::to_owned).collect();
    // It ends at the same time, spelled otherwise.
    assert!(lines.pop().is_some_and(|line| line.starts_with("end ")) && lines.len() == 7, "{lines:?}");
    for (line, fact) in lines.iter().zip(facts) {
        let (name, value) = line.split_once(' ').expect("a name");
        assert_eq!(fact.to_lowercase(), format!("{name}{}", value.trim()).to_lowercase());
    }
}

#[test]
fn what_is_not_known_is_said() {
    let page = parsed(&inputs(three(), None, Vec::new()));
    let whole = text(all(&page, "main")[0]);
    for said in [
        "Backup taken (T)not known",
        "Not known: there is no file beside the report (report.csv.about.json)",
        "No picture: no backup time is known, and so no cut.",
        "Not known: no journal was given.",
    ] {
        assert!(whole.contains(said), "{said}: {whole}");
    }
}

#[test]
fn what_is_left_for_a_person_comes_first() {
    let left = |number, note: &str| Row { deletable: false, note: note.to_owned(), ..row(number) };
    // The report of an older version does not say why.
    let rows = vec![row(1), left(2, "a; b"), left(3, "b"), left(4, ""), left(5, "b")];
    let page = parsed(&inputs(rows.clone(), Some(about(5)), Vec::new()));
    let first = Html::parse_fragment(&all(&page, "main > section")[0].html());
    assert_eq!(text(all(&first, "h2")[0]), "Left for a person: 4 builds");
    let reasons: Vec<String> = all(&first, "li").into_iter().map(text).collect();
    assert_eq!(reasons, ["2: b", "1: the report does not say why", "1: a; b"]);
    for (shown, row) in all(&page, "table.rows tbody tr").into_iter().zip(&rows) {
        assert!(text(shown).contains(&row.note), "{}", text(shown));
    }
    let ticket = ticket(&inputs(rows, Some(about(5)), Vec::new()));
    assert!(ticket.find("### Left for a person: 4 builds").is_some_and(|at| Some(at) < ticket.find("| What |")));
    // Where nothing is left, that is said; of a report without a row nothing is.
    let whole = |rows| text(all(&parsed(&inputs(rows, Some(about(1)), Vec::new())), "main")[0]);
    let none = "Left for a person: 0 builds The report calls every build that is still there deletable.";
    assert!(whole(vec![row(1)]).starts_with(none), "{}", whole(vec![row(1)]));
    assert!(!whole(Vec::new()).contains("Left for a person"));
}

#[test]
fn what_does_not_add_up_is_said() {
    let page = parsed(&inputs(three(), Some(about(5)), vec![past()]));
    let checks: Vec<String> = all(&page, ".checks .no").into_iter().map(text).collect();
    assert!(checks[1].contains("It does not add up: 2 more were found than the report has rows for"), "{checks:?}");
    assert!(text(all(&page, ".sum")[0]).starts_with("5 found ≠ 2 deleted + 1 kept + 0 failed or unknown + 0 vanished"));
}
