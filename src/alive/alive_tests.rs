use proptest::prelude::*;

use super::*;

const KEY: &str = "5c6e3066a1b2c3d4e5f60718";
const UUID: &str = "0b2c4d6e-8f10-4a2b-9c3d-5e6f70819203";

const NOMAD: &str = "\
ID                                                 Type   Priority  Status          Submit Date
5C6E3066A1B2C3D4E5F60718-0-build-acme-my_api-12    batch  50        running         2019-02-21T05:00:23Z
5c6e3066a1b2c3d4e5f60799-0-build-acme-my-api-13    batch  50        dead            2019-02-21T05:00:23Z
5c6e3066a1b2c3d4e5f60800-0-build-acme-my-api-14    batch  50        dead (stopped)  2019-02-21T05:00:23Z
5c6e3066a1b2c3d4e5f60801-0-build-acme-my-api-15    batch  50        complete        2019-02-21T05:00:23Z
";

fn list(text: &str) -> AliveList {
    AliveList::of("alive.txt", text.as_bytes()).unwrap_or_else(|error| panic!("{text}: {error}"))
}

fn refused(bytes: &[u8]) -> String {
    let error = AliveList::of("alive.txt", bytes).expect_err("no list");
    format!("{error}; {}", error.hint().unwrap_or_default())
}

fn numbered(project: &'static str, number: i64) -> BuildName<'static> {
    BuildName { key: "x", url: None, project: Some(project), number: Some(number) }
}

fn of_key(key: &str) -> BuildName<'_> {
    BuildName { key, ..BuildName::default() }
}

fn at(url: &str) -> BuildName<'_> {
    BuildName { key: "x", url: Some(url), ..BuildName::default() }
}

#[test]
fn a_job_of_nomad_lives_unless_it_is_dead() {
    let nomad = list(NOMAD);
    assert_eq!((nomad.kind, nomad.alive, nomad.over), (AliveKind::Nomad, 2, 2));
    for alive in [of_key(KEY), numbered("acme/my_api", 12), numbered("gh/acme/my_api", 12), numbered("acme/my-api", 15)]
    {
        assert!(nomad.may_list(alive), "{alive:?}");
    }
    for over in [of_key("5c6e3066a1b2c3d4e5f60799"), numbered("acme/my-api", 13), numbered("acme/my-api", 14)] {
        assert!(!nomad.may_list(over), "{over:?}");
    }
    // With a prompt before it, a column more, and the last line cut.
    let namespaced = "$ nomad status\nID  Namespace  Type  Priority  Status\na-build-acme-api-1  default  batch  50  pending\na-build-acme-api-2  defa";
    let namespaced = list(namespaced);
    assert_eq!((namespaced.alive, namespaced.over), (2, 0));
    assert!(namespaced.may_list(numbered("acme/api", 1)) && namespaced.may_list(numbered("acme/api", 2)));
    let nobody = list("No running jobs\n");
    assert_eq!((nobody.kind, nobody.alive, nobody.over), (AliveKind::Nomad, 0, 0));
}

#[test]
fn jobs_as_json_are_read_too() {
    let text = format!(
        r#"[{{"ID": "{KEY}-0-build-a-b-1", "Status": "running"}}, {{"ID": "y", "Name": "z", "Status": "dead"}}]"#
    );
    let jobs = list(&text);
    assert_eq!((jobs.kind, jobs.alive, jobs.over), (AliveKind::NomadJson, 1, 1));
    assert!(jobs.may_list(of_key(KEY)) && !jobs.may_list(of_key("y")));
    assert_eq!(list("[]").alive, 0);
    for other in [r#"[{"Summary": {}, "Allocations": []}]"#, r#"["a"]"#, "[1"] {
        assert!(refused(other.as_bytes()).contains("no list of Nomad's jobs"), "{other}");
    }
}

