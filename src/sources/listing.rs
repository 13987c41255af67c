//! Reads a list of builds, page by page, while it changes: nothing that was there all the time is lost, and nothing is doubled.
//!
//! Pages are cut by offset, and the newest builds come first, approximately. New builds push others to later pages: those come twice, which
//! does no harm. Builds that vanish pull others to earlier pages, past the one that was just read: so pages overlap, and where the end of the
//! page before is not found in the next one, the reading goes back. Only an empty page is the end, since a server may give shorter pages
//! than it was asked for.

use serde_json::{Map, Value};

use jiff::Timestamp;

use super::answer::Fault;
use super::api::{Api, Ask};
use super::error::CollectError;
use super::json_text::for_jsonb;
use super::store::Store;

/// How many builds of a page are asked for: the most that v1.1 gives.
const PAGE: u64 = 100;
/// By how many builds two pages overlap.
const OVERLAP: u64 = 5;
/// After so many pages of builds that are all too old, no younger one follows: the order is only approximate.
const OLD_PAGES: u32 = 10;
/// How often one reading goes back at most.
const STEPS_BACK: u32 = 100;
/// The members of an entry that are kept.
const MEMBERS: [&str; 10] = [
    "build_url",
    "lifecycle",
    "status",
    "outcome",
    "queued_at",
    "usage_queued_at",
    "start_time",
    "stop_time",
    "canceled",
    "dont_build",
];

/// Which builds a list has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum List {
    /// All of the server, which an administrator may see.
    Whole,
    /// Those of the projects that the token's user follows.
    Followed,
}

/// When a reading ends before the list does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Until {
    /// Not at all.
    TheEnd,
    /// Where all builds are too old.
    TheWindow,
    /// Where nothing is new.
    NothingNew,
}

/// What one reading brought.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sweep {
    /// Builds that are new to the collection, or have changed.
    pub(super) changed: u64,
    /// Entries without an address.
    pub(super) nameless: u64,
    /// Whether the list changed faster than it could be read.
    pub(super) is_unsure: bool,
}

/// Reads lists of builds.
pub(super) struct Reader<'a> {
    pub(super) api: &'a Api,
    pub(super) store: &'a mut Store,
    pub(super) collection: i64,
    pub(super) since: Option<Timestamp>,
    pub(super) list: List,
    /// When this run began. A list whose end runs away is not followed into builds that were asked for later.
    pub(super) began: Timestamp,
    /// Hears of the number of builds of each page.
    pub(super) on_page: &'a dyn Fn(u64),
}

/// A page: what is kept of it, and the addresses of its builds.
struct Page {
    json: String,
    addresses: Vec<String>,
    entries: u64,
    /// The earliest time at which a build of it was asked for, to the second; `None` where one does not say.
    first_asked_for: Option<String>,
}

impl Reader<'_> {
    /// Reads a list once. `filter` is what its address has besides, such as `&status=running`.
    pub(super) async fn sweep(&mut self, filter: &str, until: Until) -> Result<Sweep, CollectError> {
        let mut sweep = Sweep::default();
        let began = self.began.strftime("%Y-%m-%dT%H:%M:%S").to_string();
        let (mut offset, mut tail): (u64, Vec<String>) = (0, Vec::new());
        let (mut steps_back, mut old_pages, mut looks_back) = (0, 0, false);
        loop {
            let page = self.page(filter, offset).await?;
            if page.entries == 0 {
                if offset == 0 || looks_back {
                    return Ok(sweep);
                }
                // The list may have become shorter, past what was not read yet.
                (offset, looks_back) = (offset.saturating_sub(PAGE), true);
                continue;
            }
            let listed = self.store.list(self.collection, page.json, self.since).await?;
            sweep.changed += listed.changed;
            sweep.nameless += page.entries.saturating_sub(page.addresses.len() as u64);
            let overlaps = tail.is_empty() || page.addresses.iter().any(|address| tail.contains(address));
            if !overlaps && listed.changed > 0 && offset > 0 {
                steps_back += 1;
                if steps_back > STEPS_BACK {
                    return Ok(Sweep { is_unsure: true, ..sweep });
                }
                (offset, looks_back) = (offset.saturating_sub(PAGE - OVERLAP), false);
                continue;
            }
            old_pages = if listed.wanted == 0 { old_pages + 1 } else { 0 };
            let is_later = page.first_asked_for.is_some_and(|first| first > began);
            let is_done = match until {
                // Of a list in the order of age alone: the whole list has the latest first.
                Until::TheEnd if is_later && !filter.is_empty() => true,
                Until::TheEnd => false,
                Until::TheWindow => old_pages >= OLD_PAGES,
                Until::NothingNew => listed.changed == 0,
            };
            // New builds push the end away as fast as it is read: two pages that end with the same build end where the list does.
            let ends_alike = tail.last().is_some_and(|last| page.addresses.last() == Some(last));
            if is_done || ends_alike || looks_back && listed.changed == 0 {
                return Ok(sweep);
            }
            looks_back = false;
            offset += if page.entries > OVERLAP { page.entries - OVERLAP } else { page.entries };
            let first = page.addresses.len().saturating_sub(OVERLAP as usize);
            tail = page.addresses[first..].to_vec();
        }
    }

    async fn page(&self, filter: &str, offset: u64) -> Result<Page, CollectError> {
        let list = match self.list {
            List::Whole => "/api/v1/admin/recent-builds",
            List::Followed => "/api/v1.1/recent-builds",
        };
        let path = format!("{list}?limit={PAGE}&offset={offset}{filter}");
        let failed = |fault| CollectError::List(Box::new(fault));
        let body = self.api.get(&path, Ask::PAGE).await.map_err(failed)?;
        let page = read_page(&body.bytes).map_err(failed)?;
        (self.on_page)(page.entries);
        Ok(page)
    }
}

