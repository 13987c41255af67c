//! Reports and journals of known content.

use std::collections::BTreeMap;

use halfbuilt::audit::{ArchiveState, Audit, NamedJournal};
use halfbuilt::deletion::journal::{
    Archived, DatabaseName, End, EndWord, Past, PastArchive, PastBuild, ReportFile, Session, Start,
};
use halfbuilt::output::{ArchiveInput, AuditInputs, Input, JournalInput, html, markdown};
use halfbuilt::report::{Baseline, Row, ScanMetadata};
use halfbuilt::state::State;
use halfbuilt::timing::Timing;
use jiff::Timestamp;

/// Text that would do something in a page, a ticket or a terminal.
pub const HOSTILE: &str = "<script>alert(1)</script><img src=x onerror=alert(2)>\"'`|&amp;\u{1b}[31m\u{202e}gnp\n# x GH-12 :tada: \
     [a](javascript:alert(3)) ![i](http://evil.example/i.png) @admin #1 !2 http://evil.example www.evil.example \
     me@evil.example {code} ~~s~~ **b** __u__ $x$ ${7*7} {{7*7}} {% x %} --> ]]> </style></title></textarea>";

pub fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

pub fn url(number: i64) -> String {
    format!("https://ci.example.com/gh/acme/api/{number}")
}

/// A build that the backup cut.
pub fn row(number: i64) -> Row {
    Row {
        line: number as u64 + 1,
        build_url: url(number),
        project: "acme/api".to_owned(),
        build_num: Some(number),
        lifecycle: "running".to_owned(),
        status: "running".to_owned(),
        queued_at: Some(at("2026-11-20T01:29:00Z")),
        started_at: Some(at("2026-11-20T01:30:00Z")),
        stopped_at: None,
        last_activity_at: Some(at("2026-11-20T01:59:30Z")),
        timing: Timing::InFlight,
        reasons: vec!["stuck-running".to_owned(), "output-truncated".to_owned()],
        evidence: "step 4 \"run tests\": 812 of 2431 bytes stored".to_owned(),
        steps: Some(6),
        steps_unfinished: Some(1),
        output_expected: Some(2431),
        output_stored: Some(812),
        deletable: true,
        fingerprint: "0123456789abcdef0123456789abcdef".to_owned(),
        note: String::new(),
    }
}

/// Three builds of three kinds.
pub fn three() -> Vec<Row> {
    let ended = Row {
        timing: Timing::Ended,
        lifecycle: "finished".to_owned(),
        status: "success".to_owned(),
        stopped_at: Some(at("2026-11-20T01:42:00Z")),
        reasons: vec!["output-gap".to_owned()],
        steps_unfinished: Some(0),
        ..row(2)
    };
    let alive = Row {
        timing: Timing::AfterRestore,
        started_at: Some(at("2026-11-20T06:40:00Z")),
        last_activity_at: Some(at("2026-11-20T06:41:00Z")),
        deletable: false,
        note: "it did something after the restore and may be alive".to_owned(),
        output_expected: None,
        ..row(3)
    };
    vec![row(1), ended, alive]
}

/// Every text of a row is hostile.
pub fn hostile_row(number: i64) -> Row {
    let text = || HOSTILE.to_owned();
    Row {
        build_url: format!("javascript:alert({number})//{HOSTILE}"),
        project: text(),
        lifecycle: text(),
        status: text(),
        reasons: vec![text(), "=1+1".to_owned()],
        evidence: text(),
        deletable: false,
        fingerprint: text(),
        note: text(),
        ..row(number)
    }
}

pub fn about(findings: u64) -> ScanMetadata {
    ScanMetadata {
        tables: Some(vec![table("builds", "table"), table("steps", "table"), table("output", "view")]),
        collection: None,
        scanned_at: at("2026-11-20T07:00:00Z"),
        system_identifier: Some("7301234567890123456".to_owned()),
        database: "circle".to_owned(),
        profile: "circleci".to_owned(),
        addresses: halfbuilt::build_url::AddressForm::CircleCi,
        backup_time: Some(at("2026-11-20T02:00:00Z")),
        restored_at: Some(at("2026-11-20T06:30:00Z")),
        limits: None,
        contradictions: 0,
        builds: 405,
        findings,
        rules: ["output-gap", "output-truncated", "stuck-queued", "stuck-running"].map(str::to_owned).to_vec(),
        not_checked: vec![("where output ends".to_owned(), "its size is not on record".to_owned())],
        alive: Vec::new(),
        baseline: None,
        projects: BTreeMap::from([("acme/api".to_owned(), 390)]),
        report_sha256: "ab".repeat(32),
    }
}

