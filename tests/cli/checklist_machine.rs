//! `checklist` on this machine: programs that it runs, and servers on loopback that stand for the console, the ready-agent, the metadata service.
//!
//! The list that ships is never run here as it stands: this machine may have a metadata service of its own.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use halfbuilt::exit::Exit;
use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::PKey;
use openssl::rsa::Rsa;
use openssl::x509::extension::SubjectAlternativeName;
use openssl::x509::{X509, X509NameBuilder};

use crate::support::{Done, Site, SiteAnswer, closed_port, halfbuilt, wait_until};

/// When the application was started.
const STARTED: &str = "2026-11-20T06:29:58.123456789Z";

/// A folder of programs, and lists.
struct Bench {
    folder: tempfile::TempDir,
}

impl Bench {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        fs::create_dir(folder.path().join("bin")).expect("a folder");
        Self { folder }
    }

    fn path(&self, name: &str) -> String {
        self.folder.path().join(name).display().to_string()
    }

    /// A program of the restored machine.
    fn program(&self, name: &str, script: &str) {
        let file = self.folder.path().join("bin").join(name);
        fs::write(&file, format!("#!/bin/sh\n{script}\n")).expect("a file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).expect("a mode");
    }

    /// `replicatedctl` with an application in this state.
    fn application(&self, state: &str) {
        self.program(
            "replicatedctl",
            &format!(
                "case \"$*\" in\n\
                 'app status inspect') echo '[{{\"AppID\":\"a\",\"State\":\"{state}\",\"DesiredState\":\"started\",\"Error\":\"\",\"LastModifiedAt\":\"{STARTED}\"}}]' ;;\n\
                 'app-config export') echo '{{\"hostname\":{{\"value\":\"localhost\"}},\"secret\":{{\"value\":\"hunter2\"}}}}' ;;\n\
                 *) exit 64 ;; esac"
            ),
        );
    }

    /// Runs a list of these items.
    fn look(&self, items: &str, flags: &[&str]) -> Done {
        self.look_with(&format!("format = \"halfbuilt-items/1\"\ntitle = \"a test\"\n{items}"), flags)
    }

    fn look_with(&self, list: &str, flags: &[&str]) -> Done {
        let file = self.path("items.toml");
        fs::write(&file, list).expect("a file");
        let path = format!("{}:/usr/bin:/bin", self.path("bin"));
        halfbuilt(&["checklist", "--items", &file]).args(flags).env("PATH", &path).run()
    }
}

/// An item of a list.
fn item(name: &str, look: &str) -> String {
    format!(
        "[[item]]\nname = \"{name}\"\ntitle = \"a title\"\nwhy = \"a reason\"\ndo = [\"a remedy\"]\n[[item.look]]\n{look}\n"
    )
}

/// The items of the list that ships which have one of these names, asking these servers.
fn shipped(names: &[&str], replaced: &[(&str, &str)]) -> String {
    let list = halfbuilt(&["checklist", "--print", "circleci-2"]).run().exits(Exit::Clean).stdout;
    let (_, items) = list.split_once("[[item]]").expect("items");
    let is_wanted = |item: &&str| names.iter().any(|name| item.starts_with(&format!("\nname = \"{name}\"\n")));
    let mut items: String = items.split("[[item]]").filter(is_wanted).map(|item| format!("[[item]]{item}")).collect();
    for (from, to) in replaced {
        assert!(items.contains(from), "{from}: {items}");
        items = items.replace(from, to);
    }
    items
}

