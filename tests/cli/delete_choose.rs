//! How builds are chosen for `halfbuilt delete`: in an editor, as addresses, by lists. Nothing that was not chosen is ever deleted.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use halfbuilt::exit::Exit;
use tempfile::TempDir;

use crate::support::{
    ALL_TIMINGS, Done, NOBODY, Report, Run, Seen, TIMES, TestDatabase, admin, deletable, halfbuilt, scanned, stable,
    without_names,
};
use crate::what_a_person_sees::{Says, shows};

/// An editor that does this with its file, `$1`, and leaves what it saw and could read beside itself.
fn editor(folder: &Path, script: &str) -> String {
    let path = folder.join("an editor");
    let saw = folder.display();
    let text = format!(
        "#!/bin/sh\ncp \"$1\" '{saw}/list'\nenv > '{saw}/environment'\nstat -c '%a' \"$1\" \"$(dirname \"$1\")\" > '{saw}/modes'\n\
         test -t 0 && test -t 1 && test -t 2 && echo yes > '{saw}/terminal'\necho \"$1\" > '{saw}/file'\n{script}\n"
    );
    std::fs::write(&path, text).expect("a file");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("it can be run");
    format!("'{}'", path.display())
}

fn saw(folder: &Path, what: &str) -> String {
    std::fs::read_to_string(folder.join(what)).unwrap_or_default()
}

/// A deletion on a terminal whose rows are chosen in this editor. Its table is as wide as a person likes.
fn choose(database: &TestDatabase, report: &Path, folder: &Path, script: &str) -> Run {
    let run =
        halfbuilt(&["delete"]).args(&[report]).args(&["--choose"]).on(database).env("EDITOR", &editor(folder, script));
    run.env("PATH", "/usr/bin:/bin").env("COLUMNS", "200")
}

struct World {
    database: TestDatabase,
    /// Goes with the test.
    _folder: TempDir,
    report: PathBuf,
    desk: TempDir,
    deletable: Vec<String>,
}

fn world() -> World {
    let database = TestDatabase::circleci_on_own_host(&["healthy", "stuck-running"]);
    let (folder, report) = scanned(&database);
    let deletable = deletable(&Report::read(&report));
    assert!(deletable.len() > 4);
    World { database, _folder: folder, report, desk: tempfile::tempdir().expect("a folder"), deletable }
}

impl World {
    fn choose(&self, script: &str) -> Run {
        choose(&self.database, &self.report, self.desk.path(), script)
    }

    /// A real deletion, confirmed.
    fn deletes(&self, script: &str) -> Done {
        let run = self.choose(script).via_nrepl(&admin(&self.database)).args(&[
            "--execute",
            "--confirm",
            &self.database.host,
        ]);
        run.at(self.desk.path()).on_a_terminal().input("").run()
    }
}

#[test]
fn only_the_builds_whose_lines_are_left_are_deleted() {
    let world = world();
    let before = world.database.urls();
    // One line is removed, one commented out; the rest stays, in another order.
    let script = "grep '^delete' \"$1\" | sort -r | sed '1d; 2s/^/# /' > \"$1.new\" && mv \"$1.new\" \"$1\"";
    let done = world.deletes(script).exits(Exit::Clean);
    let count = world.deletable.len();
    let done = done.prints(&format!("chosen in the editor: {} of {count} builds", count - 2));
    drop(done.prints(&format!("{0} chosen: {0} deleted", count - 2)));
    let list = saw(world.desk.path(), "list");
    let mut lines: Vec<&str> = list.lines().filter(|line| line.starts_with("delete ")).collect();
    assert_eq!(lines.len(), count, "{list}");
    lines.sort_unstable();
    lines.reverse();
    let kept: Vec<&str> = lines[..2].iter().map(|line| line.split_whitespace().nth(2).expect("an address")).collect();
    let left = world.database.urls();
    for url in &before {
        let is_deleted = world.deletable.contains(url) && !kept.contains(&url.as_str());
        assert_eq!(!left.contains(url), is_deleted, "{url}");
    }
    // On record is how they were chosen.
    let journal = std::fs::read_to_string(format!("{}.journal.jsonl", world.report.display())).expect("a journal");
    let start = journal.lines().next().expect("a line");
    assert!(start.contains("\"chosen_by\":[\"--choose\"]"), "{start}");
    assert_eq!(journal.matches("\"event\":\"intent\"").count(), count - 2);
}

