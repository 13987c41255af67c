//! What a page promises, whatever it is about.

use openssl::base64::encode_block;
use openssl::sha::sha256;
use scraper::{ElementRef, Html, Selector};

use halfbuilt::output::{AuditInputs, JournalSummary, html};
use halfbuilt::report::{Row, ScanMetadata};
use halfbuilt::timing::Timing;

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
    assert!(lines.pop().is_some_and(|line| line.starts_with("end ")) && lines.len() == 8, "{lines:?}");
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
    let alive = |number| Row { timing: Timing::AfterRestore, ..left(number, "it may be alive") };
    // The report of an older version does not say why.
    let rows = vec![row(1), left(2, "a; b"), alive(3), left(4, ""), alive(5)];
    let page = parsed(&inputs(rows.clone(), Some(about(5)), Vec::new()));
    let first = Html::parse_fragment(&all(&page, "main > section")[0].html());
    assert_eq!(text(all(&first, "h2")[0]), "Left for a person: 4 builds");
    let groups: Vec<String> = all(&first, "h3").into_iter().map(text).collect();
    let alive = "2 builds. Look in the CI. Leave what is alive, and cancel there what is stuck.";
    let decide = "2 builds. Decide by the reason that is given.";
    assert_eq!(groups, [alive, decide]);
    let builds: Vec<String> = all(&first, "li").into_iter().map(text).collect();
    let rules = "stuck-running, output-truncated";
    assert_eq!(builds[0], format!("acme/api 3 after-restore {rules} it may be alive"));
    assert_eq!(builds[3], format!("acme/api 4 in-flight {rules} the report does not say why"));
    assert!(
        text(all(&first, "section")[0])
            .ends_with("1 more may be deleted. Without a journal it is not known whether they were.")
    );
    for (shown, row) in all(&page, "table.rows tbody tr").into_iter().zip(&rows) {
        assert!(text(shown).contains(&row.note), "{}", text(shown));
    }
    let ticket = ticket(&inputs(rows, Some(about(5)), Vec::new()));
    assert!(ticket.find("### Left for a person: 4 builds").is_some_and(|at| Some(at) < ticket.find("| What |")));
    assert!(ticket.contains(&format!("[acme/api 3](<{}>): after-restore; {rules}; it may be alive\n", url(3))));
    // Where nothing is left, that is said; of a report without a row nothing is.
    let whole = |rows, pasts| text(all(&parsed(&inputs(rows, Some(about(1)), pasts)), "main")[0]);
    let none = "Left for a person: 0 builds No build that was found is left.";
    assert!(whole(vec![row(1)], vec![past()]).starts_with(none), "{}", whole(vec![row(1)], vec![past()]));
    assert!(!whole(Vec::new(), Vec::new()).contains("Left for a person"));
}

#[test]
fn however_many_are_left_the_list_is_short() {
    let left = |number| Row { deletable: false, note: format!("reason {}", number % 2), ..row(number) };
    let page = parsed(&inputs((1..=5000).map(left).collect(), Some(about(5000)), Vec::new()));
    let first = Html::parse_fragment(&all(&page, "main > section")[0].html());
    assert_eq!(all(&first, "ul.left li").len(), 50);
    let whole = text(all(&first, "section")[0]);
    let rest = "and 4,950 more, in report.csv What the report says of all of them 2,500: reason 0 2,500: reason 1";
    assert!(whole.contains(rest), "{whole}");
}

#[test]
fn it_is_named_after_the_host() {
    let titles = |inputs: &AuditInputs| {
        let page = parsed(inputs);
        ["title", "h1"].map(|element| text(all(&page, element)[0]))
    };
    assert_eq!(
        titles(&inputs(three(), Some(about(3)), Vec::new())),
        ["Restore of ci.example.com: attention", "Restore of ci.example.com"]
    );
    let other = Row { build_url: "https://ci2.example.com/gh/acme/api/9".to_owned(), ..row(9) };
    let two = three().into_iter().chain([other]).collect();
    assert_eq!(titles(&inputs(two, Some(about(4)), Vec::new()))[1], "Restore of ci.example.com and 1 other host");
    assert_eq!(titles(&inputs(Vec::new(), Some(about(0)), vec![past()]))[1], "Restore of ci.example.com");
    assert_eq!(titles(&inputs(Vec::new(), Some(about(0)), Vec::new()))[1], "Restore of database circle");
    assert_eq!(titles(&inputs(Vec::new(), None, Vec::new()))[1], "Restore of an unknown server");
}

#[test]
fn a_time_that_is_given_is_not_said_to_be_missing() {
    let unknown = || vec![Row { timing: Timing::Unknown, deletable: false, ..row(1) }];
    let timing = |about| text(all(&parsed(&inputs(unknown(), about, Vec::new())), ".counted")[1]);
    assert!(timing(Some(about(1))).contains("unknown no time of it is on record1"), "{}", timing(Some(about(1))));
    let without = ScanMetadata { backup_time: None, restored_at: None, ..about(1) };
    assert!(timing(Some(without)).contains("unknown no backup time was given1"));
    assert!(timing(None).contains("unknown no backup time was given, or no time is on record1"));
}

#[test]
fn each_file_is_listed_with_its_digest() {
    let mut inputs = inputs(three(), Some(about(3)), vec![past()]);
    let files = |inputs: &AuditInputs| {
        let page = parsed(inputs);
        all(&page, "section:last-of-type tbody tr").into_iter().map(text).collect::<Vec<String>>()
    };
    let archive = files(&inputs).pop();
    assert_eq!(archive, Some(format!("archivekept.gz{}", "dd".repeat(32))));
    assert!(ticket(&inputs).contains(&format!("| kept.gz | {} |", "dd".repeat(32))));
    inputs.journals[0].archives[0].sha256 = None;
    assert_eq!(files(&inputs).pop(), Some("archivekept.gznot read".to_owned()));
}

#[test]
fn what_does_not_add_up_is_said() {
    let page = parsed(&inputs(three(), Some(about(5)), vec![past()]));
    let checks: Vec<String> = all(&page, ".checks .no").into_iter().map(text).collect();
    assert!(checks[1].contains("It does not add up: 2 more were found than the report has rows for"), "{checks:?}");
    assert!(text(all(&page, ".sum")[0]).starts_with("5 found ≠ 2 deleted + 1 kept + 0 failed or unknown + 0 vanished"));
}
