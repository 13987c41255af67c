//! Files that are no ordinary ones: pipes, devices, links that lead nowhere, files without an end, and who may read new ones.

use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::ExitStatusExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{
    Done, NOBODY, Report, Run, Seen, Signal, TIMES, TOKEN, TestDatabase, admin, halfbuilt, repository, scanned, signal,
    wait_until,
};
use crate::what_a_person_sees::shows;

/// No database is there.
const NOWHERE: [&str; 2] = ["--database-url", "postgres://127.0.0.1:9/ci"];
/// So much memory is enough to read what has no end up to its limit, in KiB.
const MEMORY: &str = "ulimit -v 2500000";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("UTF-8").to_owned()
    }

    /// A pipe that nobody reads or writes.
    fn pipe(&self, name: &str) -> String {
        let made = Command::new("mkfifo").arg(self.path(name)).status().expect("mkfifo starts");
        assert!(made.success());
        self.text(name)
    }
}

#[test]
fn what_has_no_end_is_read_up_to_a_limit_that_is_named() {
    let endless = "/dev/zero";
    let folder = Folder::new();
    std::fs::create_dir(folder.path("rules")).expect("a folder");
    // Two GiB of nothing, which take no place.
    let large = folder.path("rules/own.sql");
    std::fs::File::create(&large).and_then(|file| file.set_len(2 << 30)).expect("a file");
    let (large, rules) = (large.to_str().expect("UTF-8"), folder.text("rules"));
    let page = folder.text("page.html");
    let service = |file| [("PGSERVICE", "ci"), ("PGSERVICEFILE", file)];
    let mut seen = Seen::default();
    for (case, arguments, variables) in [
        ("an endless profile", &["scan", "--profile", endless][..], &[][..]),
        ("a large rule", &["scan", "--rules", &rules], &[]),
        ("verify: an endless policy", &["verify", "--policy", endless], &[]),
        ("delete: an endless policy", &["delete", large, "--via", NOBODY[1], "--policy", endless], &[]),
        ("an endless list of builds", &["verify", "--expect-file", endless], &[]),
        ("an endless baseline", &["verify", "--baseline", endless], &[]),
        ("a large baseline", &["verify", "--baseline", large], &[]),
        ("an endless key", &["manifest", "--key-file", endless], &[]),
        ("report: an endless report", &["report", endless, "--html", &page], &[]),
        ("report: a large report", &["report", large, "--html", &page], &[]),
        ("delete: an endless report", &["delete", endless, "--via", NOBODY[1]], &[]),
        ("delete: a large report", &["delete", large, "--via", NOBODY[1]], &[]),
        ("a large journal", &["journal", "verify", large], &[]),
        ("an endless service file", &["scan"], &service(endless)),
        ("a large service file", &["scan"], &service(large)),
    ] {
        let run = halfbuilt(arguments).under(MEMORY);
        let run = variables.iter().fold(run, |run, (name, value)| run.env(name, value));
        let run = if variables.is_empty() && !["report", "journal"].contains(&arguments[0]) {
            halfbuilt(arguments).args(&NOWHERE).under(MEMORY)
        } else {
            run
        };
        seen.add(case, &run.run().exits(Exit::Failed));
    }
    // From standard input too.
    let done = halfbuilt(&["delete", "-"]).args(&NOBODY).args(&NOWHERE).under(&format!("{MEMORY}; exec </dev/zero"));
    seen.add("an endless standard input", &done.run().exits(Exit::Failed));
    // Results that are none are not written over.
    let done = halfbuilt(&["delete", "-", "-o", large]).args(&NOBODY).args(&NOWHERE).input("https://ci.x/gh/a/b/1\n");
    seen.add("large results", &done.under(MEMORY).run().exits(Exit::Usage));
    shows(&seen, "files_special_without_an_end");
    assert!(!Path::new(&page).exists());
}

