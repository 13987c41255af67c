//! The listings in README and topics: each is what the command above it prints.
//!
//! Where messages change on purpose, `INSTA_UPDATE=always tests/run.sh --test cli readme` writes them again. Look at the difference
//! before you commit it, and at the prose around it.

use std::path::PathBuf;

use crate::support::{
    API_TOKEN, BACKUP_TIME, Person, PrivateData, RESTORED_AT, StandIn, TestDatabase, admin, psql, repository,
    socket_folder, stable, without_names,
};

/// The data of the topics: some builds contradict T and R.
const WITH_TROUBLE: [&str; 6] =
    ["healthy", "stuck-running", "closed-after-restore", "output-truncated", "output-gap", "output-missing"];

/// The topics that have listings, in the order in which their commands are run.
const TOPICS: [&str; 4] = ["report", "profiles", "start", "journal"];

/// The topic whose listings are run on a server of their own.
const COLLECT: &str = "collect";

/// The topic that shows files, too.
const WRITE_PROFILE: &str = "write-profile";
/// The longest profile of that topic, by its title.
const PROFILE_LINES: usize = 20;

/// Listings that are not run: how their command ends, and why.
const NOT_RUN: [(&str, &str); 1] = [("mine.sql", "the profile is a made-up one")];

/// A command and the lines below it; one `...` among them stands for lines that are left out.
struct Listing {
    file: PathBuf,
    /// Where its first line of output stands.
    first: usize,
    command: String,
    lines: Vec<String>,
}

/// What is set in so far is a listing, and what begins with a `$` in it a command.
fn listings(file: &str) -> Vec<Listing> {
    let file = repository(file);
    let text = std::fs::read_to_string(&file).expect("a document");
    let mut found: Vec<Listing> = Vec::new();
    let mut is_inside = false;
    for (number, line) in text.lines().enumerate() {
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
                let (file, command) = (file.clone(), command.to_owned());
                found.push(Listing { file, first: number + 1, command, lines: Vec::new() });
            }
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

/// The files that a document shows: the name and the text of each, below `$ cat NAME`.
fn files(document: &str) -> Vec<(String, String)> {
    let text = std::fs::read_to_string(repository(document)).expect("a document");
    let mut found: Vec<(String, String)> = Vec::new();
    let mut is_inside = false;
    for line in text.lines() {
        let Some(line) = line.strip_prefix("    ").or(line.is_empty().then_some("")) else {
            is_inside = false;
            continue;
        };
        if let Some(command) = line.strip_prefix("$ ") {
            let name = command.strip_prefix("cat ");
            is_inside = name.is_some();
            found.extend(name.map(|name| (name.to_owned(), String::new())));
        } else if let Some((_, text)) = found.last_mut().filter(|_| is_inside) {
            text.push_str(line);
            text.push('\n');
        }
    }
    found.into_iter().map(|(name, text)| (name, format!("{}\n", text.trim_end()))).collect()
}

/// What a listing shows of an output: as many lines before `...` and after it as it has now.
fn excerpt(listing: &Listing, output: &str) -> Vec<String> {
    let lines: Vec<String> = output.lines().map(|line| line.trim_end().to_owned()).collect();
    let Some(head) = listing.lines.iter().position(|line| line == "...") else { return lines };
    let tail = lines.len().saturating_sub(listing.lines.len() - head - 1);
    [&lines[..head.min(lines.len())], &["...".to_owned()], &lines[tail..]].concat()
}

/// Numbers of lines depend on how often a busy server was asked.
fn comparable(lines: &[String]) -> String {
    let numbered = regex::Regex::new(r"\b\d+ lines|line \d{2,}").expect("a pattern");
    numbered.replace_all(&stable(&lines.join("\n")), "N lines").into_owned()
}

/// Runs the commands of some listings, one after the other, on data of their own.
fn compare(listings: &[Listing]) {
    let person = Person::with(TestDatabase::circleci_on_own_host(&WITH_TROUBLE));
    let (via, host) = (admin(&person.database).nrepl(), person.database.host.clone());
    compare_with(listings, |command| {
        let line = command.replace("nrepl://127.0.0.1:6005", &via).replace("ci.acme.example", &host);
        let run = person.run(&line.replace('\'', "")).env("HALFBUILT_BACKUP_TIME", BACKUP_TIME);
        let done = run.env("HALFBUILT_RESTORED_AT", RESTORED_AT).run();
        format!("{}{}", done.stdout, done.stderr)
    });
}

/// Compares listings with what `run` says that their commands print.
fn compare_with(listings: &[Listing], run: impl Fn(&str) -> String) {
    let mut wrong = Vec::new();
    for listing in listings {
        let output = excerpt(listing, &run(&listing.command));
        if comparable(&output) != comparable(&listing.lines) {
            wrong.push((listing, output));
        }
    }
    if std::env::var_os("INSTA_UPDATE").is_some_and(|how| how == "always") {
        // From the last one on, so that the places of the others stay what they are.
        for (listing, output) in wrong.iter().rev() {
            let document = std::fs::read_to_string(&listing.file).expect("a document");
            let mut lines: Vec<String> = document.lines().map(str::to_owned).collect();
            let text = without_names(&output.join("\n"));
            let printed = text.lines().map(|line| format!("    {line}").trim_end().to_owned());
            lines.splice(listing.first..listing.first + listing.lines.len(), printed);
            std::fs::write(&listing.file, format!("{}\n", lines.join("\n"))).expect("a document");
        }
        return;
    }
    let differences = wrong.iter().map(|(listing, output)| {
        let (says, prints) = (comparable(&listing.lines), comparable(output));
        let (file, line) = (listing.file.display(), listing.first);
        format!("{file}, line {line}: $ {}\n--- it says\n{says}\n--- it prints\n{prints}\n", listing.command)
    });
    let differences: String = differences.collect();
    assert!(differences.is_empty(), "{differences}");
}

fn is_run(listing: &Listing) -> bool {
    !NOT_RUN.iter().any(|(end, _)| listing.command.ends_with(end))
}

#[test]
fn the_readme_shows_what_the_commands_print() {
    let listings = listings("README.md");
    assert_eq!(listings.len(), 5);
    assert!(listings.iter().all(is_run));
    compare_collected("readme.acme.example", &listings);
}

#[test]
fn the_topics_show_what_the_commands_print() {
    let of_a_topic = |name: &&str| listings(&format!("src/cli/topics/{name}.md"));
    let all: Vec<Listing> = TOPICS.iter().flat_map(of_a_topic).filter(is_run).collect();
    assert!(all.len() >= 8, "only {} listings were found", all.len());
    compare(&all);
}

#[test]
fn the_topic_of_collecting_shows_what_the_commands_print() {
    let listings = listings(&format!("src/cli/topics/{COLLECT}.md"));
    assert_eq!(listings.len(), 4);
    compare_collected("topic.acme.example", &listings);
}

/// As it stands in the topic: its table is loaded, its profile is used, by a role that may only read.
#[test]
fn the_topic_of_writing_a_profile_shows_what_the_commands_print() {
    let document = format!("src/cli/topics/{WRITE_PROFILE}.md");
    let (person, files) = (Person::with(TestDatabase::empty()), files(&document));
    for (name, text) in &files {
        std::fs::write(person.file(name), text).expect("it is written");
    }
    let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["runs.sql", "acorn.sql"]);
    assert!(files[1].1.lines().count() <= PROFILE_LINES, "{}", files[1].1);
    let text = std::fs::read_to_string(repository(&document)).expect("a document");
    let loaded: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("    $ psql -f ")).collect();
    assert_eq!(loaded, ["runs.sql"]);
    for name in loaded {
        psql(&person.database.name, &["-f", person.file(name).to_str().expect("a path")]);
    }
    let role = format!("reader_of_{}", person.database.name);
    person.database.run(&format!("CREATE ROLE {role} LOGIN; GRANT SELECT ON runs TO {role}"));
    let listings = listings(&document);
    assert_eq!(listings.len(), 2);
    compare_with(&listings, |command| {
        let run = person.run(command).env("PGHOST", socket_folder()).env("PGUSER", &role);
        let done = run.run();
        format!("{}{}", done.stdout, done.stderr)
    });
}