#[test]
fn the_state_of_the_application_is_what_replicatedctl_says() {
    let bench = Bench::new();
    bench.application("started");
    let items = shipped(&["application", "restored-at"], &[]);
    let done = bench.look(&items, &["--restored-at", "2026-11-20T06:30:00Z"]).exits(Exit::Clean);
    done.prints("`replicatedctl` with 3 words: /0/State is \"started\"")
        .prints(&format!("LastModifiedAt is {STARTED}"))
        .prints("within 30 min of R, 2026-11-20T06:30:00Z");
    // Another R.
    let done = bench.look(&items, &["--restored-at", "2026-11-20T09:30:00Z"]).exits(Exit::Found);
    done.prints("which is not within 30 min of R").prints("pass it by --restored-at");
    bench.look(&items, &[]).exits(Exit::Failed).prints(&format!("{STARTED}; R is not known"));
    bench.application("stopped");
    let done = bench.look(&items, &["--restored-at", "2026-11-20T06:30:00Z"]).exits(Exit::Found);
    done.prints("/0/State is \"stopped\", not \"started\"").prints("replicatedctl app start");
    // It fails, it says something else, it says nothing.
    for (script, why) in [
        ("echo 'cannot connect to replicated' >&2; exit 1", "ends with exit code 1: cannot connect to replicated"),
        ("echo '[]'", "it has no value at /0/State"),
        ("echo 'not json, hunter2'", "it is no JSON"),
        ("kill -9 $$", "was ended by a signal"),
    ] {
        bench.program("replicatedctl", script);
        let without_console = [("https://127.0.0.1:8800/", format!("https://127.0.0.1:{}/", closed_port()))];
        let without_console = without_console.each_ref().map(|(from, to)| (*from, to.as_str()));
        let done = bench.look(&shipped(&["application"], &without_console), &[]).exits(Exit::Failed);
        done.prints(why).prints("no answer").does_not_print("hunter2");
    }
}

#[test]
fn the_console_answers_for_the_application_and_decides_nothing() {
    let bench = Bench::new();
    let (key, certificate) = certificate(&["localhost"], 30);
    let console = Site::start_tls(&key, &certificate);
    let at = format!("https://127.0.0.1:{}/", console.port);
    let done = bench.look(&shipped(&["application"], &[("https://127.0.0.1:8800/", &at)]), &[]).exits(Exit::Failed);
    done.prints("replicatedctl is not there").prints("answers 200: the console answers, which does not say");
    assert_eq!(console.heard().len(), 1);
}

#[test]
fn the_ready_agent_says_whether_all_services_answer() {
    let bench = Bench::new();
    for (status, exit, said) in [(200, Exit::Clean, "answers 200"), (503, Exit::Found, "answers 503")] {
        let agent = Site::start(move |_, _| SiteAnswer::text(status, "services"));
        let items = shipped(&["services"], &[("http://127.0.0.1:8099/", &format!("{}/", agent.url()))]);
        bench.look(&items, &[]).exits(exit).prints(said);
    }
    let nowhere = format!("http://127.0.0.1:{}/", closed_port());
    let items = shipped(&["services"], &[("http://127.0.0.1:8099/", &nowhere)]);
    bench.look(&items, &[]).exits(Exit::Failed).prints("no answer").prints("Connection refused");
}

/// A metadata service of AWS, of its second version.
fn metadata(public: &'static str) -> Site {
    Site::start(move |request, head| {
        let has_token = head.to_lowercase().contains("x-aws-ec2-metadata-token: a-token");
        match request {
            "PUT /latest/api/token" if head.contains("x-aws-ec2-metadata-token-ttl-seconds: 60") => {
                SiteAnswer::text(200, "a-token")
            }
            "GET /latest/meta-data/public-ipv4" if has_token && !public.is_empty() => SiteAnswer::text(200, public),
            "GET /latest/dynamic/instance-identity/document" if has_token => SiteAnswer::text(
                200,
                "{\"imageId\":\"ami-0abc\",\"pendingTime\":\"2026-11-20T06:20:00Z\",\"accountId\":\"hunter2\"}",
            ),
            _ => SiteAnswer::text(if has_token { 404 } else { 401 }, ""),
        }
    })
}

