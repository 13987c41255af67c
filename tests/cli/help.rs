//! `help`, `sql`, `man`, `completions` and `--version`: what a person has who has the program alone.

use std::path::Path;
use std::process::Command;

use halfbuilt::cli::Topic;
use halfbuilt::exit::Exit;
use halfbuilt::version::{TOOL, VERSION};

use crate::support::{Seen, halfbuilt, repository};
use crate::what_a_person_sees::shows;

#[test]
fn help_lists_commands_and_topics() {
    let done = halfbuilt(&["help"]).run().exits(Exit::Clean);
    for topic in Topic::all() {
        let is_it = |line: &str| line.starts_with(&format!("  {} ", topic.name)) && line.ends_with(topic.title());
        assert!(done.stdout.lines().any(is_it), "{}: {}", topic.name, done.stdout);
    }
    let groups: Vec<&str> = done.stdout.lines().filter(|line| line.ends_with(':') && !line.starts_with(' ')).collect();
    assert_eq!(groups[0], "Commands:");
    assert!(groups[1..].iter().all(|group| group.starts_with("Topics, ")) && groups.len() > 5, "{groups:?}");
}

#[test]
fn a_topic_is_printed_as_it_stands() {
    let timing = halfbuilt(&["help", "timing"]).run().exits(Exit::Clean);
    assert_eq!(timing.stdout, std::fs::read_to_string(repository("src/cli/topics/timing.md")).expect("a topic"));
    assert_eq!(timing.stderr, "");
}

#[test]
fn on_a_terminal_a_topic_is_rendered_and_fits() {
    let shown = halfbuilt(&["help", "exit-codes"]).env("COLUMNS", "60").env("TERM", "xterm").env("PAGER", "cat");
    let shown = shown.under("stty rows 50 cols 60").on_a_terminal().run().exits(Exit::Clean).stdout;
    assert!(shown.starts_with("\u{1b}[1mExit codes\u{1b}[0m"), "{shown}");
    assert!(!shown.contains("|---|") && shown.contains("interrupted"), "{shown}");
    let plain = halfbuilt(&["help", "exit-codes", "--color", "never"]).env("PAGER", "cat").on_a_terminal().run();
    assert!(!plain.stdout.contains('\u{1b}'), "{}", plain.stdout);
}

#[test]
fn a_long_topic_goes_through_the_pager() {
    let run = halfbuilt(&["help", "start"]).env("PAGER", "sed 's/^/paged: /'").env("PATH", "/usr/bin:/bin");
    let shown = run.under("stty rows 20 cols 80").on_a_terminal().run().exits(Exit::Clean).stdout;
    assert!(shown.contains("paged: "), "{shown}");
}

#[test]
fn a_word_that_is_both_shows_the_help_of_the_command_and_then_the_topic() {
    for word in ["report", "delete", "manifest", "journal", "profiles", "rules", "times"] {
        let shown = halfbuilt(&["help", word]).run().exits(Exit::Clean).stdout;
        let usage = shown.find("Usage: halfbuilt").expect("the command's help");
        let title = shown.find(Topic::find(word).expect(word).text).expect("the topic");
        assert!(usage < title, "{shown}");
    }
}

#[test]
fn a_command_of_a_command_has_help_too() {
    let by_help = halfbuilt(&["help", "journal", "verify"]).run().exits(Exit::Clean).stdout;
    assert_eq!(by_help.trim_end(), halfbuilt(&["journal", "verify", "--help"]).run().stdout.trim_end());
}

#[test]
fn an_unknown_word_is_a_usage_error() {
    let mut seen = Seen::default();
    for words in [&["help", "tims"][..], &["help", "journal", "verfy"], &["man", "scna"], &["sql", "rol"]] {
        let done = halfbuilt(words).run().exits(Exit::Usage);
        seen.add(&format!("halfbuilt {}", words.join(" ")), &done);
    }
    shows(&seen, "help_unknown_words");
}

#[test]
fn the_files_for_an_administrator_are_in_the_program() {
    let listed = halfbuilt(&["sql"]).run().exits(Exit::Clean).stdout;
    for name in ["role", "restore-archived", "schema"] {
        assert!(listed.lines().any(|line| line.starts_with(&format!("{name} "))), "{listed}");
        let printed = halfbuilt(&["sql", name]).run().exits(Exit::Clean).stdout;
        assert_eq!(printed, std::fs::read_to_string(repository(&format!("sql/{name}.sql"))).expect("a file"));
    }
}

