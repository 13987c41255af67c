//! `halfbuilt sql`: lists the files for an administrator, or prints one.

use crate::cli::SqlArgs;
use crate::exit::Exit;
use crate::output::Listing;
use crate::sql::{ADMINISTRATOR_FILES, AdministratorFile};
use crate::text::similar::did_you_mean;

use super::Error;
use super::rules::{print, show};

/// Lists the files, or prints one.
pub(super) fn run(args: &SqlArgs) -> Result<Exit, Error> {
    let Some(name) = &args.name else { return show(&listing()) };
    match ADMINISTRATOR_FILES.iter().find(|file| file.name == name) {
        Some(file) => print(file.text),
        None => Err(unknown(name)),
    }
}

fn listing() -> Listing {
    let mut listing = Listing::new(&["file", "what it does"]);
    for file in &ADMINISTRATOR_FILES {
        listing.add([file.name.to_owned(), what_it_does(file)]);
    }
    listing
}

/// The first sentence of its line `-- What:`, up to a colon or its end.
fn what_it_does(file: &AdministratorFile) -> String {
    let what = file.text.lines().find_map(|line| line.strip_prefix("-- What:")).unwrap_or_default();
    what.trim().trim_end_matches(['.', ':', ',']).to_owned()
}

fn unknown(name: &str) -> Error {
    Error::UnknownSqlFile {
        name: name.to_owned(),
        hint: did_you_mean(name, ADMINISTRATOR_FILES.iter().map(|file| file.name)),
    }
}
