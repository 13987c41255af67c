//! The README's listings: each is what the command above it prints.
//!
//! Where messages change on purpose, `INSTA_UPDATE=always tests/run.sh --test cli readme` writes them again. Look at the difference
//! before you commit it, and at the prose around it.

use crate::support::{BACKUP_TIME, Person, RESTORED_AT, TestDatabase, admin, repository, stable, without_names};

/// The run of the demo whose table the README shows.
const TABLE: &str = "halfbuilt scan --rule stuck-running --project tools/* --format table";

/// A command of the README and the lines below it; `...` stands for lines that are left out.
struct Listing {
    /// Where its first line of output stands.
    first: usize,
    command: String,
    lines: Vec<String>,
}

/// What is set in so far is a listing, and what begins with a `$` in it a command.
fn listings(readme: &str) -> Vec<Listing> {
    let mut found: Vec<Listing> = Vec::new();
    let mut is_inside = false;
    for (number, line) in readme.lines().enumerate() {
        let Some(text) = line.strip_prefix("    ").or(line.is_empty().then_some("")) else {
            is_inside = false;
            continue;
        };
        let open = found.last_mut().filter(|listing| is_inside && listing.command.ends_with('\\'));
        if let Some(listing) = open {
            listing.command = format!("{} {}", listing.command.trim_end_matches('\\').trim_end(), text.trim());
            listing.first = number + 1;
        } else if let Some(command) = text.strip_prefix("$ ") {
            is_inside = command.starts_with("halfbuilt");
            if is_inside {
                found.push(Listing { first: number + 1, command: command.to_owned(), lines: Vec::new() });
            }
        } else if text.starts_with('┌') {
            is_inside = true;
            found.push(Listing { first: number, command: TABLE.to_owned(), lines: vec![text.to_owned()] });
        } else if let Some(listing) = found.last_mut().filter(|_| is_inside) {
            listing.lines.push(text.to_owned());
        }
    }
    for listing in &mut found {
        while listing.lines.last().is_some_and(String::is_empty) {
            listing.lines.pop();
        }
    }
    found
}

/// What a listing shows of an output: all of it, or what comes after as many lines as `...` stands for; of a table nothing else.
fn excerpt(listing: &Listing, output: &str) -> Vec<String> {
    let is_shown = |line: &&str| listing.command != TABLE || line.starts_with(['┌', '│', '╞', '└']);
    let lines: Vec<String> = output.lines().filter(is_shown).map(str::to_owned).collect();
    if listing.lines.first().is_none_or(|line| line != "...") {
        return lines;
    }
    let left_out = (lines.len() + 1).saturating_sub(listing.lines.len());
    [vec!["...".to_owned()], lines[left_out..].to_vec()].concat()
}

/// Numbers of lines depend on how often a busy server was asked.
fn comparable(lines: &[String]) -> String {
    let numbered = regex::Regex::new(r"\b\d+ lines|line \d{2,}").expect("a pattern");
    numbered.replace_all(&stable(&lines.join("\n")), "N lines").into_owned()
}

#[test]
fn the_listings_are_what_the_commands_print() {
    // The data of the demo.
    let faults =
        ["healthy", "stuck-running", "closed-after-restore", "output-truncated", "output-gap", "output-missing"];
    let person = Person::with(TestDatabase::circleci_on_own_host(&faults));
    let (via, host) = (admin(&person.database).nrepl(), person.database.host.clone());
    let file = repository("README.md");
    let readme = std::fs::read_to_string(&file).expect("the README");
    let mut changed: Vec<String> = readme.lines().map(str::to_owned).collect();
    let mut wrong = Vec::new();
    let all = listings(&readme);
    // The one that checks a profile is about a made-up one.
    let mut all: Vec<&Listing> = all.iter().filter(|listing| !listing.command.contains("mine.sql")).collect();
    assert!(all.len() >= 8, "only {} listings were found", all.len());
    // The table is one of before the deletion.
    all.sort_by_key(|listing| listing.command != TABLE);
    for listing in all {
        let line = listing.command.replace("nrepl://127.0.0.1:6005", &via).replace("ci.acme.example", &host);
        let run = person.run(&line).env("HALFBUILT_BACKUP_TIME", BACKUP_TIME);
        let done = run.env("HALFBUILT_RESTORED_AT", RESTORED_AT).run();
        let output = excerpt(listing, &format!("{}{}", done.stdout, done.stderr));
        if comparable(&output) != comparable(&listing.lines) {
            wrong.push((listing, output));
        }
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") && !wrong.is_empty() {
        // From the last one on, so that the places of the others stay what they are.
        wrong.sort_by_key(|(listing, _)| std::cmp::Reverse(listing.first));
        for (listing, output) in &wrong {
            let text = without_names(&output.join("\n"));
            let lines = text.lines().map(|line| format!("    {line}").trim_end().to_owned());
            changed.splice(listing.first..listing.first + listing.lines.len(), lines);
        }
        std::fs::write(&file, format!("{}\n", changed.join("\n"))).expect("the README");
        return;
    }
    let differences = wrong.iter().map(|(listing, output)| {
        let (says, prints) = (comparable(&listing.lines), comparable(output));
        format!("README, line {}: $ {}\n--- it says\n{says}\n--- it prints\n{prints}\n", listing.first, listing.command)
    });
    let differences: String = differences.collect();
    assert!(differences.is_empty(), "{differences}");
}