#[test]
fn passwords_keys_and_certificates_have_a_limit_too() {
    let folder = Folder::new();
    let large = folder.path("large");
    std::fs::File::create(&large).and_then(|file| file.set_len(2 << 30)).expect("a file");
    std::fs::set_permissions(&large, std::fs::Permissions::from_mode(0o600)).expect("permissions");
    let (large, pipe) = (folder.text("large"), folder.pipe("pipe"));
    let certificate = repository("tests/cli/main.rs");
    let certificate = certificate.to_str().expect("UTF-8");
    let run = |url: &str| {
        let place = format!("host=127.0.0.1 port=9 dbname=ci user=me {url}");
        halfbuilt(&["scan", "--database-url", &place]).under(MEMORY).run().exits(Exit::Failed)
    };
    let mut seen = Seen::default();
    for (case, url) in [
        ("large authorities", format!("sslmode=verify-ca sslrootcert={large}")),
        ("a pipe of authorities", format!("sslmode=verify-ca sslrootcert={pipe}")),
        ("a large certificate", format!("sslmode=require sslcert={large}")),
        ("a pipe as certificate", format!("sslmode=require sslcert={pipe}")),
        ("a large password file", format!("passfile={large}")),
        ("a pipe as password file", format!("passfile={pipe}")),
    ] {
        seen.add(case, &run(&url));
    }
    shows(&seen, "files_special_of_a_connection");
    run(&format!("sslmode=require sslcert={certificate} sslkey={pipe}")).says("no client certificate could be read");
}

#[test]
fn a_token_and_a_file_of_authorities_have_a_limit() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (_folder, report) = scanned(&database);
    let before = database.urls();
    let admin = admin(&database);
    let mut seen = Seen::default();
    for (flag, via) in [("--token-file", admin.http()), ("--ca-file", admin.https())] {
        let run = halfbuilt(&["delete", "--execute", "--confirm", &database.host, flag, "/dev/zero", "--via", &via]);
        let run = run.args(&[&report]).args(&TIMES).args(&["--max-percent", "100"]).on(&database);
        let done = run.env("HALFBUILT_TOKEN", TOKEN).under(MEMORY).run().exits(Exit::Failed);
        seen.add(&format!("halfbuilt delete {flag} /dev/zero"), &done);
    }
    shows(&seen, "files_special_of_an_admin_path");
    assert_eq!(database.urls(), before);
}

#[test]
fn a_pipe_in_the_place_of_a_file_that_is_looked_for_is_refused_and_not_waited_for() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let folder = Folder(folder);
    std::fs::remove_file(folder.path("report.csv.about.json")).expect("metadata");
    let beside = folder.pipe("report.csv.about.json");
    let mut seen = Seen::default();
    let delete = |more: &[&str]| {
        let run = halfbuilt(&["delete"]).args(&[&report]).args(&TIMES).args(more);
        run.on(&database).via_nrepl(&admin(&database)).run().exits(Exit::Failed)
    };
    seen.add("delete: metadata", &delete(&[]));
    let page = folder.text("page.html");
    let done = halfbuilt(&["report", "--html", &page]).args(&[&report]).run().exits(Exit::Failed);
    seen.add("report: metadata", &done);
    std::fs::remove_file(&beside).expect("a pipe");
    let pipe = folder.pipe("pipe");
    let execute = ["--execute", "--confirm", &database.host];
    for flag in ["--journal", "--archive"] {
        seen.add(&format!("delete: {flag}"), &delete(&[&execute[..], &[flag, &pipe]].concat()));
    }
    seen.add("journal verify: a journal", &halfbuilt(&["journal", "verify", &pipe]).run().exits(Exit::Failed));
    std::fs::create_dir(folder.path("rules")).expect("a folder");
    folder.pipe("rules/own.sql");
    let done = halfbuilt(&["scan", "--rules", &folder.text("rules")]).args(&NOWHERE).run().exits(Exit::Failed);
    seen.add("scan: a rule", &done);
    shows(&seen, "files_special_pipes_that_are_refused");
    assert_eq!(database.urls().len(), TestDatabase::circleci(&["healthy", "stuck-running"]).urls().len());
}

