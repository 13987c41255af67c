//! The words of a shell's lines, as far as they can be said without running it: quotes are taken away, and variables are replaced by the values that
//! the same file gives them.

use std::collections::BTreeMap;

/// What stands in a word for a value that is not known.
pub(super) const UNKNOWN: char = '\u{fffd}';
/// How many values of a variable are kept, how many variables, and how many words one line becomes.
const VALUES: usize = 16;
const VARIABLES: usize = 1000;
const LINES: usize = 64;
/// The longest value, in bytes.
const VALUE: usize = 1000;

/// The variables of a file. Whoever reads one in another order than the shell gets all of its values.
#[derive(Debug, Default)]
pub(super) struct Variables {
    values: BTreeMap<String, Vec<String>>,
}

impl Variables {
    /// Takes what a line assigns: `D=/data`, `export D=/data`, `for d in /a /b`, `read d`.
    pub(super) fn take(&mut self, line: &str) {
        for command in line.split([';', '&', '|', '(', ')']) {
            let mut words = command.split_whitespace().peekable();
            while let Some(word) = words.next() {
                match word {
                    "for" | "select" => {
                        let Some(name) = words.next() else { break };
                        let values: Vec<&str> = words.by_ref().skip_while(|word| *word == "in").collect();
                        if values.is_empty() {
                            self.add(name, UNKNOWN.to_string());
                        }
                        values.iter().for_each(|value| self.add(name, (*value).to_owned()));
                    }
                    "read" => {
                        let names: Vec<&str> = words.by_ref().filter(|word| is_name(word)).collect();
                        names.iter().for_each(|name| self.add(name, UNKNOWN.to_string()));
                    }
                    _ => {
                        let Some((name, value)) = word.split_once('=') else { continue };
                        let (name, adds) = name.strip_suffix('+').map_or((name, false), |name| (name, true));
                        if !is_name(name) {
                            continue;
                        }
                        let mut value = value.to_owned();
                        let mark = ['"', '\''].into_iter().find(|mark| value.matches(*mark).count() % 2 == 1);
                        let mut is_open = mark;
                        while let Some((mark, word)) = is_open.and_then(|mark| Some((mark, words.next()?))) {
                            value.push_str(&format!(" {word}"));
                            is_open = Some(mark).filter(|mark| !word.contains(*mark));
                        }
                        // A value that goes on in another line, or is a command's output.
                        let is_known = is_open.is_none() && !adds && !value.contains('`') && !value.ends_with('$');
                        self.add(name, if is_known { value } else { UNKNOWN.to_string() });
                    }
                }
            }
        }
    }

    fn add(&mut self, name: &str, value: String) {
        for value in self.expand(&value) {
            if self.values.len() >= VARIABLES && !self.values.contains_key(name) {
                return;
            }
            let value: String = value.chars().filter(|c| !matches!(c, '"' | '\'')).collect();
            let values = self.values.entry(name.to_owned()).or_default();
            if value.len() > VALUE || values.len() >= VALUES {
                *values = vec![UNKNOWN.to_string()];
            } else if !values.contains(&value) {
                values.push(value);
            }
        }
    }

    /// A line with each of the values that its variables may have. What is not known is [`UNKNOWN`].
    pub(super) fn expand(&self, line: &str) -> Vec<String> {
        let mut lines = vec![String::new()];
        let (mut rest, mut is_within) = (line, false);
        while let Some(at) = rest.find(['$', '`']) {
            let (before, from) = rest.split_at(at);
            lines.iter_mut().for_each(|line| line.push_str(before));
            if let Some(after) = from.strip_prefix('`') {
                // What is in it is a command as well, whose words count.
                let mark = if is_within { ";".to_owned() } else { format!("{UNKNOWN};") };
                lines.iter_mut().for_each(|line| line.push_str(&mark));
                (rest, is_within) = (after, !is_within);
                continue;
            }
            let (name, after) = variable(&from[1..]);
            rest = after;
            let unknown = [UNKNOWN.to_string()];
            let values = name.and_then(|name| self.values.get(name)).map_or(&unknown[..], Vec::as_slice);
            if lines.len() * values.len() > LINES {
                lines.iter_mut().for_each(|line| line.push(UNKNOWN));
                continue;
            }
            lines = lines.iter().flat_map(|line| values.iter().map(move |value| format!("{line}{value}"))).collect();
        }
        lines.iter_mut().for_each(|line| line.push_str(rest));
        lines
    }
}

/// The name of a variable whose `$` has been read, where it is a plain one, and what follows.
fn variable(text: &str) -> (Option<&str>, &str) {
    if let Some(text) = text.strip_prefix('{') {
        let Some((name, rest)) = text.split_once('}') else { return (None, text) };
        return (Some(name).filter(|name| is_name(name)), rest);
    }
    let end = text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len());
    match end {
        0 if text.starts_with(['@', '*', '#', '?', '$', '!', '-']) => (None, &text[1..]),
        // $(...): what is in it is a command as well, whose words count.
        0 => (None, text),
        _ => (Some(&text[..end]), &text[end..]),
    }
}

pub(super) fn is_name(word: &str) -> bool {
    !word.is_empty()
        && !word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// The commands of a line, each as its words. Text within quotes is split as if they were not there: it may be a command, too.
pub(super) fn commands(line: &str) -> Vec<Vec<String>> {
    let mut commands = vec![Vec::new()];
    let mut word = String::new();
    let mut is_behind = ' ';
    for c in line.chars().chain([';']) {
        let ends_word = c.is_whitespace() || ";|&()<>".contains(c);
        if ends_word && !word.is_empty() {
            // A number before > is that of a stream.
            let is_stream = c == '>' && word.bytes().all(|byte| byte.is_ascii_digit());
            let word = std::mem::take(&mut word);
            commands
                .last_mut()
                .into_iter()
                .filter(|_| !is_stream)
                .for_each(|command: &mut Vec<String>| command.push(word.clone()));
        }
        match c {
            // >& and &> are no end of a command, and nor is >|.
            '&' | '|' if is_behind == '>' => {}
            ';' | '|' | '&' | '(' | ')' => commands.push(Vec::new()),
            '<' | '>' => commands.last_mut().into_iter().for_each(|command| command.push(c.to_string())),
            '"' | '\'' | '\\' => {}
            _ if ends_word => {}
            _ => word.push(c),
        }
        is_behind = c;
    }
    commands.retain(|command| !command.is_empty());
    commands
}