#[test]
fn a_pod_lives_unless_it_succeeded_or_failed() {
    let pod = |name: &str, phase: &str, more: &str| {
        format!(
            r#"{{"kind": "Pod", "metadata": {{"name": "{name}"{more}}}, "status": {{"phase": "{phase}"}}, "spec": {{"x": [1]}}}}"#
        )
    };
    let more = format!(
        r#", "labels": {{"id": "task-{UUID}-x", "empty": null}}, "annotations": {{"note": "runs \"https://ci.example.com/gh/acme/api/7?x=1\" now"}}"#
    );
    let pods = [
        pod("build-a", "Running", &more),
        pod("acme-web-3", "Unknown", ""),
        pod("acme-web-4", "Succeeded", ""),
        pod("acme-web-5", "Failed", ""),
        r#"{"metadata": {"name": "acme-web-6"}}"#.to_owned(),
    ];
    let pods = list(&format!(r#"{{"kind": "List", "items": [{}]}}"#, pods.join(", ")));
    assert_eq!((pods.kind, pods.alive, pods.over), (AliveKind::Pods, 3, 2));
    let upper = UUID.to_uppercase();
    let address = "https://ci.example.com/gh/acme/api/7";
    let names = [of_key(UUID), of_key(&upper), at(address), numbered("acme/web", 3), numbered("acme/web", 6)];
    assert!(names.into_iter().all(|alive| pods.may_list(alive)));
    assert!(!pods.may_list(numbered("acme/web", 4)) && !pods.may_list(numbered("acme/web", 5)));
    assert_eq!(list(&pod("one", "Pending", "")).alive, 1);
    assert_eq!(list(r#"{"kind": "List", "apiVersion": "v1", "items": []}"#).alive, 0);
    for (other, said) in [
        (r#"{"kind": "List", "items": [{"kind": "Job", "metadata": {}}]}"#, "holds a Job, no pod"),
        (r#"{"kind": "Status", "status": {"phase": "x"}}"#, "is a Status, no pod"),
        (r#"{"kind": "List"}"#, "has no field items"),
        (r#"{"kind": "Pod"}"#, "a pod without metadata"),
        (r#"{"a": "b"}"#, "has no field kind"),
        (r#"{"kind": "List", "items": [{"kind": "Pod""#, "cannot be read"),
    ] {
        assert!(refused(other.as_bytes()).contains(said), "{other}: {}", refused(other.as_bytes()));
    }
}

#[test]
fn a_line_names_every_build_that_it_may_mean() {
    let plain = list(
        "# what runs\n\n  https://ci.example.com/gh/acme/api/12/ \nacme/web#3\nMy Project   4\ngh/acme/cli #5\nacme/lib#6 # by hand\n4711\n\
         https://ci.example.com/pipelines/github/acme/app/9/workflows/0b2c4d6e-8f10-4a2b-9c3d-5e6f70819204/jobs/77\n(8,a)\n",
    );
    assert_eq!((plain.kind, plain.alive, plain.over), (AliveKind::Plain, 8, 0));
    let url = "https://CI.example.com/gh/acme/api/12";
    for alive in [
        at(url),
        numbered("acme/api", 12),
        numbered("Acme/Web", 3),
        numbered("My Project", 4),
        numbered("acme/cli", 5),
        numbered("github/acme/cli", 5),
        numbered("acme/lib", 6),
        numbered("acme/app", 77),
        of_key("4711"),
        of_key("(8,a)"),
    ] {
        assert!(plain.may_list(alive), "{alive:?}");
    }
    let others =
        [at("https://ci.example.com/gh/acme/api/1"), numbered("acme/api", 2), of_key("471"), of_key(""), of_key(" ")];
    for other in others {
        assert!(!plain.may_list(other), "{other:?}");
    }
    assert!(!plain.may_list(BuildName::default()));
}

/// Schedulers put letters before and behind a key, and some of them are hexadecimal digits.
#[test]
fn a_key_is_found_within_a_name() {
    for name in [format!("job{KEY}"), format!("{KEY}abc"), format!("abc{KEY}"), format!("x-{}.y", KEY.to_uppercase())] {
        assert!(list(&name).may_list(of_key(KEY)), "{name}");
    }
    let digits = UUID.replace('-', "");
    for name in [format!("abc{UUID}"), format!("{UUID}abc"), digits.clone(), UUID.replace('-', "_")] {
        assert!(list(&name).may_list(of_key(UUID)), "{name}");
    }
    assert!(list(UUID).may_list(of_key(&digits)));
    let far = UUID.replacen('-', "--", 1);
    assert!(!list(&format!("a-{far}-b")).may_list(of_key(UUID)));
    let looked_up = list(&digits);
    assert!(looked_up.names.looked_up().texts.contains(&UUID.to_owned()));
}

/// Of a very long list, the database is asked for the first names; all of them are compared with what is found.
#[test]
fn a_long_list_is_known_as_a_whole_and_looked_up_in_part() {
    let lines: String = (1..=30_000).map(|number| format!("acme/api#{number}\n")).collect();
    let long = list(&lines);
    let looked_up = long.names.looked_up();
    assert_eq!((looked_up.texts.len(), looked_up.numbers.len(), looked_up.is_cut), (20_000, 20_000, true));
    assert!(long.may_list(numbered("acme/api", 30_000)) && !long.may_list(numbered("acme/api", 30_001)));
    let address = list("https://ci.example.com/gh/acme/api/12/\n");
    assert_eq!(address.names.looked_up().texts, ["https://ci.example.com/gh/acme/api/12"]);
    assert!(!address.names.looked_up().is_cut);
}

#[test]
fn what_is_no_list_says_so() {
    let report = "build_url,project,build_num\r\nhttps://ci.example.com/gh/a/b/1,a/b,1\r\n";
    let said: Vec<String> = [
        b"".as_slice(),
        b" \n\t\n",
        b"# nobody\n",
        b"\xff\xfeI\0D\0",
        b"\x89PNG\r\n",
        b"acme\0api",
        b"<html>\n",
        b"Error from server (Forbidden): pods is forbidden\n",
        b"acme/api#1\nacme/api#2 \x1b[31m\n",
        report.as_bytes(),
        b"NAME    READY   STATUS\nbuild-1 1/1 Running\n",
        b"ID            = 5c6e\nName          = 5c6e\n",
        &b"x".repeat(5000),
    ]
    .map(refused)
    .to_vec();
    let expected = [
        "it is empty; did",
        "it is empty; did",
        "it holds comments, and names no build; it takes",
        "it is written in UTF-16",
        "it is not UTF-8 text",
        "it is not UTF-8 text",
        "line 1 names no build: \"<html>\"; it takes",
        "line 1 names no build: \"Error from server",
        "line 2 names no build: \"acme/api#2 \\\\u{1b}[31m\"; it takes",
        "it is a report, or results",
        "it is a table of kubectl; save it as JSON: kubectl get pods -o json",
        "it is what Nomad shows of one job or node",
        "line 1 names no build: \"xxx",
    ];
    for (said, expected) in said.iter().zip(expected) {
        assert!(said.starts_with(expected), "{expected}: {said}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let _ = AliveList::of("x", &bytes);
    }

    #[test]
    fn a_build_that_is_written_down_is_found(
        org in "[a-zA-Z][a-zA-Z0-9._-]{0,12}[a-z]", project in "[a-zA-Z][a-zA-Z0-9._ -]{0,12}[a-z]", number in 1i64..1_000_000, key in "[0-9a-f]{24}"
    ) {
        let named = format!("{org}/{project}");
        let dashed = named.replace('/', "-");
        let build = BuildName { key: &key, url: None, project: Some(&named), number: Some(number) };
        let by_number = BuildName { key: "x", ..build };
        let by_key = BuildName { project: None, ..build };
        for line in [format!("{named}#{number}"), format!("{named} {number}"), format!("a-0-build-{dashed}-{number}").replace(' ', "-")] {
            prop_assert!(list(&line).may_list(by_number), "{}", line);
        }
        let table = format!("ID Type Priority Status\n{}-12-build-{}-{number} batch 50 running\n", key.to_uppercase(), dashed.replace(' ', "-"));
        prop_assert!(list(&table).may_list(by_number));
        prop_assert!(list(&table).may_list(by_key));
    }
}

/// Whatever else stands in a line: who is on a list is never taken for nobody.
#[test]
fn a_project_and_a_number_are_found_wherever_they_stand_in_a_line() {
    for line in [
        "ci.acme.example/gh/acme/api/9101",
        "acme/api#9101\t# since 5",
        "acme/api#9101 17",
        "acme/api,9101",
        "https://ci.acme.example/gh/acme/api/9101/artifacts",
        "github.com/acme/api#9101",
        "acme/api build #9101",
        "acme%2Fapi#9101",
        "https://ci.acme.example/gh/acme%2Fapi/9101",
        "acme/api#09101",
        "9101",
        "No running jobs\nacme/api#9101",
        "No running jobs\r\nacme/api#9101\r\n",
        "https://ci.acme.example/gh/acme/api/9101\nID  Type  Priority  Status\na-build-acme-web-1  batch  50  running\n",
        "ID  Type  Priority  Status\ra-build-acme-api-9101  batch  50  running\r",
    ] {
        assert!(list(line).may_list(numbered("acme/api", 9101)), "{line:?}");
        assert!(!list(line).may_list(numbered("acme/api", 910)), "{line:?}");
    }
    assert!(list("acme/build-job#7").may_list(numbered("acme/build-job", 7)));
    let page = r#"{"kind": "PodList", "metadata": {"continue": "abc", "remainingItemCount": 9}, "items": []}"#;
    assert!(refused(page.as_bytes()).contains("one page of a list"), "{}", refused(page.as_bytes()));
    assert_eq!(list(r#"{"kind": "PodList", "metadata": {"continue": ""}, "items": []}"#).alive, 0);
}
