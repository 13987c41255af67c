//! `halfbuilt help`: lists commands and topics, explains a topic, or shows the help of a command.

use crate::cli::{self, HelpArgs, TOPIC_GROUPS, Topic};
use crate::exit::Exit;
use crate::output::{Manual, Printer};
use crate::text::similar::nearest;

use super::Error;

/// What stands at the foot of the list.
const MORE: &str = "\
halfbuilt help TOPIC explains a topic; halfbuilt COMMAND --help lists the flags of a command.
";

/// Shows the list, a topic, the help of a command, or both.
pub(super) fn run(args: &HelpArgs, printer: Printer) -> Result<Exit, Error> {
    let mut manual = Manual::new(printer.color());
    match args.words.as_slice() {
        [] => list(&mut manual),
        words => {
            let help = cli::command_help(words);
            let topic = if let [word] = words { Topic::find(word) } else { None };
            if help.is_none() && topic.is_none() {
                return Err(unknown(words));
            }
            if let Some(help) = &help {
                manual.add_text(help);
            }
            if let Some(topic) = topic {
                manual.add_markdown(topic.text);
            }
        }
    }
    manual.show()?;
    Ok(Exit::Clean)
}

fn list(manual: &mut Manual) {
    let commands = cli::commands();
    let names = commands.iter().map(|command| command.name.as_str()).chain(Topic::all().map(|topic| topic.name));
    let width = names.map(str::len).max().unwrap_or_default();
    manual.add_list("Commands", commands.iter().map(|command| (command.name.as_str(), command.about.as_str())), width);
    for group in TOPIC_GROUPS {
        let topics = group.topics.iter().map(|topic| (topic.name, topic.title()));
        manual.add_list(&format!("Topics, {}", group.title), topics, width);
    }
    manual.add_text(MORE);
}

/// The error for words that name neither a topic nor a command.
fn unknown(words: &[String]) -> Error {
    let [word] = words else { return unknown_command(words) };
    let commands = cli::command_names();
    let topics: Vec<&str> = Topic::all().map(|topic| topic.name).collect();
    let meant = nearest(word, topics.iter().copied().chain(commands.iter().map(String::as_str)));
    let hint = format!("{}topics: {}; commands: {}", did_you_mean(meant), topics.join(", "), commands.join(", "));
    Error::UnknownTopic { name: word.clone(), hint }
}

/// The error for words that name no command.
pub(super) fn unknown_command(words: &[String]) -> Error {
    let (name, commands) = (words.join(" "), cli::command_names());
    let meant = nearest(&name, commands.iter().map(String::as_str));
    Error::UnknownCommand { hint: format!("{}commands: {}", did_you_mean(meant), commands.join(", ")), name }
}

fn did_you_mean(word: Option<&str>) -> String {
    word.map(|word| format!("did you mean {word}? ")).unwrap_or_default()
}
