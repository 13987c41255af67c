//! Which lines of a cron file or a script remove files below a folder, as far as their words say. What they do not say is never "none".

use super::shell::{UNKNOWN, Variables, commands, is_name};

/// Programs that only read what they are given.
const READERS: [&str; 35] = [
    "tar",
    "du",
    "df",
    "ls",
    "stat",
    "cat",
    "find",
    "cp",
    "rsync",
    "echo",
    "printf",
    "head",
    "tail",
    "wc",
    "grep",
    "diff",
    "cmp",
    "md5sum",
    "sha256sum",
    "export",
    "local",
    "readonly",
    "declare",
    "for",
    "case",
    "return",
    "exit",
    "mkdir",
    "touch",
    "chmod",
    "chown",
    "logger",
    "mail",
    "sleep",
    "run-parts",
];
/// What only asks, and gives nothing to what comes behind it.
const TESTS: [&str; 3] = ["test", "[", "[["];
/// What only changes the folder.
const CHANGES: [&str; 2] = ["cd", "pushd"];
/// Of these, those that write to what comes last.
const COPIERS: [&str; 2] = ["cp", "rsync"];
/// Words before a program.
const BEFORE: [&str; 21] = [
    "root", "sudo", "nice", "ionice", "nohup", "time", "timeout", "env", "exec", "command", "if", "then", "else",
    "elif", "do", "while", "until", "!", "{", "chronic", "builtin",
];
/// Words that remove, or may.
const REMOVERS: [&str; 22] = [
    "rm",
    "rmdir",
    "unlink",
    "shred",
    "truncate",
    "mv",
    "tmpwatch",
    "tmpreaper",
    "dd",
    "xargs",
    "eval",
    "-delete",
    "-exec",
    "-execdir",
    "-ok",
    "-okdir",
    "-fprint",
    "-fprint0",
    "-fprintf",
    "-fls",
    "mkfs",
    "parallel",
];
/// Of these, those that remove what another program lists.
const LISTED: [&str; 2] = ["xargs", "parallel"];
/// Programs that write assignments, to be evaluated.
const ASSIGNERS: [&str; 4] = ["apt-config", "ssh-agent", "dircolors", "getopt"];
/// How options begin that remove: rsync's `--del`, `--delete-after`, `--remove-source-files`, tar's `--remove-files`.
const REMOVING_OPTIONS: [&str; 2] = ["--del", "--rem"];
/// The longest line that is looked at, in bytes.
const LINE: usize = 100_000;
/// How many folders are kept into which a file changes.
const FOLDERS: usize = 64;

/// Lines of a text, from 1.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// They remove something there, or may.
    pub(super) removing: Vec<usize>,
    /// Nobody can say it without running them.
    pub(super) undecided: Vec<usize>,
}

/// What is known of something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Answer {
    No,
    Unknown,
    Yes,
}

/// Whether a line has a word that removes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Removes {
    No,
    Yes,
    /// And what it removes is listed by another command.
    Listed,
}

/// Where a path lies, seen from a folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Place {
    Elsewhere,
    Above,
    /// A value of it is not known.
    Unknown,
    /// It is the folder, or below it, or a pattern that may fit it.
    There,
}

/// The lines that may remove something below one of these folders. A line that ends with a backslash goes on in the next.
pub(super) fn removing_lines(text: &[u8], folders: &[String]) -> Lines {
    let mut variables = Variables::default();
    each_line(text, |_, line| variables.take(line));
    let folders: Vec<(&str, Vec<&str>)> = folders.iter().map(|folder| (folder.as_str(), parts(folder))).collect();
    let (mut lines, mut changed) = (Lines::default(), Vec::new());
    each_line(text, |number, line| {
        let answer = match line.len() > LINE {
            true => Answer::Unknown,
            false => of_line(&variables.expand(line), &folders, &mut changed),
        };
        match answer {
            Answer::No => {}
            Answer::Unknown => lines.undecided.push(number),
            Answer::Yes => lines.removing.push(number),
        }
    });
    lines
}

/// Each line that is no comment, with its number.
fn each_line(text: &[u8], mut take: impl FnMut(usize, &str)) {
    let (mut line, mut begin) = (String::new(), 1);
    let mut take = |number: usize, line: &str| {
        if !is_comment(line) {
            take(number, line);
        }
    };
    for (place, piece) in text.split(|byte| *byte == b'\n').enumerate() {
        let piece = String::from_utf8_lossy(piece);
        let piece = piece.trim_end_matches('\r');
        if line.is_empty() {
            begin = place + 1;
        }
        match piece.strip_suffix('\\') {
            Some(more) if !(line.is_empty() && is_comment(piece)) => line.push_str(&format!("{more} ")),
            _ => {
                line.push_str(piece);
                take(begin, &line);
                line.clear();
            }
        }
    }
    take(begin, &line);
}

fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

/// What a line does, with any of its values. `changed` are the folders into which it and those before it change.
fn of_line(values: &[String], folders: &[(&str, Vec<&str>)], changed: &mut Vec<String>) -> Answer {
    let mut answer = Answer::No;
    for line in values {
        let commands = commands(line);
        for command in &commands {
            note_changes(command, changed);
        }
        let has = |is_wanted: fn(&str) -> bool| commands.iter().flatten().any(|word| is_wanted(word));
        let removes = match has(is_remover) {
            false => Removes::No,
            true if has(|word| LISTED.contains(&last_part(word))) => Removes::Listed,
            true => Removes::Yes,
        };
        for (name, folder) in folders {
            let folder = (*name, folder.as_slice());
            let nexts = commands.iter().skip(1).map(Vec::as_slice).chain([&[][..]]);
            let of_commands = commands.iter().zip(nexts).map(|(command, next)| match only_assigns(command, next) {
                true => Answer::No,
                false => of_command(command, folder, changed, removes),
            });
            answer = answer.max(of_commands.max().unwrap_or(Answer::No));
        }
    }
    answer
}

/// Whether it is `eval` of what a known program writes, which assigns variables and does nothing else.
fn only_assigns(command: &[String], next: &[String]) -> bool {
    let is_of_known = next.first().is_some_and(|word| ASSIGNERS.contains(&last_part(word)));
    let is_output = |word: &String| matches!(word.as_str(), "set" | "--") || word.chars().all(|c| c == UNKNOWN);
    is_of_known && command.split_first().is_some_and(|(eval, words)| eval == "eval" && words.iter().all(is_output))
}

/// Relative paths are seen from where a file changes to.
fn note_changes(command: &[String], changed: &mut Vec<String>) {
    let to = command.iter().position(|word| matches!(word.as_str(), "cd" | "pushd" | "-C" | "--chdir"));
    let Some(to) = to.and_then(|at| command[at + 1..].iter().find(|word| !word.starts_with('-'))) else { return };
    if changed.contains(to) || changed.len() > FOLDERS {
        return;
    }
    let to = if changed.len() == FOLDERS { UNKNOWN.to_string() } else { to.clone() };
    changed.push(to);
}

/// What a command does to a folder, in a line that has a word which removes, or none.
fn of_command(command: &[String], folder: (&str, &[&str]), changed: &[String], removes: Removes) -> Answer {
    let place = |word: &String| place(word, folder, changed);
    let at = command.iter().position(|word| !is_before(word)).unwrap_or(command.len());
    let (before, words) = command.split_at(at);
    let program = words.first().map_or("", |word| last_part(word));
    if before.iter().any(|word| is_assignment(word) && place(word) == Place::There) {
        return Answer::Yes;
    }
    if CHANGES.contains(&program) || TESTS.contains(&program) {
        return Answer::No;
    }
    let all = highest(words.iter(), &place);
    let is_its_own = removes == Removes::Listed || program == "find" || words.iter().any(|word| is_remover(word));
    match all {
        Place::Elsewhere => {}
        _ if removes == Removes::No => {}
        Place::There | Place::Above => return Answer::Yes,
        Place::Unknown if is_its_own => return Answer::Unknown,
        Place::Unknown => {}
    }
    let to = words.windows(2).filter(|pair| pair[0] == ">" && pair[1] != "/dev/null").map(|pair| &pair[1]);
    match (highest(to, &place), all) {
        (Place::There, _) => Answer::Yes,
        (Place::Unknown, _) => Answer::Unknown,
        (_, Place::Elsewhere) => Answer::No,
        _ if READERS.contains(&program) && only_reads(program, &words[1..], &place) => Answer::No,
        (_, Place::There) => Answer::Yes,
        _ if READERS.contains(&program) => Answer::Unknown,
        // A program that nobody here knows.
        (_, Place::Above) => Answer::Unknown,
        (_, Place::Unknown) => {
            let ends = |word: &&String| word.split('/').skip(1).any(|part| folder.1.last() == Some(&part));
            if words.iter().filter(ends).any(|word| place(word) == Place::Unknown) {
                Answer::Unknown
            } else {
                Answer::No
            }
        }
    }
}

fn highest<'a>(words: impl Iterator<Item = &'a String>, place: &impl Fn(&String) -> Place) -> Place {
    words.map(place).max().unwrap_or(Place::Elsewhere)
}

/// Whether a word stands before a program: a field of cron's time, a number, an option, an assignment.
fn is_before(word: &str) -> bool {
    let is_time = word.chars().all(|c| c.is_ascii_digit() || "*/,-~@".contains(c));
    is_time || word.starts_with(['@', '-']) || BEFORE.contains(&word) || is_day(word) || is_assignment(word)
}

