use super::*;

const MANIFEST: &str = r#"{"format":"halfbuilt-manifest/1","tool":"halfbuilt 0.1.0","counted_at":"2026-11-20T02:00:00Z",
    "backup_time":"2026-11-20T02:00:00Z","covered_until":"2026-11-20T01:59:00Z","max_run_time_seconds":18000,
    "database":{"system_identifier":"7000000000000000001","name":"ci"},
    "moment":{"newest_build":"2026-11-20T01:59:58Z","server":{"next_transaction":5000,"timeline":2,"last_commit":null}},
    "digest_check":"0000000000000000","builds":0,"projects":[]}"#;

fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

fn server(next: u64, timeline: u32) -> Witnesses {
    let moment = ServerMoment { next_transaction: next, timeline: Some(timeline), last_commit: None };
    Witnesses { moment: Some(moment), ..Witnesses::default() }
}

#[test]
fn its_time_is_t_or_earlier_and_a_time_that_was_given_is_t() {
    let (counted, point) = read(MANIFEST.as_bytes()).expect("a manifest");
    assert_eq!(point.candidates[0].moment, Moment::OrLater(at("2026-11-20T02:00:00Z")));
    assert!(point.candidates[0].trap.as_str().ends_with("; it is not signed"));
    assert_eq!((counted.given_backup, counted.newest_build), (None, Some(at("2026-11-20T01:59:58Z"))));
    let given = MANIFEST.replace(r#""backup_time":"2026-11-20T02:00:00Z""#, r#""backup_time":"2026-11-20T01:30:00Z""#);
    let (counted, point) = read(given.as_bytes()).expect("a manifest");
    assert_eq!(point.candidates[0].moment, Moment::At(at("2026-11-20T01:30:00Z")));
    assert_eq!(
        counted.continued_by(Some("7000000000000000001"), Some(&server(4000, 2))),
        Continuation::MadeAfterBackup
    );
    let later = MANIFEST.replace(r#""backup_time":"2026-11-20T02:00:00Z""#, r#""backup_time":"2026-11-20T02:30:00Z""#);
    assert!(read(later.as_bytes()).is_err());
}

#[test]
fn a_manifest_of_before_says_t_and_nothing_of_transactions() {
    let (from, to) = (MANIFEST.find("\"moment\"").expect("it"), MANIFEST.find("\"digest_check\"").expect("it"));
    let old = format!("{}{}", &MANIFEST[..from], &MANIFEST[to..]);
    let (counted, point) = read(old.as_bytes()).expect("a manifest");
    assert_eq!(point.candidates[0].moment, Moment::OrLater(at("2026-11-20T02:00:00Z")));
    assert_eq!(counted.continued_by(Some("7000000000000000001"), Some(&server(4000, 2))), Continuation::NotNoted);
}

#[test]
fn a_server_that_lacks_transactions_or_a_timeline_is_of_an_older_backup() {
    let (counted, _) = read(MANIFEST.as_bytes()).expect("a manifest");
    let same = Some("7000000000000000001");
    for (identifier, next, timeline, expected) in [
        (same, 4999, 2, Continuation::Lacks(Lack::Transactions { then: 5000, now: 4999 })),
        (same, 5000, 2, Continuation::NotBehind { then: 5000, now: 5000 }),
        (same, 9000, 3, Continuation::NotBehind { then: 5000, now: 9000 }),
        (same, 9000, 1, Continuation::Lacks(Lack::Timeline { then: 2, now: 1 })),
        (Some("7000000000000000002"), 4999, 1, Continuation::OtherServer),
        (None, 4999, 1, Continuation::UnknownServer),
    ] {
        let found = counted.continued_by(identifier, Some(&server(next, timeline)));
        assert_eq!(found, expected, "{next} on {timeline}");
        assert_eq!(found.is_contradiction(), found.to_string().contains("is older than the manifest"));
    }
    // A standby may lag behind, and of copies nothing is known.
    let standby = Witnesses { is_standby: true, ..server(4000, 2) };
    for server in [Some(&standby), None] {
        assert_eq!(counted.continued_by(same, server), Continuation::NotComparable);
    }
}
