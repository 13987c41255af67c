//! Reads a list from its TOML. Anything unknown in it is an error, so that a mistyped key does not pass for an item that is right.

use serde::Deserialize;
use toml::Spanned;

use crate::text::Foreign;

use super::list::{Item, List, Probe, SHIPPED, TimeProbe, TimeSource};
use super::section::{Section, parse_url};
use super::web::stays_here;

/// The format, in the first line.
const FORMAT: &str = "halfbuilt-items/1";
/// The most items of a list, and the most probes of one.
const MOST: usize = 1000;

/// Why a list cannot be used, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}, line {line}: {why}")]
pub struct ListError {
    name: String,
    line: usize,
    why: Foreign,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Sections {
    format: Spanned<String>,
    title: String,
    #[serde(default)]
    applies_where: Vec<String>,
    metadata: Option<Spanned<String>>,
    item: Vec<Spanned<ItemSection>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ItemSection {
    name: String,
    title: String,
    why: String,
    #[serde(rename = "do")]
    todo: Vec<String>,
    look: Vec<Spanned<Section>>,
}

impl ListError {
    pub fn hint(&self) -> String {
        "`halfbuilt help checklist` explains the keys, and `halfbuilt checklist --print circleci-2` shows a list"
            .to_owned()
    }
}

impl List {
    /// The list of this name that ships.
    #[must_use]
    pub fn shipped(name: &str) -> Option<&'static str> {
        SHIPPED.iter().find(|(shipped, _)| *shipped == name).map(|(_, text)| *text)
    }

    /// Reads a list. Errors name `name`, which is also its name.
    ///
    /// # Errors
    /// The first thing that is not valid, with its line.
    pub fn parse(name: &str, text: &str) -> Result<Self, ListError> {
        let wrong = |at: usize, why: &str| {
            let before = text.get(..at.min(text.len())).unwrap_or(text);
            let line = before.matches('\n').count() + 1;
            ListError { name: name.to_owned(), line, why: Foreign::evidence(why) }
        };
        let sections: Sections =
            toml::from_str(text).map_err(|error| wrong(error.span().map_or(0, |span| span.start), error.message()))?;
        if sections.format.get_ref() != FORMAT {
            return Err(wrong(sections.format.span().start, &format!("format: expected {FORMAT:?}")));
        }
        let ships = Self::shipped(name).is_some_and(|shipped| shipped == text);
        let metadata = sections.metadata.map(|url| {
            let at = url.span().start;
            let url = parse_url(url.get_ref()).map_err(|why| wrong(at, &format!("metadata: {why}")))?;
            match stays_here(&url) {
                true => Ok(url),
                false => Err(wrong(at, "metadata: only an address of this machine or link-local has that service")),
            }
        });
        let metadata = metadata.transpose()?;
        if sections.item.is_empty() || sections.item.len() > MOST {
            return Err(wrong(0, &format!("a list has 1 to {MOST} items")));
        }
        let mut items: Vec<Item> = Vec::new();
        for section in sections.item {
            let at = section.span().start;
            let ItemSection { name, title, why, todo, look } = section.into_inner();
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            if name.is_empty() || !name.chars().all(is_word) {
                return Err(wrong(at, &format!("name: {name:?} is no name: small letters, digits and - make one")));
            }
            if items.iter().any(|item| item.name == name) {
                return Err(wrong(at, &format!("name: {name} is the name of an earlier item")));
            }
            if todo.is_empty() || todo.iter().any(|line| line.trim().is_empty()) {
                return Err(wrong(at, &format!("{name}: do: it says nothing")));
            }
            if look.is_empty() || look.len() > MOST {
                return Err(wrong(at, &format!("{name}: it has no [[item.look]], so nothing could be seen")));
            }
            let mut probes = Vec::new();
            for section in look {
                let at = section.span().start;
                let probe = section.into_inner().probe().and_then(|probe| match stays_in_place(&probe, ships) {
                    true => Ok(probe),
                    false => Err("a list that ships asks this machine alone".to_owned()),
                });
                probes.push(probe.map_err(|why| wrong(at, &format!("{name}: {why}")))?);
            }
            items.push(Item { name, title, why, todo, probes });
        }
        let Sections { title, applies_where, .. } = sections;
        Ok(Self { name: name.to_owned(), title, applies_where, metadata, items })
    }
}

fn stays_in_place(probe: &Probe, ships: bool) -> bool {
    match probe {
        Probe::Url(url) | Probe::Time(TimeProbe { of: TimeSource::Url { url, .. }, .. }) if ships => {
            stays_here(&url.url)
        }
        _ => true,
    }
}

#[cfg(test)]
#[path = "list_tests.rs"]
mod tests;
