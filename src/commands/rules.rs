//! `halfbuilt rules`: lists the rules, or prints one.

use std::fmt;
use std::io::Write;

use crate::cli::RulesArgs;
use crate::exit::Exit;
use crate::output::{Listing, OutputError, OutputFile, for_people};
use crate::scan::{DEFAULT_PROFILE, Profile, Rule, composed};

use super::Error;

/// Lists the rules, or prints one, or prints the statements that run.
pub(super) fn run(args: &RulesArgs) -> Result<Exit, Error> {
    let rules = Rule::load_all(args.rule_folder.as_deref())?;
    if args.composed {
        let profile = Profile::load(args.profile.as_deref().unwrap_or(DEFAULT_PROFILE))?;
        return print(&composed(profile, rules, args.name.as_deref(), args.schema.as_deref())?);
    }
    match &args.name {
        None => show(&listing(&rules)),
        Some(name) => {
            let rule = rules.iter().find(|rule| rule.name == *name);
            print(&rule.ok_or_else(|| Rule::unknown(name, &rules))?.text)
        }
    }
}

fn listing(rules: &[Rule]) -> Listing {
    let mut listing = Listing::new(&["rule", "from", "needs", "fires where"]);
    for rule in rules {
        let from = if rule.ships() { "halfbuilt" } else { "--rules" };
        let needs: Vec<String> = rule.needs.iter().map(ToString::to_string).collect();
        listing.add([rule.name.clone(), from.to_owned(), needs.join(", "), rule.title.clone()]);
    }
    listing
}

/// Writes lines for a person to standard output.
pub(super) fn show(lines: &impl fmt::Display) -> Result<Exit, Error> {
    print(&for_people(lines))
}

/// Writes to standard output, byte for byte unless it is a terminal.
pub(super) fn print(text: &str) -> Result<Exit, Error> {
    print_bytes(text.as_bytes())
}

/// The same for bytes.
pub(super) fn print_bytes(bytes: &[u8]) -> Result<Exit, Error> {
    let mut output = OutputFile::for_people();
    let name = output.name();
    output.write_all(bytes).map_err(|source| OutputError::new(name, source))?;
    output.finish()?;
    Ok(Exit::Clean)
}