#[test]
fn the_metadata_service_says_the_public_address_the_image_and_the_launch() {
    let bench = Bench::new();
    let file = bench.path("replicated");
    let looks = format!("file = [\"{file}\"]\naddresses = true");
    let launch = shipped(&["launch"], &[]);
    let list = |service: &str| {
        let head = format!("format = \"halfbuilt-items/1\"\ntitle = \"a test\"\nmetadata = \"{service}\"\n");
        format!("{head}{}{launch}", item("addresses", &looks))
    };
    fs::write(&file, "PUBLIC_ADDRESS=54.1.2.3\n").expect("a file");
    let cloud = metadata("54.1.2.3");
    let done = bench.look_with(&list(&cloud.url()), &["--backup-time", "2026-11-20T02:00:00Z"]).exits(Exit::Clean);
    done.prints("the instance was launched: 2026-11-20T06:20:00Z, after T, 2026-11-20T02:00:00Z")
        .prints("of image ami-0abc")
        .does_not_print("hunter2");
    // Launched before the backup; another public address; none.
    let done = bench.look_with(&list(&cloud.url()), &["--backup-time", "2026-11-21T02:00:00Z"]).exits(Exit::Found);
    done.prints("which is not after T");
    fs::write(&file, "PUBLIC_ADDRESS=54.9.9.9\n").expect("a file");
    for cloud in [metadata("54.1.2.3"), metadata("")] {
        let done = bench.look_with(&list(&cloud.url()), &["--backup-time", "2026-11-20T02:00:00Z"]);
        done.exits(Exit::Found).prints("line 1: 54.9.9.9 is no address of this machine");
    }
    // A service that fails does not say that there is none.
    let failing = Site::start(|request, _| match request {
        "GET /latest/dynamic/instance-identity/document" => SiteAnswer::text(200, "{}"),
        _ => SiteAnswer::text(500, ""),
    });
    bench.look_with(&list(&failing.url()), &[]).exits(Exit::Failed).prints("is 54.9.9.9 the machine's public address?");
    // Something else that listens there, and nothing.
    let other = Site::start(|_, _| SiteAnswer::text(200, "<html>"));
    let done = bench.look_with(&list(&other.url()), &["--backup-time", "2026-11-20T02:00:00Z"]).exits(Exit::Failed);
    done.prints("is no metadata service of AWS: it answers 200").prints("--public-ip says it");
    let nowhere = format!("http://127.0.0.1:{}", closed_port());
    let done = bench.look_with(&list(&nowhere), &["--public-ip", "54.9.9.9"]).exits(Exit::Failed);
    done.prints("1 address, all of this machine").prints("does not answer");
}

#[test]
fn a_configured_host_name_has_to_lead_here() {
    let bench = Bench::new();
    bench.application("started");
    let items = shipped(&["host-name"], &[]);
    // No other machine finds this one by it.
    let done = bench.look(&items, &["--public-ip", "54.1.2.3"]).exits(Exit::Found);
    done.prints("localhost leads to").prints("no other machine finds this one by it").does_not_print("hunter2");
    bench.look(&items, &["--public-ip", "54.1.2.3", "--host", "ci.example.com"]).exits(Exit::Found);
    bench.program("replicatedctl", "echo '{\"hostname\":{\"value\":\"54.1.2.3:443\"}}'");
    bench.look(&items, &["--public-ip", "54.1.2.3"]).exits(Exit::Clean).prints("which is this machine");
    let done = bench.look(&items, &["--public-ip", "54.1.2.4"]).exits(Exit::Found);
    done.prints("54.1.2.3 leads to 54.1.2.3, and this machine has");
    bench.look(&items, &[]).exits(Exit::Failed).prints("is that its public address? --public-ip says it");
    bench.program("replicatedctl", "echo '{\"hostname\":{\"value\":\"\"}}'");
    bench.look(&items, &[]).exits(Exit::Found).prints("no host name is configured");
}