/// A session that deleted the first two builds and kept the third.
pub fn past() -> Past {
    let start = Start {
        tool: "halfbuilt 0.1.0".to_owned(),
        user: "alice".to_owned(),
        machine: "bastion-1".to_owned(),
        pid: 4711,
        report: ReportFile { file: "report.csv".to_owned(), sha256: "ab".repeat(32) },
        results: None,
        plan: "cd".repeat(32),
        deletions: 2,
        kept: 1,
        host: "ci.example.com".to_owned(),
        admin: "nrepl://127.0.0.1:6005 admin/delete-build".to_owned(),
        database: DatabaseName {
            system_identifier: Some("7301234567890123456".to_owned()),
            name: "circle".to_owned(),
            reads: "0123456789abcdef".to_owned(),
        },
        tables: None,
        collection: None,
        backup_time: Some("2026-11-20T02:00:00Z".to_owned()),
        restored_at: Some("2026-11-20T06:30:00Z".to_owned()),
        chosen_by: Vec::new(),
        allowed: ["--allow times-contradicted=4", "--max-percent 20"].map(str::to_owned).into(),
    };
    let ended = at("2026-11-20T07:10:05Z");
    let states = BTreeMap::from([(State::Deleted, 2), (State::Refused, 1)]);
    let session = Session {
        line: 1,
        at: at("2026-11-20T07:10:00Z"),
        start,
        kept: 1,
        deleted_before: 0,
        archived: 2,
        intents: 2,
        results: BTreeMap::from([(State::Deleted, 2)]),
        end: Some((
            ended,
            End { ending: EndWord::Complete, text: String::new(), states, read_again: None, lost: None },
        )),
        last_at: ended,
    };
    let archived = Archived {
        file: "kept.gz".to_owned(),
        offset: 0,
        length: 9381,
        sha256: "ef".repeat(32),
        builds: vec![url(1), url(2)],
    };
    let deleted = |number| {
        (url(number), PastBuild::Ended { at: ended, state: State::Deleted, reason: "read again and gone".to_owned() })
    };
    Past {
        lines: 9,
        sessions: vec![session],
        builds: [deleted(1), deleted(2)].into(),
        kept: [(url(3), (ended, State::Refused))].into(),
        archives: [(
            "kept.gz".to_owned(),
            PastArchive { last: archived, parts: 1, builds: [(url(1), 1), (url(2), 1)].into() },
        )]
        .into(),
        last: Some("99".repeat(32)),
        ..Past::default()
    }
}

pub fn inputs(rows: Vec<Row>, about: Option<ScanMetadata>, pasts: Vec<Past>) -> AuditInputs {
    inputs_of(rows, about, pasts, "run.journal")
}

/// The same with journals of this name.
fn inputs_of(rows: Vec<Row>, about: Option<ScanMetadata>, pasts: Vec<Past>, name: &str) -> AuditInputs {
    let journals: Vec<NamedJournal<'_>> = pasts.iter().map(|past| NamedJournal { name, past }).collect();
    let mut audit = Audit::new(about, &journals, html::MOST_ROWS);
    rows.into_iter().for_each(|row| audit.add(row));
    audit.finish(&"ab".repeat(32));
    let input = |name: &str, byte: &str| Input { name: name.to_owned(), sha256: byte.repeat(32) };
    let archive = |past: &Past| ArchiveInput {
        name: past.archives.keys().next().cloned().unwrap_or_default(),
        sha256: Some("dd".repeat(32)),
        state: ArchiveState::Holds,
    };
    let journal = |past: Past| JournalInput { file: input(name, "cc"), archives: vec![archive(&past)], past };
    let journals: Vec<JournalInput> = pasts.into_iter().map(journal).collect();
    for archive in journals.iter().flat_map(|journal| &journal.archives) {
        audit.add_archive(&archive.name, &archive.state);
    }
    AuditInputs {
        metadata: audit.about.is_some().then(|| input("report.csv.about.json", "bb")),
        audit,
        report: input("report.csv", "ab"),
        journals,
        checklist: None,
        rule_titles: [("output-gap".to_owned(), "the stored output has a hole".to_owned())].into(),
        made_at: at("2026-11-20T08:00:00Z"),
    }
}

/// The page of these.
pub fn page(inputs: &AuditInputs) -> String {
    let mut page = Vec::new();
    html::write(inputs, &mut page).expect("a page");
    String::from_utf8(page).expect("UTF-8")
}

/// The ticket of these.
pub fn ticket(inputs: &AuditInputs) -> String {
    let mut ticket = Vec::new();
    markdown::write(inputs, &mut ticket).expect("a ticket");
    String::from_utf8(ticket).expect("UTF-8")
}

/// All that can be hostile is.
pub fn hostile() -> AuditInputs {
    hostile_with(1)
}

/// The same with so many journals.
pub fn hostile_with(journals: usize) -> AuditInputs {
    let text = || HOSTILE.to_owned();
    let about = ScanMetadata {
        baseline: Some(Baseline { file: text(), builds: 410, lost: 1, backwards: 1, signature_is_good: Some(true) }),
        system_identifier: Some(text()),
        database: text(),
        profile: text(),
        addresses: halfbuilt::build_url::AddressForm::CircleCi,
        rules: vec![text()],
        not_checked: vec![(text(), text())],
        ..about(9)
    };
    let mut past = past();
    let session = &mut past.sessions[0];
    let start = &mut session.start;
    for field in [
        &mut start.tool,
        &mut start.user,
        &mut start.machine,
        &mut start.report.file,
        &mut start.report.sha256,
        &mut start.plan,
        &mut start.host,
    ] {
        *field = text();
    }
    (start.admin, start.database.name, start.database.system_identifier) = (text(), text(), Some(text()));
    (start.backup_time, start.restored_at) = (Some(text()), Some(text()));
    if let Some((_, end)) = &mut session.end {
        end.text = text();
    }
    past.builds.insert(text(), PastBuild::Open { at: at("2026-11-20T07:10:00Z") });
    let archived = Archived { file: text(), offset: 0, length: 1, sha256: text(), builds: vec![text()] };
    past.archives = [(text(), PastArchive { last: archived, parts: 1, builds: [(text(), 1)].into() })].into();
    let rows = vec![hostile_row(1), row(2), hostile_row(3)];
    let mut inputs = inputs_of(rows, Some(about), vec![past; journals], HOSTILE);
    inputs.report.name = text();
    inputs
}

fn table(name: &str, kind: &str) -> halfbuilt::table::Table {
    halfbuilt::table::Table {
        schema: "public".to_owned(),
        name: name.to_owned(),
        kind: kind.to_owned(),
        owner: "ci".to_owned(),
        definition_sha256: None,
    }
}