/// The addresses of the builds of a page.
pub(super) fn addresses(bytes: &[u8]) -> Result<Vec<String>, Fault> {
    read_page(bytes).map(|page| page.addresses)
}

/// Reads a page of the list, and keeps what is needed of each entry.
fn read_page(bytes: &[u8]) -> Result<Page, Fault> {
    let unexpected = |what: String| Fault::Unexpected(what);
    let text = std::str::from_utf8(bytes).map_err(|_| unexpected("the list of builds is no UTF-8".to_owned()))?;
    let entries: Vec<Value> = match serde_json::from_str(&for_jsonb(text)) {
        Ok(Value::Array(entries)) => entries,
        Ok(_) => return Err(unexpected("the list of builds is no JSON array".to_owned())),
        Err(error) => return Err(unexpected(format!("the list of builds is no JSON: {error}"))),
    };
    let number = entries.len() as u64;
    let kept: Vec<Map<String, Value>> = entries
        .into_iter()
        .filter_map(|entry| match entry {
            Value::Object(entry) if entry.get("build_url").is_some_and(Value::is_string) => Some(entry),
            _ => None,
        })
        .map(|entry| entry.into_iter().filter(|(name, _)| MEMBERS.contains(&name.as_str())).collect())
        .collect();
    let addresses = kept.iter().filter_map(|entry| entry["build_url"].as_str().map(str::to_owned)).collect();
    let asked_for = |entry: &Map<String, Value>| {
        let times =
            ["queued_at", "usage_queued_at", "start_time"].into_iter().filter_map(|name| entry.get(name)?.as_str());
        times.filter_map(|time| time.get(..19)).min().map(str::to_owned)
    };
    let first_asked_for: Option<Vec<String>> = kept.iter().map(asked_for).collect();
    let first_asked_for = first_asked_for.and_then(|times| times.into_iter().min());
    let json = serde_json::to_string(&kept).map_err(|error| unexpected(error.to_string()))?;
    // What was read is text now, and may hold the character 0.
    Ok(Page { json: for_jsonb(&json).into_owned(), addresses, entries: number, first_asked_for })
}

/// What is kept of a page, for the fuzz targets.
#[cfg(feature = "fuzzing")]
pub(super) fn kept_of_page(bytes: &[u8]) -> Result<String, Fault> {
    read_page(bytes).map(|page| page.json)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_what_is_needed() {
        let page = read_page(br#"[{"build_url":"u","status":"a\u0000","subject":"secret"},{"status":"x"},7]"#)
            .expect("a page");
        assert_eq!(page.json, r#"[{"build_url":"u","status":"a\ufffd"}]"#.replace("\\ufffd", "\u{fffd}"));
        assert_eq!((page.addresses, page.entries), (vec!["u".to_owned()], 3));
    }

    #[test]
    fn what_is_no_list_is_refused() {
        for (body, fault) in [
            (b"{}".as_slice(), "the list of builds is no JSON array"),
            (b"[", "the list of builds is no JSON: EOF while parsing a list at line 1 column 1"),
            (b"\xff", "the list of builds is no UTF-8"),
        ] {
            assert_eq!(read_page(body).err().expect("a fault").to_string(), fault);
        }
    }
}
