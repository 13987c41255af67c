//! What help, hints, README and topics name is there: commands, topics, flags, files, states and examples.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::{Command, CommandFactory, ValueEnum};
use halfbuilt::build_url::AddressForm;
use halfbuilt::cli::{ChosenTiming, Cli, Topic};
use halfbuilt::policy::Policy;
use halfbuilt::scan::Profile;
use halfbuilt::state::State;
use regex::Regex;

/// Flags of other programs that messages, README and topics name, or that this one calls.
#[rustfmt::skip]
const FLAGS_OF_OTHERS: [&str; 18] = [
    "--locked", "--path", "--type", "--list-boots", "--with", "--snapshot-ids",
    // What removes in a job of cron, and what only packs.
    "--delete", "--remove", "--create", "--del", "--rem", "--chdir", "--file",
    // How a listing is saved by AWS's tool.
    "--encoding-type",
    // How PostgreSQL's programs, and setpriv, are called.
    "--bindir", "--no-locale", "--pdeathsig", "--single",
];
/// Words of a shell that end a command.
const ENDS_OF_A_COMMAND: [&str; 7] = ["|", ">", "<", "&&", ";", "#", "2>"];

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect(path)
}

/// The files below a folder with one of these endings, by path, each with its text.
fn files(folder: &str, endings: &[&str]) -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join(folder)]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).expect("a folder") {
            let path = entry.expect("an entry").path();
            let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
            if path.is_dir() {
                folders.push(path);
            } else if endings.contains(&ending) {
                let name = path.strip_prefix(root()).expect("below the root").display().to_string();
                found.push((name.clone(), read(&name)));
            }
        }
    }
    found
}