/// From a server that was restored to a verdict: all of it through the API and the private database. The console knows servers by their
/// hosts, so each test has one of its own.
fn compare_collected(host: &str, listings: &[Listing]) {
    let server = StandIn::with(&[("builds", "300"), ("large_mb", "1"), ("host", &format!("https://{host}"))]);
    let own = PrivateData::new();
    std::fs::write(own.folder.path().join("admin.token"), API_TOKEN).expect("it is written");
    compare_with(listings, |command| {
        let line = command.replace("https://ci.acme.example", &server.http());
        let line = line.replace("ci.acme.example", host);
        let run = own.run(&line.replace("nrepl://127.0.0.1:6005", &server.nrepl()));
        let done = run.env("HALFBUILT_BACKUP_TIME", BACKUP_TIME).env("HALFBUILT_RESTORED_AT", RESTORED_AT).run();
        let said = format!("{}{}", done.stdout, done.stderr)
            .replace(&server.http(), "https://ci.acme.example")
            .replace(host, "ci.acme.example");
        let said = said.replace(own.data.to_str().expect("UTF-8"), "~/.local/share/halfbuilt");
        // Here the server has one name and its builds another; and a machine may be slow.
        let of_here = |line: &&str| line.starts_with("warning: the builds are on ") || line.starts_with("still ");
        said.lines().filter(|line| !of_here(line)).map(|line| format!("{line}\n")).collect()
    });
}

#[test]
fn no_other_topic_has_a_listing_that_nothing_compares() {
    for entry in std::fs::read_dir(repository("src/cli/topics")).expect("the topics") {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().expect("a name").to_string_lossy().into_owned();
        let listings = listings(&format!("src/cli/topics/{name}.md"));
        assert!(
            listings.is_empty() || TOPICS.contains(&name.as_str()) || [COLLECT, WRITE_PROFILE].contains(&name.as_str()),
            "topic {name} has a listing: add it to TOPICS"
        );
    }
}