/// A key and a certificate for these names, which holds for so many days, or ended so many days ago.
fn certificate(names: &[&str], days: i64) -> (Vec<u8>, Vec<u8>) {
    let key = PKey::from_rsa(Rsa::generate(2048).expect("a key")).expect("a key");
    let mut name = X509NameBuilder::new().expect("a name");
    name.append_entry_by_nid(Nid::COMMONNAME, "old.example.com").expect("a name");
    let name = name.build();
    let mut builder = X509::builder().expect("a certificate");
    builder.set_version(2).expect("a version");
    let serial = BigNum::from_u32(1).and_then(|number| number.to_asn1_integer()).expect("a number");
    builder.set_serial_number(&serial).expect("a number");
    builder.set_subject_name(&name).expect("a name");
    builder.set_issuer_name(&name).expect("a name");
    builder.set_pubkey(&key).expect("a key");
    let now = jiff::Timestamp::now().as_second();
    let time = |days: i64| Asn1Time::from_unix(now + days * 86_400).expect("a time");
    builder.set_not_before(&time(days.min(0) - 365)).expect("a time");
    builder.set_not_after(&time(days)).expect("a time");
    let mut alternatives = SubjectAlternativeName::new();
    for name in names {
        match name.parse::<std::net::IpAddr>() {
            Ok(_) => alternatives.ip(name),
            Err(_) => alternatives.dns(name),
        };
    }
    if !names.is_empty() {
        let names = alternatives.build(&builder.x509v3_context(None, None)).expect("names");
        builder.append_extension(names).expect("names");
    }
    builder.sign(&key, MessageDigest::sha256()).expect("a signature");
    (key.private_key_to_pem_pkcs8().expect("PEM"), builder.build().to_pem().expect("PEM"))
}

#[test]
fn a_certificate_is_for_the_host_and_holds() {
    let bench = Bench::new();
    for (names, days, host, exit, said) in [
        (&["ci.example.com"][..], 90, "ci.example.com", Exit::Clean, "for ci.example.com, until"),
        (&["*.example.com", "10.0.1.7"], 90, "ci.example.com", Exit::Clean, "for *.example.com, 10.0.1.7, until"),
        (&["10.0.1.7"], 90, "10.0.1.7", Exit::Clean, "for 10.0.1.7, until"),
        (&[], 90, "old.example.com", Exit::Clean, "for old.example.com, until"),
        (&["ci.example.com"], 90, "old.example.com", Exit::Found, "is for ci.example.com, not for old.example.com"),
        (&["ci.example.com"], 5, "ci.example.com", Exit::Found, "the certificate ends at"),
        (&["ci.example.com"], -5, "ci.example.com", Exit::Found, "the certificate ended at"),
    ] {
        let (key, pem) = certificate(names, days);
        let server = Site::start_tls(&key, &pem);
        let at = format!("https://127.0.0.1:{}/", server.port);
        let items = shipped(&["certificate"], &[("https://127.0.0.1/", &at)]);
        bench.look(&items, &["--host", host]).exits(exit).prints(said);
        // The same from a file.
        fs::write(bench.path("server.pem"), &pem).expect("a file");
        let look = format!("file = [\"{}\"]\ncertificate = true", bench.path("server.pem"));
        bench.look(&item("certificate", &look), &["--host", host]).exits(exit).prints(said);
    }
    // Nobody says which host.
    let look = format!("file = [\"{}\"]\ncertificate = true", bench.path("server.pem"));
    let (_, pem) = certificate(&["ci.example.com"], 90);
    fs::write(bench.path("server.pem"), &pem).expect("a file");
    bench.look(&item("certificate", &look), &[]).exits(Exit::Failed).prints("--host says it");
    fs::write(bench.path("server.pem"), "no certificate, hunter2").expect("a file");
    let done = bench.look(&item("certificate", &look), &[]).exits(Exit::Failed);
    done.prints("it holds no certificate in PEM").does_not_print("hunter2");
    // Nobody trusts it but a probe that says any will do.
    let server = Site::start_tls(&certificate(&["x"], 90).0, &certificate(&["x"], 90).1);
    let look = format!("url = \"https://127.0.0.1:{}/\"", server.port);
    bench.look(&item("strict", &look), &[]).exits(Exit::Failed).prints("no answer");
}