/// The texts that a source has for people: its string literals, and in `src/cli` the comments that clap shows. Without tests.
fn texts() -> Vec<(String, String)> {
    let literal = Regex::new(r#"(?s)"((?:[^"\\]|\\.)*)""#).expect("a pattern");
    let mut texts = Vec::new();
    for (name, source) in files("src", &["rs"]) {
        if name.ends_with("tests.rs") || name.ends_with("scripted.rs") || name.ends_with("testing.rs") {
            continue;
        }
        let source = source.split("\nmod tests {").next().expect("a text");
        let is_help = name.starts_with("src/cli");
        let mut code = String::new();
        for line in source.lines() {
            match line.trim_start().strip_prefix("///") {
                Some(help) if is_help => texts.push((name.clone(), help.to_owned())),
                Some(_) => {}
                None if line.trim_start().starts_with("//") || line.trim_start().starts_with("#[path") => {}
                None if line.contains("include_str!") || line.contains("template(path") => {}
                None => code += &format!("{}\n", line.replace("'\"'", "")),
            }
        }
        let found = literal.captures_iter(&code);
        texts.extend(found.map(|found| (name.clone(), found[1].replace("\\\n", "").replace("\\\"", "\""))));
    }
    assert!(texts.len() > 1000, "only {} texts were found", texts.len());
    texts
}

/// README, topics, templates, SQL files and scripts: what a person reads beside messages.
fn documents() -> Vec<(String, String)> {
    let mut documents = files("src", &["md", "html"]);
    documents.extend(files("sql", &["sql"]));
    documents.extend(["README.md", "benches/README.md", "fixtures/demo.sh"].map(|name| (name.to_owned(), read(name))));
    documents
}

/// All commands, with the words by which each is called.
fn commands() -> Vec<(String, Command)> {
    let mut root = Cli::command();
    root.build();
    let mut found = Vec::new();
    for command in root.get_subcommands() {
        found.push((command.get_name().to_owned(), command.clone()));
        for below in command.get_subcommands() {
            found.push((format!("{} {}", command.get_name(), below.get_name()), below.clone()));
        }
    }
    found
}

fn known_flags() -> BTreeSet<String> {
    let commands = commands();
    let flags = commands.iter().flat_map(|(_, command)| command.get_arguments().filter_map(|flag| flag.get_long()));
    flags.chain(["version"]).map(|flag| format!("--{flag}")).chain(FLAGS_OF_OTHERS.map(str::to_owned)).collect()
}

/// Whoever has the program alone has no file of the repository.
#[test]
fn no_message_and_no_help_names_a_file_of_the_repository() {
    let file = Regex::new(r"(^|[^\w./-])((sql|src|fixtures|tests|benches)/\w[\w./-]*|README)").expect("a pattern");
    let named = |(source, text): &(String, String)| file.captures(text).map(|found| format!("{source}: {}", &found[2]));
    assert_eq!(texts().iter().filter_map(named).collect::<Vec<_>>(), Vec::<String>::new());
}

#[test]
fn every_topic_and_command_that_is_named_exists() {
    let help = Regex::new(r"halfbuilt help ([a-z][a-z0-9-]*)").expect("a pattern");
    let commands = commands();
    let mut known: BTreeSet<&str> = commands.iter().map(|(name, _)| name.as_str()).collect();
    known.extend(Topic::all().map(|topic| topic.name));
    let (mut wrong, mut named) = (Vec::new(), 0);
    for (place, text) in texts().into_iter().chain(documents()) {
        for found in help.captures_iter(&text) {
            named += 1;
            wrong.extend((!known.contains(&found[1])).then(|| format!("{place}: {}", &found[0])));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named > 60, "only {named} were found");
}

#[test]
fn every_flag_that_a_message_names_exists() {
    let flag = Regex::new(r"(?:^|[\s`(\[\x22'])(--[a-z][a-z-]+)").expect("a pattern");
    let known = known_flags();
    let (mut wrong, mut named) = (Vec::new(), 0);
    for (place, text) in texts() {
        for found in flag.captures_iter(&text) {
            named += 1;
            wrong.extend((!known.contains(&found[1])).then(|| format!("{place}: {}", &found[1])));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(named > 200, "only {named} were found");
}

/// The words of a command line, as a shell splits it; `None` where it is none.
fn words(line: &str) -> Option<Vec<String>> {
    let mut words = vec![String::new()];
    let mut quote = None;
    for c in line.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            None if c == '\'' || c == '"' => quote = Some(c),
            None if c.is_whitespace() => words.push(String::new()),
            _ => words.last_mut()?.push(c),
        }
    }
    words.retain(|word| !word.is_empty());
    // What a CI's variables stand for.
    for word in words.iter_mut().filter(|word| word.starts_with('$')) {
        *word = if word == "$CUT" { "https://ci.example.com/gh/acme/canary/1234" } else { "2026-11-20T02:00:00Z" }
            .to_owned();
    }
    let end = words.iter().position(|word| ENDS_OF_A_COMMAND.contains(&word.as_str()) || word.starts_with('>'));
    words.truncate(end.unwrap_or(words.len()));
    (words.first()? == "halfbuilt").then_some(words)
}

/// What clap says against a command line.
fn refusal(line: &str) -> Option<String> {
    let error = Cli::command().try_get_matches_from(words(line)?).err()?;
    error.use_stderr().then(|| format!("{line}\n{error}"))
}

#[test]
fn every_command_line_of_readme_and_topics_can_be_typed() {
    let (mut wrong, mut typed) = (Vec::new(), 0);
    for (place, text) in documents().into_iter().filter(|(name, _)| name.ends_with(".md")) {
        let text = text.replace("\\\n", " ");
        for line in text.lines() {
            let Some(line) = line.strip_prefix("    ") else { continue };
            let line = line.trim_start().trim_start_matches("$ ");
            // A synopsis, and not a command.
            if !line.starts_with("halfbuilt ") || line.contains('[') || line.contains("...") {
                continue;
            }
            typed += 1;
            wrong.extend(refusal(line).map(|why| format!("{place}: {why}")));
        }
    }
    assert_eq!(wrong, Vec::<String>::new());
    assert!(typed > 30, "only {typed} were found");
}

#[test]
fn each_command_has_examples_that_can_be_typed_and_ends_with_its_topics() {
    for (name, command) in commands() {
        let long = command.get_after_long_help().map(ToString::to_string).unwrap_or_default();
        let short = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        let last = long.lines().last().expect("a foot");
        assert!(last.starts_with("More: halfbuilt help ") && short == last, "{name}: {long}");
        let examples: Vec<String> = long
            .replace("\\\n", " ")
            .lines()
            .filter_map(|line| line.strip_prefix("    "))
            .filter(|line| line.starts_with("halfbuilt "))
            .map(str::to_owned)
            .collect();
        assert!(long.lines().filter(|line| *line != last).all(|line| line.len() <= 80), "{name}: {long}");
        let least = match name.as_str() {
            "scan" | "delete" | "verify" | "report" | "manifest" | "help" => 2,
            "journal" => 0,
            _ => 1,
        };
        assert!((least..=4).contains(&examples.len()), "{name}: {} examples", examples.len());
        for example in examples {
            assert_eq!(refusal(&example), None);
            assert!(example.starts_with(&format!("halfbuilt {name}")), "{name}: {example}");
        }
    }
}

#[test]
fn every_command_is_in_the_readme_or_a_topic() {
    let documents = documents();
    for (name, _) in commands() {
        let line = Regex::new(&format!(r"\bhalfbuilt {name}\b|`{name}`")).expect("a pattern");
        assert!(documents.iter().any(|(place, text)| place.ends_with(".md") && line.is_match(text)), "{name}");
    }
}

fn topic(name: &str) -> &'static str {
    Topic::find(name).expect(name).text
}

#[test]
fn topics_name_every_timing_state_profile_and_key() {
    for timing in ChosenTiming::value_variants() {
        let word = timing.to_possible_value().expect("a word").get_name().to_owned();
        assert!(topic("timing").contains(&word), "timing: {word}");
    }
    for state in State::ALL {
        let word = state.as_str();
        assert!(["delete", "journal"].iter().any(|name| topic(name).contains(word)), "delete, journal: {word}");
    }
    for (profile, _) in Profile::shipped() {
        assert!(topic("profiles").contains(profile), "profiles: {profile}");
    }
    let hint = Policy::parse(Path::new("policy.toml"), AddressForm::CircleCi, "[none]")
        .expect_err("an unknown section")
        .hint();
    for (section, keys) in Policy::sections() {
        for key in keys {
            assert!(topic("policy").contains(key) && hint.contains(key), "{section}: {key}: {hint}");
        }
    }
}
