use super::*;

/// A list of one item that looks like this.
fn list(look: &str) -> String {
    format!(
        "format = \"halfbuilt-items/1\"\ntitle = \"t\"\n[[item]]\nname = \"a\"\ntitle = \"t\"\nwhy = \"w\"\ndo = [\"d\"]\n[[item.look]]\n{look}\n"
    )
}

#[test]
fn the_lists_that_ship_are_lists_and_ask_this_machine_alone() {
    for (name, text) in SHIPPED {
        let list = List::parse(name, text).unwrap_or_else(|error| panic!("{error}"));
        assert!(list.items.len() >= 6 && !list.applies_where.is_empty(), "{name}");
        for item in &list.items {
            assert!(item.title.len() > 10 && item.why.len() > 10, "{}", item.name);
        }
        // Nothing of it asks another machine.
        let other = text.replacen("http://127.0.0.1:8099/", "http://example.com/", 1);
        assert!(name != "circleci-2" || List::parse(name, &other).is_ok(), "a changed list is the operator's own");
    }
}

#[test]
fn each_kind_of_probe_is_read() {
    for look in [
        "file = [\"/etc/x\"]",
        "file = [\"/etc/x\", \"/etc/y*\"]\nabsent = true",
        "file = [\"/etc/x\"]\nholds = \"A=*\"\nmissing = \"not-checked\"",
        "file = [\"/etc/x\"]\nlacks = \"A=*\"",
        "file = [\"/etc/x\"]\nno_removal = [\"/data\"]",
        "file = [\"/etc/x\"]\njson = \"/a/0\"\nis = [\"b\"]",
        "file = [\"/etc/x\"]\naddresses = true\nexcept = [\"10.0.0.2\"]",
        "file = [\"/etc/x\"]\nnewer_than = [\"launched\", \"2026-11-20T06:30:00Z\"]\ntolerance = \"1h\"",
        "file = [\"/etc/x\"]\ncertificate = true\nholds_for = \"7 days\"",
        "file = [\"/etc/x\"]\nkubernetes = \"pods-ready\"",
        "mount = \"/data\"\nnot_empty = true",
        "mount = \"fstab\"",
        "command = [\"true\"]\ntimeout = \"5m\"",
        "command = [\"a\", \"b\"]\njson = \"/h\"\nis_host = true\nshow = [\"/a\"]",
        "url = \"https://ci.example.com/\"\nstatus = [200, 302]",
        "url = \"https://127.0.0.1/\"\nany_certificate = true\ncertificate = true",
        "time = \"t\"\nof = { file = [\"/etc/x\"] }\nafter = [\"backup\"]",
        "time = \"t\"\nof = { command = [\"date\"], json = \"\" }\nnear = [\"restored\"]",
        "time = \"t\"\nof = { url = \"http://localhost/\", json = \"/a\" }\nbefore = [\"2026-11-20T06:30:00Z\"]",
        "time = \"t\"\nof = { time = \"launched\" }\nwithin = \"2 days\"",
    ] {
        List::parse("mine.toml", &list(look)).unwrap_or_else(|error| panic!("{look}: {error}"));
    }
}

#[test]
fn whatever_is_not_valid_is_reported_with_its_line() {
    for (look, why) in [
        ("", "look: expected one of file"),
        ("file = [\"/x\"]\ncommand = [\"x\"]", "look: expected one of file"),
        ("file = []", "file: it names no path"),
        ("file = [\"etc/x\"]", "is no path from the root"),
        ("file = [\"/*/x\"]", "in the last part alone"),
        ("file = [\"/x\"]\nholds = \"[\"", "holds: "),
        ("file = [\"/x\"]\nholds = \"a\"\nlacks = \"b\"", "two things at once"),
        ("file = [\"/x\"]\nno_removal = [\"data\"]", "no path from the root"),
        ("file = [\"/x\"]\nabsent = false", "it can only be true"),
        ("file = [\"/x\"]\nabsent = true\nmissing = \"to-do\"", "missing: where a file is to be absent"),
        ("file = [\"/x\"]\njson = \"a\"\nis = [\"b\"]", "is no JSON pointer"),
        ("file = [\"/x\"]\njson = \"/a\"", "json: expected is"),
        ("file = [\"/x\"]\ntimeout = \"1s\"", "timeout does not belong to this file"),
        ("file = [\"/x\"]\nexcept = [\"10.0.0.2\"]", "except does not belong to this file"),
        ("file = [\"/x\"]\nnewer_than = [\"soon\"]", "is none of backup, restored, launched"),
        ("file = [\"/x\"]\nkubernetes = \"x\"", "unknown variant"),
        ("mount = \"data\"", "is no path from the root"),
        ("mount = \"fstab\"\nnot_empty = true", "all of fstab are mounts"),
        ("command = []", "command: expected a program"),
        ("command = \"rm -rf /\"", "invalid type: string"),
        ("command = [\"x\"]\ntimeout = \"2h\"", "timeout: at most 600s"),
        ("url = \"file:///etc/passwd\"", "its scheme is"),
        ("url = \"http://me:hunter2@localhost/\"", "must not hold a user name"),
        ("url = \"https://example.com/\"\nany_certificate = true", "any_certificate: only of this machine"),
        ("url = \"http://localhost/\"\ncertificate = true", "certificate: only https has one"),
        ("time = \"t\"\nafter = [\"backup\"]", "time: expected of"),
        ("time = \"t\"\nof = { time = \"launched\" }", "time: expected one of after"),
        (
            "time = \"t\"\nof = { file = [\"/x\"], holds = \"a\" }\nafter = [\"backup\"]",
            "of: holds does not belong there",
        ),
        ("time = \"t\"\nof = { command = [\"x\"] }\nafter = [\"backup\"]", "of: expected json"),
        ("files = [\"/x\"]", "unknown field `files`"),
    ] {
        let error = List::parse("mine.toml", &list(look)).expect_err(look).to_string();
        assert!(error.starts_with("mine.toml, line ") && error.contains(why), "{look}: {error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
    let text = list("file = [\"/x\"]");
    for (from, to, why) in [
        ("items/1", "items/2", "line 1: format: expected"),
        ("name = \"a\"", "name = \"A b\"", "line 3: name: \"A b\" is no name"),
        ("do = [\"d\"]", "do = []", "a: do: it says nothing"),
        ("[[item.look]]\nfile = [\"/x\"]", "look = []", "it has no [[item.look]]"),
        (
            "title = \"t\"\n[[",
            "title = \"t\"\nmetadata = \"http://10.0.0.1\"\n[[",
            "line 3: metadata: only an address of this machine",
        ),
    ] {
        let error = List::parse("mine.toml", &text.replacen(from, to, 1)).expect_err(to).to_string();
        assert!(error.contains(why), "{to}: {error}");
    }
    let twice =
        format!("{text}{}", text.split_once("[[item]]").map(|(_, rest)| format!("[[item]]{rest}")).expect("an item"));
    assert!(List::parse("mine.toml", &twice).expect_err("twice").to_string().contains("the name of an earlier item"));
}

proptest::proptest! {
    #[test]
    fn any_text_is_a_list_or_an_error_of_one_line(text in "[ -~\n]{0,200}") {
        if let Err(error) = List::parse("mine.toml", &text) {
            proptest::prop_assert!(!error.to_string().contains('\n'));
        }
    }
}