#[test]
fn the_list_is_private_and_the_editor_knows_no_secret() {
    let world = world();
    let desk = world.desk.path();
    let run =
        world.choose("touch \"$1\"").env("HALFBUILT_TOKEN", "hunter2").env("HALFBUILT_VIA", "nrepl://127.0.0.1:9");
    // What is printed may go elsewhere: the editor is on the terminal all the same.
    let done = run.args(&["-o", "plan.csv"]).at(desk).on_a_terminal().input("").run().exits(Exit::Clean);
    drop(done.prints(&format!("chosen in the editor: {0} of {0} builds", world.deletable.len())));
    assert_eq!(saw(desk, "modes"), "600\n700\n");
    assert_eq!(saw(desk, "terminal"), "yes\n");
    let environment = saw(desk, "environment");
    assert!(environment.contains("PATH=") && !environment.contains("HALFBUILT_"), "{environment}");
    assert!(!environment.contains("hunter2") && !environment.contains("PGPASSWORD"), "{environment}");
    // Nothing of it stays.
    let file = saw(desk, "file");
    assert!(!Path::new(file.trim()).exists() && !Path::new(file.trim()).parent().expect("a folder").exists(), "{file}");
    shows(&Seen(stable(&saw(desk, "list")).replace(&desk.display().to_string(), "")), "delete_choose_list");
}

/// In an editor Ctrl-C is the editor's, and a terminal sends it to both.
#[test]
fn ctrl_c_in_the_editor_does_not_interrupt() {
    let world = world();
    let done = world
        .choose("kill -INT $PPID $(cut -d ' ' -f 4 /proc/$PPID/stat); sleep 1; touch \"$1\"")
        .on_a_terminal()
        .input("")
        .run()
        .exits(Exit::Clean);
    drop(done.prints("chosen in the editor: ").does_not_print("interrupted"));
}

#[test]
fn what_is_not_a_line_of_the_list_chooses_nothing() {
    let world = world();
    let before = world.database.builds();
    let another = format!("echo 'delete 99 https://{}/gh/acme/api/501' >> \"$1\"", world.database.host);
    for (script, exit, says) in [
        (": > \"$1\"", Exit::NothingInScope, "nothing to delete: no line is left of the "),
        ("sed -i 's/^/#/' \"$1\"", Exit::NothingInScope, "nothing to delete: no line is left of the "),
        (another.as_str(), Exit::Usage, "is none of its lines: \"delete 99 "),
        ("sed -i 's/^delete/keep/' \"$1\"", Exit::Usage, "is none of its lines: \"keep 2 "),
        ("sed -i 's/in-flight/ended/' \"$1\"", Exit::Usage, "is none of its lines: \"delete "),
        ("exit 1", Exit::Declined, "ended with exit status: 1: nothing was chosen"),
        // It came back at once, and saved nothing.
        ("exit 0", Exit::Declined, "has not saved the list: nothing was chosen"),
        (
            "(sleep 5; sed -i 1d \"$1\") > /dev/null 2>&1 &",
            Exit::Declined,
            "has not saved the list: nothing was chosen",
        ),
        ("exit 127", Exit::Failed, "cannot be started"),
        ("rm \"$1\"", Exit::Failed, "the file for the editor cannot be written or read"),
    ] {
        let done = world.deletes(script).exits(exit);
        drop(done.prints(says).does_not_print("deleting "));
        assert_eq!(world.database.builds(), before, "{script}");
    }
    assert!(!Path::new(&format!("{}.journal.jsonl", world.report.display())).exists());
}

#[test]
fn where_there_is_no_terminal_no_editor_is_started() {
    let world = world();
    let done = world.choose("exit 0").args(&NOBODY).run().exits(Exit::Usage);
    done.fails_with("an editor needs a terminal").says("hint: choose by --reason");
    assert_eq!(saw(world.desk.path(), "list"), "");
    // A list on standard input leaves none for the editor.
    let run = halfbuilt(&["delete", "-", "--choose"]).args(&NOBODY).on(&world.database).input("https://ci/gh/a/b/1\n");
    run.run().exits(Exit::Usage).fails_with("an editor needs a terminal");
}

#[test]
fn the_editor_shows_what_the_flags_choose() {
    let world = world();
    let run = world.choose("touch \"$1\"").args(&["--project", "acme/api,tools/lib", "--timing", "in-flight"]);
    let done = run.on_a_terminal().input("").run().exits(Exit::Clean);
    let list = saw(world.desk.path(), "list");
    let lines: Vec<&str> = list.lines().filter(|line| line.starts_with("delete ")).collect();
    assert!(!lines.is_empty());
    for line in &lines {
        assert!(
            line.contains("  in-flight ") && (line.contains("/acme/api/") || line.contains("/tools/lib/")),
            "{line}"
        );
    }
    drop(done.prints(&format!("chosen in the editor: {0} of {0} build", lines.len())));
}

