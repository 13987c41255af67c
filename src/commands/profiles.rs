//! `halfbuilt profiles`: lists the profiles that ship, prints one, or checks one.

use std::path::Path;

use crate::cli::ProfilesArgs;
use crate::exit::Exit;
use crate::output::{Listing, Printer};
use crate::scan::{DEFAULT_PROFILE, Known, Profile, Relation};
use crate::text::similar::did_you_mean;

use super::interrupt::Interrupt;
use super::rules::{print, show};
use super::{Error, profile_check};

/// Lists the profiles, prints one, or checks one.
pub(super) async fn run(args: ProfilesArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    match (&args.name, &args.check) {
        (_, Some(check)) => profile_check::run(check, &args, interrupt, printer).await,
        (Some(name), None) => match Profile::shipped().find(|(shipped, _)| shipped == name) {
            Some((_, text)) => print(text),
            None => Err(unknown(name)),
        },
        (None, None) => show(&listing()?),
    }
}

/// What stands in the place of a header that a profile lacks.
const UNSAID: &str = "-";

fn listing() -> Result<Listing, Error> {
    let mut listing = Listing::new(&["profile", "offers", "can be deleted by", "known by", "reads"]);
    for (name, _) in Profile::shipped() {
        let profile = Profile::load(name)?;
        let offered = Relation::ALL.into_iter().filter(|relation| profile.offers(*relation));
        let offered: Vec<&str> = offered.map(Relation::as_str).collect();
        let default = if name == DEFAULT_PROFILE { " (the default)" } else { "" };
        let deleted_by = match profile.admin_paths.as_deref() {
            None => UNSAID.to_owned(),
            Some([]) => "nothing".to_owned(),
            Some(paths) => profile_check::listed(paths),
        };
        let known_by = profile.known.map_or(UNSAID, Known::as_str).to_owned();
        listing.add([profile.name, offered.join(", "), deleted_by, known_by, format!("{}{default}", profile.title)]);
    }
    Ok(listing)
}

fn unknown(name: &str) -> Error {
    let hint = if Path::new(name).exists() {
        format!("to look at a file of your own: halfbuilt profiles --check {name}")
    } else {
        did_you_mean(name, Profile::shipped().map(|(name, _)| name))
    };
    Error::UnknownProfile { name: name.to_owned(), hint }
}