#[test]
fn an_output_that_nobody_reads_is_an_error() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = Folder::new();
    let pipe = folder.pipe("pipe");
    let mut seen = Seen::default();
    for (command, flag) in
        [("verify", "--json"), ("verify", "--junit"), ("verify", "-o"), ("scan", "-o"), ("manifest", "-o")]
    {
        let done = halfbuilt(&[command, flag, &pipe]).args(&TIMES).on(&database).run().exits(Exit::Failed);
        seen.add(&format!("halfbuilt {command} {flag} {pipe}"), &done.fails_with("error:"));
    }
    // The verdict stands.
    let verify = halfbuilt(&["verify"]).args(&TIMES).on(&database).env("GITHUB_ACTIONS", "true");
    let done = verify.env("GITHUB_STEP_SUMMARY", &pipe).run().exits(Exit::Found);
    seen.add("GITHUB_STEP_SUMMARY is a pipe", &done);
    shows(&seen, "files_special_outputs_that_nobody_reads");
}

#[test]
fn a_pipe_that_a_person_names_is_read_and_written() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let folder = Folder(folder);
    let read = |arguments: &[&str], from: &str| -> Done {
        let times: &[&str] = if arguments[0] == "report" { &[] } else { &TIMES };
        let run: Run = halfbuilt(arguments).args(times).on(&database);
        run.under(&format!("exec 7< <({from})")).run()
    };
    let one = Report::read(&report).rows[0]["build_url"].clone();
    read(&["verify", "--expect-file", "/dev/fd/7"], &format!("echo {one}")).exits(Exit::Found).does_not_say(&one);
    let profile = repository("sql/profiles/circleci.sql");
    read(&["scan", "--profile", "/dev/fd/7"], &format!("cat {}", profile.display())).exits(Exit::Clean);
    let policy = "printf '[delete]\\nmax = 1\\n'";
    let delete = ["delete", "--via", "nrepl://127.0.0.1:9"];
    let (report, policy_from) = (report.to_str().expect("UTF-8"), ["--policy", "/dev/fd/7"]);
    read(&[&delete[..], &[report], &policy_from].concat(), policy)
        .exits(Exit::Declined)
        .says("more than the 1 that max");
    // Also where it comes in pieces, or slowly, and where there is nothing in it.
    let pieces = format!("head -c 100 {report}; sleep 0.3; tail -c +101 {report}");
    read(&[&delete[..], &["/dev/fd/7", "--max-percent", "100"]].concat(), &pieces).exits(Exit::Clean);
    read(&["report", "/dev/fd/7", "--html", &folder.text("page.html")], &pieces).exits(Exit::Clean);
    read(&[&delete[..], &["/dev/fd/7"]].concat(), "true").exits(Exit::Failed).says("it is empty");
    // Written: more than a pipe holds at once.
    let copy = folder.text("copy");
    let run = halfbuilt(&["verify", "--json", "/dev/fd/7"]).args(&TIMES).on(&database);
    run.under(&format!("exec 7> >(cat >{copy})")).run().exits(Exit::Found);
    for _ in 0..500 {
        if std::fs::read_to_string(&copy).is_ok_and(|copy| copy.ends_with("}\n")) {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    panic!("the verdict did not come: {:?}", std::fs::read_to_string(&copy));
}

#[test]
fn a_link_that_leads_nowhere_is_no_output() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let folder = Folder(folder);
    let (link, target) = (folder.text("link"), folder.path("target"));
    symlink(&target, &link).expect("a link");
    let report = report.to_str().expect("UTF-8");
    let admin = admin(&database);
    let via = admin.nrepl();
    let execute = ["delete", report, "--via", &via, "--execute", "--confirm", &database.host, "--max-percent", "100"];
    let before = database.urls();
    let mut seen = Seen::default();
    for arguments in [
        &["scan", "-o"][..],
        &["verify", "-o"],
        &["verify", "--json"],
        &["verify", "--junit"],
        &["manifest", "-o"],
        &["report", report, "--html"],
        &["report", report, "--markdown"],
        &[&execute[..], &["-o"]].concat(),
        &[&execute[..], &["--journal"]].concat(),
        &[&execute[..], &["--archive"]].concat(),
    ] {
        let times: &[&str] = if arguments[0] == "report" { &[] } else { &TIMES };
        let run = halfbuilt(arguments).args(&[&link]).args(times).on(&database);
        let done = run.run().exits(Exit::Failed);
        seen.add(&format!("{} {}", arguments[0], arguments[arguments.len() - 1]), &done);
        assert!(!target.exists() && Path::new(&link).is_symlink(), "{arguments:?}");
    }
    assert_eq!(database.urls(), before);
    let verify = halfbuilt(&["verify"]).args(&TIMES).on(&database).env("GITHUB_ACTIONS", "true");
    seen.add("verify GITHUB_STEP_SUMMARY", &verify.env("GITHUB_STEP_SUMMARY", &link).run().exits(Exit::Found));
    shows(&seen, "files_special_links_that_lead_nowhere");
    assert!(!target.exists());
}

