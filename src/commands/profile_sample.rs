//! The rows that `halfbuilt profiles --check` shows: one of each relation, and which builds have an address by which they can be deleted.

use crate::output::Listing;
use crate::scan::{Addresses, Sample};
use crate::text::{Foreign, builds, grouped};

use super::profile_faults::add_faults;

/// One row of each relation, a column a line; empty where none was read.
pub(super) fn examples(sample: Option<&Sample>) -> String {
    let Some(sample) = sample else { return String::new() };
    let mut shown = String::new();
    for example in &sample.examples {
        let mut listing = Listing::new(&[&format!("a row of relation {}", example.relation)]);
        match &example.row {
            Ok(Some(row)) => row.iter().for_each(|(column, value)| {
                listing.note(&format!("{column} = {}", shown_value(value.as_deref())));
            }),
            Ok(None) => listing.note("there is none"),
            Err(fault) => add_faults(&mut listing, std::slice::from_ref(fault)),
        }
        shown += &format!("\n{listing}");
    }
    if let Some(why) = &sample.without_row_versions {
        shown += &format!("\nthe versions of builds' rows are not read: {why}\n");
    }
    shown
}

/// Quotes show a text that reads `NULL`, and an empty one.
fn shown_value(value: Option<&str>) -> String {
    match value {
        None => "NULL".to_owned(),
        Some(text) if text.trim().is_empty() || text == "NULL" => format!("'{}'", Foreign::new(text)),
        Some(text) => Foreign::name(text).into(),
    }
}

/// How many addresses can be used to delete a build, and why the others cannot; empty where none was read.
pub(super) fn addresses(sample: Option<&Sample>) -> String {
    match sample.and_then(|sample| sample.addresses.as_ref()) {
        None => String::new(),
        Some(Ok(addresses)) => format!("\n{}", judged(addresses)),
        Some(Err(fault)) => {
            let mut listing = Listing::new(&["which addresses can be used for deletion is not known"]);
            add_faults(&mut listing, std::slice::from_ref(fault));
            format!("\n{listing}")
        }
    }
}

fn judged(addresses: &Addresses) -> String {
    let Addresses { looked_at, usable, are_more, unusable } = addresses;
    if *looked_at == 0 {
        return "there is no build, so no address was judged\n".to_owned();
    }
    let first = if *are_more { "the first " } else { "" };
    let noun = if *looked_at == 1 { "address" } else { "addresses" };
    let mut said = format!("{} of {first}{} {noun} can be used for deletion\n", grouped(*usable), grouped(*looked_at));
    if *are_more {
        said += &format!("there are more than {}: no others were looked at\n", builds(*looked_at));
    }
    if !unusable.is_empty() {
        let mut listing = Listing::new(&["not usable because", "builds", "for example"]);
        for reason in unusable {
            listing.add([reason.why.clone(), grouped(reason.builds), reason.example.to_string()]);
        }
        said += &format!("\n{listing}");
    }
    said
}