#[test]
fn an_answer_is_bounded_in_time_and_size_and_leads_nowhere_else() {
    let bench = Bench::new();
    let other = Site::start(|_, _| SiteAnswer::text(200, "the other"));
    let to = other.url();
    let site = Site::start(move |request, _| match request {
        "GET /redirected" => SiteAnswer::With(302, format!("Location: {to}/\r\n"), Vec::new()),
        "GET /endless" => SiteAnswer::Endless,
        "GET /silent" | "GET /silent?token=hunter2" => SiteAnswer::Silence,
        "GET /json" | "GET /json?token=hunter2" => {
            SiteAnswer::text(200, "{\"ok\":true,\"token\":\"hunter2\",\"at\":\"2026-11-20T06:30:00Z\"}")
        }
        "GET /text" => SiteAnswer::text(200, "first\n  ready \u{1b}[31m\n"),
        _ => SiteAnswer::text(500, "\u{1b}[31mhunter2"),
    });
    let url = |path: &str, more: &str| item("asked", &format!("url = \"{}{path}\"\n{more}", site.url()));
    for (path, more, exit, said) in [
        ("/redirected", "", Exit::Clean, "answers 302"),
        ("/redirected", "status = [200]", Exit::Found, "answers 302"),
        ("/endless", "holds = \"y*\"", Exit::Failed, "its answer is larger than 1 MiB"),
        ("/silent", "timeout = \"500ms\"", Exit::Failed, "no answer"),
        ("/json", "json = \"/ok\"\nis = [\"true\"]\nshow = [\"/at\"]", Exit::Clean, "at is 2026-11-20T06:30:00Z"),
        (
            "/json?token=hunter2",
            "json = \"/ok\"\nis = [\"false\"]\nshow = [\"/ok\"]",
            Exit::Found,
            "/json: /ok is \"true\", not \"false\"",
        ),
        ("/json", "json = \"/token\"\nis = [\"false\"]", Exit::Found, "/json: /token is not \"false\""),
        ("/json?token=hunter2", "status = [404]", Exit::Found, "/json answers 200"),
        ("/silent?token=hunter2", "timeout = \"500ms\"", Exit::Failed, "/silent: no answer"),
        ("/json", "holds = \"*ok*\"", Exit::Clean, "line 1, fits"),
        ("/text", "holds = \"ready*\"", Exit::Clean, "line 2, fits"),
        ("/text", "lacks = \"ready*\"", Exit::Found, "a line that should not be there"),
        ("/none", "", Exit::Found, "answers 500"),
    ] {
        let done = bench.look(&url(path, more), &[]).exits(exit);
        done.prints(said).does_not_print("hunter2").does_not_print("\u{1b}");
    }
    assert_eq!(other.heard(), [""; 0], "a redirect was followed");
    let time = format!("time = \"it\"\nof = {{ url = \"{}/json\", json = \"/at\" }}\nafter = [\"backup\"]", site.url());
    bench.look(&item("asked", &time), &["--backup-time", "2026-11-20T02:00:00Z"]).exits(Exit::Clean);
}

#[test]
fn a_command_that_hangs_is_ended_with_what_it_started() {
    let bench = Bench::new();
    let pid = bench.path("pid");
    bench.program("hangs", &format!("sleep 1000 & echo $! > {pid}; exec 2>/dev/null; wait"));
    let looks = item("hangs", "command = [\"hangs\"]\ntimeout = \"3s\"") + &item("fine", "command = [\"true\"]");
    let done = bench.look(&looks, &[]).exits(Exit::Failed);
    done.prints("hangs did not end in 3s, and was ended").prints("`true` succeeds");
    // On a machine so busy that it had not begun, nothing is left either.
    if let Ok(child) = fs::read_to_string(&pid) {
        let stat = format!("/proc/{}/stat", child.trim());
        let is_gone = || fs::read_to_string(&stat).map_or(true, |state| state.contains(") Z"));
        wait_until(|| is_gone() || !Path::new(&stat).exists());
    }
}