fn is_assignment(word: &str) -> bool {
    word.split_once('=').is_some_and(|(name, _)| is_name(name))
}

/// A name of a day or a month, as cron has it, or several.
fn is_day(word: &str) -> bool {
    const NAMES: &str = "sun mon tue wed thu fri sat jan feb mar apr may jun jul aug sep oct nov dec";
    word.split([',', '-']).all(|name| name.len() == 3 && NAMES.split(' ').any(|day| day.eq_ignore_ascii_case(name)))
}

fn last_part(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or_default()
}

fn is_remover(word: &str) -> bool {
    // Such as mkfs.ext4.
    let name = last_part(word).split(['=', '.']).next().unwrap_or_default();
    REMOVERS.contains(&name) || REMOVING_OPTIONS.iter().any(|option| word.starts_with(option))
}

/// Whether a program that is known only reads what these words name.
fn only_reads(program: &str, words: &[String], place: &impl Fn(&String) -> Place) -> bool {
    let is_there = |word: &String| place(word) >= Place::Unknown;
    // Its own words end where a redirection begins.
    let end = words.iter().position(|word| matches!(word.as_str(), "<" | ">")).unwrap_or(words.len());
    let words = &words[..end];
    let short = |word: &String, letter: char| word.starts_with('-') && !word.starts_with("--") && word.contains(letter);
    match program {
        "tar" => {
            let Some(how) = words.first() else { return true };
            let creates = how == "--create" || (!how.starts_with("--") && how.contains('c') && !how.contains('x'));
            let into = words.iter().zip(words.iter().skip(1)).filter(|(word, _)| word.ends_with('f')).map(|(_, to)| to);
            let is_file = |word: &String| word.strip_prefix("--file=").is_some_and(|file| is_there(&file.to_owned()));
            creates && !into.clone().any(is_there) && !words.iter().any(is_file)
        }
        program if COPIERS.contains(&program) => {
            let first = words.iter().position(is_there).unwrap_or(words.len());
            // An option behind, or one that names where to, may make any word the place that is written to.
            let names_place = |word: &String| word.starts_with("--t") || (program == "cp" && short(word, 't'));
            let is_plain = !words[first..].iter().any(|word| word.starts_with('-')) && !words.iter().any(names_place);
            is_plain && words.last().is_none_or(|to| place(to) < Place::Above)
        }
        _ => true,
    }
}

/// Where a word lies, whatever of it is a path.
fn place(word: &str, (name, folder): (&str, &[&str]), changed: &[String]) -> Place {
    if matches!(word, "<" | ">") {
        return Place::Elsewhere;
    }
    let pieces = word.split(['=', ':', ',']).chain([word]);
    let of_option = word.find('/').filter(|_| word.starts_with('-')).map(|at| &word[at..]);
    let of_pieces = pieces.chain(of_option).filter(|piece| !piece.is_empty() && !piece.starts_with('-'));
    let places = of_pieces.flat_map(|piece| {
        let is_whole = piece.starts_with('/') || piece.starts_with(UNKNOWN);
        let from: Vec<String> = match is_whole {
            true => vec![piece.to_owned()],
            false => changed.iter().map(|to| format!("{to}/{piece}")).collect(),
        };
        from.into_iter().map(|path| place_of(&path, folder)).collect::<Vec<_>>()
    });
    let highest = places.max().unwrap_or(Place::Elsewhere);
    if word.contains(name) { Place::There } else { highest }
}

fn place_of(path: &str, folder: &[&str]) -> Place {
    if !path.starts_with(['/', UNKNOWN]) {
        return Place::Elsewhere;
    }
    let path = parts(path);
    for (part, wanted) in path.iter().zip(folder) {
        if part.contains(UNKNOWN) {
            return Place::Unknown;
        }
        if !fits(part, wanted) {
            return Place::Elsewhere;
        }
    }
    match path.len() < folder.len() {
        true => Place::Above,
        false => Place::There,
    }
}

/// The parts of a path, without those that lead nowhere.
fn parts(path: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => _ = parts.pop(),
            part => parts.push(part),
        }
    }
    parts
}

/// Whether a pattern of the shell may stand for a name.
fn fits(pattern: &str, name: &str) -> bool {
    if pattern.contains(['{', '[']) {
        // Both have forms of their own in each shell: what stands before them has to fit.
        let before = pattern.split(['{', '[', '*', '?']).next().unwrap_or_default();
        return name.starts_with(before);
    }
    match pattern.contains(['*', '?']) {
        true => glob::Pattern::new(pattern).map_or(true, |pattern| pattern.matches(name)),
        false => pattern == name,
    }
}

#[cfg(test)]
#[path = "removal_tests.rs"]
mod tests;