/// A token and a password are in memory.
#[test]
fn no_core_is_dumped_whatever_ends_the_program() {
    let folder = Folder::new();
    let run = halfbuilt(&["delete", &folder.pipe("list")]).args(&NOBODY).env("HALFBUILT_TOKEN", TOKEN);
    let mut child = run.under("ulimit -c unlimited").start();
    let limits = || {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("a process");
        let line = limits.lines().find(|line| line.starts_with("Max core file size")).expect("a limit");
        line.split_whitespace().skip(4).take(2).collect::<Vec<_>>().join(" ")
    };
    // The shell has none, and the program soon has one.
    let name = || std::fs::read_to_string(format!("/proc/{}/comm", child.id())).expect("a process");
    wait_until(|| name().trim() == "halfbuilt" && limits() == "0 0");
    signal(&child, Signal::SIGABRT);
    let status = child.wait().expect("it ends");
    assert_eq!((status.signal(), status.core_dumped()), (Some(6), false));
}

#[test]
fn new_files_are_for_their_owner_and_group_whatever_the_umask() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let folder = Folder::new();
    let path = |name: &str| folder.text(name);
    let admin = admin(&database);
    let run = |arguments: &[&str]| halfbuilt(arguments).on(&database).under("umask 0");
    run(&["scan", "-o", &path("report.csv")]).args(&TIMES).run().exits(Exit::Clean);
    run(&["manifest", "-o", &path("manifest.json")]).args(&TIMES).run().exits(Exit::Clean);
    let verify = run(&["verify", "--json", &path("v.json"), "--junit", &path("v.xml")]).args(&TIMES);
    verify.run().exits(Exit::Found);
    let delete = halfbuilt(&["delete", &path("report.csv"), "--execute", "--confirm", &database.host]).args(&TIMES);
    let delete = delete.args(&["--archive", &path("archive.gz"), "-o", &path("results.csv"), "--max-percent", "100"]);
    delete.on(&database).via_nrepl(&admin).under("umask 0").run().exits(Exit::Clean);
    let journal = "report.csv.journal.jsonl";
    let pages = ["--html", &path("page.html"), "--markdown", &path("page.md"), "--journal", &path(journal)];
    run(&["report", &path("report.csv")]).args(&pages).run().exits(Exit::Clean);
    for (name, mode) in [
        ("report.csv", 0o640),
        ("report.csv.about.json", 0o640),
        ("manifest.json", 0o640),
        ("results.csv", 0o640),
        (journal, 0o640),
        ("page.html", 0o640),
        ("page.md", 0o640),
        ("archive.gz", 0o600),
        // The runner of a CI reads them, whoever it is.
        ("v.json", 0o644),
        ("v.xml", 0o644),
    ] {
        let found = std::fs::metadata(path(name)).expect(name).permissions().mode() & 0o777;
        assert_eq!(format!("{name} {found:o}"), format!("{name} {mode:o}"));
    }
    // What is there keeps its mode.
    std::fs::set_permissions(path("page.html"), std::fs::Permissions::from_mode(0o664)).expect("permissions");
    run(&["report", &path("report.csv")]).args(&pages).run().exits(Exit::Clean);
    let found = std::fs::metadata(path("page.html")).expect("a page").permissions().mode() & 0o777;
    assert_eq!(format!("{found:o}"), "664");
}