#[test]
fn no_secret_of_a_command_is_shown() {
    let bench = Bench::new();
    let says = "echo 'password=hunter2: cannot reach postgres://a:hunter2@h/' >&2; exit 1";
    bench.program("asks", says);
    let command = |more: &str| item("asks", &format!("command = [\"asks\", \"-u\", \"user:hunter2\"]\n{more}"));
    let time = "time = \"it\"\nof = { command = [\"asks\", \"-phunter2\"], json = \"/a\" }\nafter = [\"backup\"]";
    for (items, exit, said) in [
        (
            command(""),
            Exit::Found,
            "`asks` with 2 words ends with exit code 1; what it says is not shown, as it may hold a secret: run it yourself",
        ),
        (command("holds = \"x\""), Exit::Failed, "`asks` with 2 words ends with exit code 1"),
        (item("asks", time), Exit::Failed, "`asks` with 1 word ends with exit code 1"),
    ] {
        let json = bench.path("checklist.json");
        let done = bench.look(&items, &["--json", &json]).exits(exit);
        done.prints(said).does_not_print("hunter2").does_not_say("hunter2");
        assert!(!fs::read_to_string(&json).expect("a file").contains("hunter2"));
    }
    // In whatever form it comes, and wherever it would go.
    for says in ["pass: hunter2", "curl -u admin:hunter2", "PGPASSWORD=x hunter2", "X-Auth: hunter2", "it is hunter2"] {
        bench.program("asks", &format!("echo '{says}' >&2; exit 1"));
        let (json, markdown) = (bench.path("checklist.json"), bench.path("checklist.md"));
        let done = bench.look(&command(""), &["--json", &json, "--markdown", &markdown]).exits(Exit::Found);
        done.prints("what it says is not shown").does_not_print("hunter2").does_not_say("hunter2");
        for file in [json, markdown] {
            assert!(!fs::read_to_string(file).expect("a file").contains("hunter2"), "{says}");
        }
    }
    // Nor what its JSON has, where the list does not ask for it.
    bench.program("asks", "echo '{\"a\":\"hunter2\"}'");
    for (look, exit) in [
        ("command = [\"asks\"]\njson = \"/a\"\nis = [\"x\"]", Exit::Found),
        ("time = \"it\"\nof = { command = [\"asks\"], json = \"/a\" }\nafter = [\"backup\"]", Exit::Failed),
    ] {
        bench.look(&item("asks", look), &[]).exits(exit).does_not_print("hunter2");
    }
    let shown = "command = [\"asks\"]\njson = \"/a\"\nis = [\"x\"]\nshow = [\"/a\"]";
    bench.look(&item("asks", shown), &[]).exits(Exit::Found).prints("/a is \"hunter2\", not \"x\"");
}

#[test]
fn commands_are_words_and_come_from_named_lists_alone() {
    let bench = Bench::new();
    let made = bench.path("made");
    let words = format!("command = [\"echo\", \"$(touch {made}); touch {made}\"]\nholds = \"*touch*\"");
    bench.look(&item("words", &words), &[]).exits(Exit::Clean).prints("line 1, fits");
    assert!(!Path::new(&made).exists(), "a shell ran it");
    // A list below the root is no named list.
    let root = bench.path("root");
    fs::create_dir_all(bench.path("root/etc/default")).expect("a folder");
    fs::write(bench.path("root/etc/default/replicated"), "").expect("a file");
    let touch = item("touch", &format!("command = [\"touch\", \"{made}\"]"));
    let list = format!("format = \"halfbuilt-items/1\"\ntitle = \"t\"\n{touch}");
    fs::write(bench.path("items.toml"), &list).expect("a file");
    let done = halfbuilt(&["checklist", "--root", &root, "--items", &bench.path("items.toml")]).run();
    done.exits(Exit::Failed).prints("with --root no command is run");
    assert!(!Path::new(&made).exists(), "it was run");
}