#[test]
fn addresses_are_a_list() {
    let world = world();
    let before = world.database.urls();
    let (first, second) = (&world.deletable[0], &world.deletable[1]);
    // A dry run says the same of them as of a list on standard input.
    let run = |args: &[&str]| halfbuilt(&["delete"]).args(args).args(&NOBODY).args(&TIMES).on(&world.database);
    let listed = run(&["-"]).input(&format!("{first}\n{second}\n")).run().exits(Exit::Clean);
    let named = run(&[first, second]).run().exits(Exit::Clean);
    assert_eq!(named.stdout, listed.stdout);
    let real = ["--execute", "--confirm", &world.database.host];
    let real =
        halfbuilt(&["delete", first]).via_nrepl(&admin(&world.database)).args(&TIMES).args(&real).on(&world.database);
    real.run().exits(Exit::Clean).says("1 chosen: 1 deleted");
    let left = world.database.urls();
    let gone: Vec<&String> = before.iter().filter(|url| !left.contains(*url)).collect();
    assert_eq!(gone, [first]);
    // Neither is a report an address, nor the reverse.
    let report = world.report.to_str().expect("UTF-8");
    for names in [[report, first.as_str()], [first.as_str(), report], [report, report], ["-", first.as_str()]] {
        run(&names).run().exits(Exit::Usage).fails_with("expected one report, or only URLs of builds");
    }
    // What follows a question mark may hold a token.
    let token = run(&[&format!("{second}?circle-token=hunter2#x")]).run().exits(Exit::Clean);
    let plan = token.does_not_say("hunter2").stdout;
    assert!(plan.contains(second.as_str()) && !plan.contains("hunter2"), "{plan}");
    run(&["https://ci.example.com/gh/acme"]).run().exits(Exit::Failed).fails_with("the command line is not a report");
}

#[test]
fn a_list_of_names_has_commas() {
    let world = world();
    let dry = |args: &[&str]| {
        let run = halfbuilt(&["delete"]).args(&[&world.report]).args(args).on(&world.database);
        Report::parse(&run.run().exits(Exit::Clean).stdout).rows.len()
    };
    assert_eq!(
        dry(&["--project", "acme/api,tools/*", "--timing", "in-flight,stale"]),
        dry(&["--project", "acme/api", "--project", "tools/*", "--timing", "in-flight", "--timing", "stale"])
    );
    assert_eq!(dry(&["--reason", "output-gap,stuck-running"]), dry(&["--reason", "stuck-running"]));
    let denied = halfbuilt(&["delete"]).args(&[&world.report]).args(&["--deny", "acme/*,TOOLS/*"]).on(&world.database);
    let denied = denied.run().exits(Exit::NothingInScope);
    drop(denied.says("is denied by --deny \"acme/*\"").says("is denied by --deny \"TOOLS/*\""));
}

#[test]
fn a_comma_may_belong_to_a_name() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let text = std::fs::read_to_string(&report).expect("a report");
    let edited = text.replacen(",acme/api,", ",\"acme/api,tools/lib\",", 1);
    assert_ne!(edited, text);
    std::fs::write(&report, edited).expect("a report");
    let run = |project: &str| halfbuilt(&["delete"]).args(&[&report]).args(&["--project", project]).on(&database).run();
    let done =
        run("acme/api,tools/lib").exits(Exit::Usage).fails_with("is the name of a project, and a list of several too");
    drop(done.says("in brackets: acme/api[,]tools/lib"));
    // The row alone is chosen, and no database has such a project.
    let done = run("acme/api[,]tools/lib").exits(Exit::NothingInScope);
    drop(done.fails_with("the database knows none of their projects"));
}

#[test]
fn what_no_row_has_is_answered_with_what_may_be_meant() {
    let database = TestDatabase::circleci(&["stuck-running", "output-gap"]);
    let (_folder, report) = scanned(&database);
    let mut seen = Seen::default();
    for flags in
        [["--project", "tools"], ["--reason", "stuck-runing"], ["--timing", "unknown"], ["--timing", "inflight"]]
    {
        let done = halfbuilt(&["delete"])
            .args(&[&report])
            .args(&flags)
            .on(&database)
            .at(report.parent().expect("a folder"))
            .run();
        seen.add_talk(&format!("halfbuilt delete report.csv {}", flags.join(" ")), &done);
    }
    shows(&seen, "delete_names_that_no_row_has");
}