/// Whoever continues a run that another user began needs its files.
#[test]
fn a_file_of_another_user_is_named_as_such_with_what_to_do() {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let folder = Folder(folder);
    let admin = admin(&database);
    let (archive, results, journal) =
        (folder.text("archive.gz"), folder.text("results.csv"), folder.text("report.csv.journal.jsonl"));
    let (about, page) = (folder.text("report.csv.about.json"), folder.text("page.html"));
    let delete = |more: &[&str]| {
        let run = halfbuilt(&["delete", "--execute", "--confirm", &database.host, "-o", &results]).args(&[&report]);
        run.args(&["--archive", &archive]).args(&TIMES).args(more).on(&database).via_nrepl(&admin)
    };
    // As a run leaves them that could not delete all.
    delete(&["--rate", "1000", "--project", "acme/api"]).run().exits(Exit::Clean);
    // Root may do anything, unless it may not.
    let root = std::fs::metadata("/proc/self").map(|found| found.uid() == 0).expect("a process");
    let under = |run: Run| match root {
        true => run.under("exec setpriv --bounding-set=-dac_override,-dac_read_search -- \"$0\" \"$@\""),
        false => run,
    };
    let report = report.to_str().expect("UTF-8").to_owned();
    let verify = || halfbuilt(&["journal", "verify", &journal]);
    let summed = || halfbuilt(&["report", &report, "--html", &page, "--journal", &journal]);
    std::fs::write(&page, "").expect("a page");
    for (file, run) in [
        (&journal, delete(&[])),
        (&journal, verify()),
        (&journal, summed()),
        (&results, delete(&[])),
        (&archive, delete(&[])),
        (&about, delete(&[])),
        (&about, summed()),
        (&report, delete(&[])),
        (&report, summed()),
        (&page, summed()),
    ] {
        let allow = |mode| std::fs::set_permissions(file, std::fs::Permissions::from_mode(mode)).expect("permissions");
        allow(0o000);
        let owner = if root { "nobody" } else { "" };
        if root {
            std::os::unix::fs::chown(file, Some(65534), None).expect("another owner");
        }
        let done = under(run).run().exits(Exit::Failed);
        let said = format!("hint: {file} belongs to {owner}");
        assert!(done.stderr.contains(&said), "{said}: {}", done.stderr);
        let done = done.says("Permission denied").says("(sudo -u ").says("halfbuilt ...), or ask ");
        done.says("to open each file of the run to a group of both of you (chgrp GROUP FILE; chmod g+rw FILE)");
        if root {
            std::os::unix::fs::chown(file, Some(0), None).expect("the owner");
        }
        allow(0o640);
    }
    // A folder in which nothing new may be made.
    std::fs::create_dir(folder.path("closed")).expect("a folder");
    std::fs::set_permissions(folder.path("closed"), std::fs::Permissions::from_mode(0o500)).expect("permissions");
    let done = under(halfbuilt(&["scan", "-o", &folder.text("closed/report.csv")]).args(&NOWHERE)).run();
    done.exits(Exit::Failed).says(&format!("hint: {} belongs to ", folder.text("closed")));
}