#[test]
fn mounts_are_those_of_the_kernel() {
    let bench = Bench::new();
    let folder = bench.path("folder");
    fs::create_dir(&folder).expect("a folder");
    let mount = |path: &str, more: &str| item("mount", &format!("mount = \"{path}\"\n{more}"));
    bench.look(&mount("/proc", "not_empty = true"), &[]).exits(Exit::Clean).prints("/proc is mounted: proc (proc)");
    bench.look(&mount(&folder, ""), &[]).exits(Exit::Found).prints("it is not mounted");
    bench.look(&mount(&folder, "is_mount = false"), &[]).exits(Exit::Clean).prints("is no mount, as in /etc/fstab");
    bench.look(&mount(&folder, "is_mount = false\nnot_empty = true"), &[]).exits(Exit::Found).prints("it is empty");
    bench.look(&mount(&bench.path("none"), ""), &[]).exits(Exit::Found).prints("not there");
    // Through a link.
    std::os::unix::fs::symlink("/proc", bench.path("link")).expect("a link");
    bench.look(&mount(&bench.path("link"), ""), &[]).exits(Exit::Clean).prints("is mounted: proc (proc)");
}

#[test]
fn files_and_times_of_any_ci() {
    let bench = Bench::new();
    fs::write(bench.path("agent.conf"), "server = ci.example.com\npassword = hunter2\n").expect("a file");
    fs::write(bench.path("agent.json"), "{\"a\":[{\"b\":\"hunter2\"}]}").expect("a file");
    let file = |name: &str, more: &str| item("file", &format!("file = [\"{}\"]\n{more}", bench.path(name)));
    for (name, more, exit, said) in [
        ("agent.conf", "", Exit::Clean, "agent.conf is there"),
        ("agent.conf", "absent = true", Exit::Found, "agent.conf: it is there"),
        ("none", "absent = true", Exit::Clean, "not there"),
        ("none", "", Exit::Found, "not there"),
        ("none", "missing = \"not-checked\"", Exit::Failed, "not there"),
        ("none", "missing = \"not-needed\"", Exit::NothingInScope, "not there"),
        ("agent.conf", "holds = \"server = ci.*\"", Exit::Clean, "line 1, fits"),
        ("agent.conf", "holds = \"server = old.*\"", Exit::Found, "no line of it fits"),
        ("agent.conf", "lacks = \"pass*\"", Exit::Found, "agent.conf, line 2: a line that should not be there"),
        ("agent.json", "json = \"/a/0/b\"\nis = [\"c\"]", Exit::Found, "/a/0/b is not \"c\""),
        ("agent.json", "json = \"/a/1\"\nis = [\"c\"]", Exit::Failed, "it has no value at /a/1"),
        ("agent.conf", "json = \"/a\"\nis = [\"c\"]", Exit::Failed, "it is no JSON"),
    ] {
        let done = bench.look(&file(name, more), &[]).exits(exit);
        done.prints(said).does_not_print("hunter2");
    }
    let written = format!("time = \"it\"\nof = {{ file = [\"{}\"] }}\n", bench.path("agent.conf"));
    for (more, exit) in [
        ("after = [\"backup\"]", Exit::Clean),
        ("before = [\"backup\"]", Exit::Found),
        ("within = \"1h\"", Exit::Clean),
        ("after = [\"2226-11-20T02:00:00Z\"]", Exit::Found),
        ("near = [\"2025-11-20T02:00:00Z\"]", Exit::Found),
    ] {
        let done = bench.look(&item("time", &format!("{written}{more}")), &["--backup-time", "2020-11-20T02:00:00Z"]);
        done.exits(exit);
    }
    // The first look that sees something decides.
    let two = format!(
        "{}[[item.look]]\nfile = [\"{}\"]\n",
        item("two", "command = [\"/nonexistent\"]"),
        bench.path("agent.conf")
    );
    bench.look(&two, &[]).exits(Exit::Clean).prints("agent.conf is there");
    let bad = bench.look_with("format = \"halfbuilt-items/1\"\ntitel = \"x\"\n", &[]).exits(Exit::Usage);
    bad.fails_with("items.toml, line 2: unknown field `titel`")
        .says("hint: `halfbuilt help checklist` explains the keys");
}