#[test]
fn rows_without_their_header_line_are_known_as_such() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let (_folder, report) = scanned(&database);
    let text = std::fs::read_to_string(&report).expect("a report");
    let (header, rows) = text.split_once('\n').expect("lines");
    let run = |input: &str| halfbuilt(&["delete", "-"]).input(input).on(&database).args(&TIMES).run();
    let rows: String = rows.lines().filter(|row| row.contains("in-flight")).map(|row| format!("{row}\n")).collect();
    run(&rows)
        .exits(Exit::Failed)
        .fails_with("is not a report that can be acted on")
        .says_all_of("delete_rows_without_a_header");
    run(&format!("{header}\n{rows}")).exits(Exit::Clean);
}

#[test]
fn a_dry_run_needs_no_admin_path_and_a_real_one_does() {
    let world = world();
    let desk = world.desk.path();
    let report = desk.join("report.csv");
    std::fs::copy(&world.report, &report).expect("a copy");
    let about = |report: &Path| format!("{}.about.json", report.display());
    std::fs::copy(about(&world.report), about(&report)).expect("a copy");
    let run = |args: &[&str]| halfbuilt(&["delete", "report.csv"]).args(args).on(&world.database).at(desk);
    let mut seen = Seen::default();
    let host = world.database.host.as_str();
    for args in
        [&["--dry-run"][..], &["--execute", "--confirm", host], &["--execute", "--dry-run"], &["--via", "127.0.0.1"]]
    {
        seen.add_talk(&format!("halfbuilt delete report.csv {}", args.join(" ")), &run(args).run());
    }
    shows(&seen, "delete_with_and_without_an_admin_path");
    // The variable is as good as the flag, and stands in the command that comes next.
    let via = admin(&world.database).nrepl();
    let done = run(&[]).env("HALFBUILT_VIA", &via).run().exits(Exit::Clean);
    drop(done.says(&format!("--via {via} --execute --confirm {host}\n")));
    // So do times that only this shell knows, as moments that mean the same tomorrow.
    let times = [("HALFBUILT_BACKUP_TIME", "2026-11-20 03:00 Europe/Berlin"), ("HALFBUILT_RESTORED_AT", "@1795156200")];
    let with_times =
        |run: Run| times.into_iter().fold(run, |run, (name, value)| run.env(name, value)).run().exits(Exit::Clean);
    // The report tells these times, and a list tells none.
    drop(with_times(run(&[])).says("next: ").does_not_say("--backup-time"));
    let done = with_times(halfbuilt(&["delete", &world.deletable[0]]).on(&world.database));
    drop(done.says("--backup-time 2026-11-20T02:00:00Z --restored-at 2026-11-20T06:30:00Z --via URI --execute"));
    run(&["--execute", "--confirm", host])
        .env("HALFBUILT_VIA", "")
        .run()
        .exits(Exit::Usage)
        .fails_with("--execute needs --via");
    run(&["--execute", "--confirm", host]).env("HALFBUILT_VIA", &via).run().exits(Exit::Clean);
}

#[test]
fn before_a_person_confirms_they_see_what_is_deleted_and_what_is_kept() {
    let world = world();
    let before = world.database.builds();
    let run = halfbuilt(&["delete"]).args(&[&world.report]).args(&ALL_TIMINGS).args(&NOBODY).args(&["--execute"]);
    let done = run.on(&world.database).on_a_terminal().input("yes\n").run().exits(Exit::Declined);
    // A bar is taken away before each line.
    let said = without_names(&done.stdout).replace("\u{1b}[2K", "");
    let begin = said.find("to be deleted on ").expect("a breakdown");
    let end = said.find("Type the host: ").expect("a question");
    shows(&Seen(said[begin..end].to_owned()), "delete_before_a_person_confirms");
    drop(done.prints("is not \"").prints("nothing was deleted"));
    assert_eq!(world.database.builds(), before);
}

#[test]
fn a_report_without_a_backup_time_names_the_scan_that_has_one() {
    let database = TestDatabase::circleci(&["stuck-running"]);
    let folder = tempfile::tempdir().expect("a folder");
    halfbuilt(&["scan", "-o", "report.csv"]).on(&database).at(folder.path()).run().exits(Exit::Clean);
    let done = halfbuilt(&["delete", "report.csv"]).on(&database).at(folder.path()).run().exits(Exit::NothingInScope);
    done.says_all_of("delete_report_without_a_backup_time");
}