#[test]
fn bash_completes_commands_and_flags() {
    let bash = |script: &str| {
        let script = format!("source <(\"$0\" completions bash) && {script}");
        let done = Command::new("bash").args(["-c", &script, env!("CARGO_BIN_EXE_halfbuilt")]).output().expect("bash");
        assert!(done.status.success(), "{script}: {done:?}");
        String::from_utf8(done.stdout).expect("UTF-8")
    };
    assert!(bash("complete -p halfbuilt").contains("-F _halfbuilt"));
    let complete = |words: &str| {
        bash(&format!(
            "COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}}-1)); \
             _halfbuilt halfbuilt \"${{COMP_WORDS[COMP_CWORD]}}\" \"${{COMP_WORDS[COMP_CWORD-1]}}\"; echo ${{COMPREPLY[@]}}"
        ))
    };
    assert_eq!(complete("halfbuilt sca").trim(), "scan");
    assert_eq!(complete("halfbuilt delete --exec").trim(), "--execute");
    for shell in ["zsh", "fish", "elvish", "powershell"] {
        halfbuilt(&["completions", shell]).run().exits(Exit::Clean).prints("halfbuilt");
    }
}

#[test]
fn manual_pages_are_made_of_the_help() {
    let page = halfbuilt(&["man"]).run().exits(Exit::Clean).stdout;
    assert!(page.contains(".TH halfbuilt 1") && page.contains(".SH SUBCOMMANDS"), "{page}");
    let of_scan = halfbuilt(&["man", "scan"]).run().exits(Exit::Clean).stdout;
    for text in [".TH halfbuilt-scan 1", ".SH OPTIONS", r"\-\-backup\-time", "Examples:", "halfbuilt help times"] {
        assert!(of_scan.contains(text), "{text}: {of_scan}");
    }
    halfbuilt(&["man", "journal", "verify"]).run().exits(Exit::Clean).prints(".TH halfbuilt-journal-verify 1");
}

#[test]
fn the_version_names_the_commit_where_it_is_known() {
    assert_eq!(halfbuilt(&["--version"]).run().exits(Exit::Clean).stdout, format!("{TOOL}\n"));
    let known = regex::Regex::new(r"^\d+\.\d+\.\d+( \([0-9a-f]{10,} \d{4}-\d\d-\d\d(, changed since)?\))?$");
    assert!(known.expect("a pattern").is_match(VERSION), "{VERSION}");
    // Git may not be there, or may refuse another user's checkout.
    let is_known = repository(".git").exists() && git(&repository("."), &["log", "-1"]).is_some();
    assert_eq!(VERSION.contains('('), is_known, "{VERSION}");
}

/// What git prints in a folder; `None` if it fails or is not there.
fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let run = Command::new("git").current_dir(folder).args(arguments).output().ok()?;
    run.status.success().then(|| String::from_utf8_lossy(&run.stdout).trim().to_owned())
}

#[test]
fn without_a_checkout_the_version_stands_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let (sources, script) = (folder.path().join("sources"), folder.path().join("build"));
    std::fs::create_dir_all(sources.join("src")).expect("a folder");
    let mut compile = Command::new(std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into()));
    compile
        .env("CARGO_PKG_VERSION", "1.2.3")
        .args(["--edition", "2024", "-o"])
        .arg(&script)
        .arg(repository("build.rs"));
    assert!(compile.status().expect("rustc").success());
    let version = || {
        let run = Command::new(&script).current_dir(&sources).env("PROFILE", "release").output().expect("the script");
        let said = String::from_utf8(run.stdout).expect("UTF-8");
        let named = said.lines().find_map(|line| line.strip_prefix("cargo:rustc-env=BUILD_VERSION="));
        named.expect("a version").to_owned()
    };
    assert_eq!(version(), "1.2.3");
    // In an archive that was unpacked within another checkout too.
    let by = ["-c", "user.name=a", "-c", "user.email=a@example.com"];
    let is_there = git(folder.path(), &["init", "--quiet"]).is_some();
    assert_eq!(version(), "1.2.3");
    if is_there {
        git(&sources, &["init", "--quiet"]).expect("a checkout");
        let commit =
            [&by[..], &["commit", "--quiet", "--allow-empty", "-m", "one", "--date", "2026-11-28T12:00:00Z"]].concat();
        git(&sources, &commit).expect("a commit");
        let named = git(&sources, &["log", "-1", "--abbrev=10", "--format=%h %cs"]).expect("the commit");
        assert_eq!(version(), format!("1.2.3 ({named})"));
        std::fs::write(sources.join("README.md"), "no part of the program").expect("a file");
        assert_eq!(version(), format!("1.2.3 ({named})"));
        std::fs::write(sources.join("src/main.rs"), "fn main() {}").expect("a file");
        assert_eq!(version(), format!("1.2.3 ({named}, changed since)"));
    } else {
        // Nobody can ask for the commit.
        std::fs::create_dir(sources.join(".git")).expect("a folder");
        assert_eq!(version(), "1.2.3");
    }
}
