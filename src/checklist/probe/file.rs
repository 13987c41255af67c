//! Looks at files.

use std::net::IpAddr;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use crate::checklist::addresses::{Mentions, in_words, is_private, mentions};
use crate::checklist::certificate::Certificate;
use crate::checklist::list::{FileProbe, FileTest, Moment, TextTest};
use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::checklist::tree::is_absent;
use crate::duration::in_words as length_in_words;

use super::disk::{blocking_value, unread, written};
use super::text::{self, Source};
use super::{certificate, kubernetes};

/// How many files below a folder are looked at for their times.
const FILES: usize = 10_000;
/// How deep.
const DEPTH: usize = 16;

/// Looks at files. What waits for a disk or a network mount waits in here.
pub(in crate::checklist) async fn look(probe: &FileProbe, context: &Arc<Context>) -> Look {
    if let FileTest::Kubernetes(test) = probe.test {
        let (probe, context) = (probe.clone(), Arc::clone(context));
        return blocking(move || kubernetes::look(&probe, test, &context)).await;
    }
    let (files, mut unseen) = {
        let (probe, context) = (probe.clone(), Arc::clone(context));
        match blocking_value(move || files(&probe, &context)).await {
            Ok(found) => found,
            Err(why) => return Look::Blind(why),
        }
    };
    let named: Vec<String> = probe.paths.iter().map(|path| context.tree.shown(path)).collect();
    if files.is_empty() && unseen.is_empty() {
        let none = format!("not there: {}", named.join(", "));
        return Look::missing(probe.missing, none);
    }
    let (mut faults, mut seen) = (Vec::new(), Vec::new());
    let test = Arc::new(probe.test.clone());
    for path in files {
        let look = match probe.test.clone() {
            FileTest::Text(test) => of_text(path, test, context).await,
            _ => {
                let (test, context) = (Arc::clone(&test), Arc::clone(context));
                blocking(move || of_file(&path, &test, &context)).await
            }
        };
        match look {
            Look::Right(lines) => seen.extend(lines),
            Look::ToDo(found) => faults.extend(found),
            Look::Blind(why) => unseen.push(why),
            Look::Nothing(why) => seen.push(why),
        }
    }
    // Of several places that a text may be in, one is enough.
    if matches!(probe.test, FileTest::Present | FileTest::Text(TextTest::Holds(_))) && !seen.is_empty() {
        return Look::Right(seen);
    }
    Look::all(faults, unseen, seen)
}

/// The files that are there, and why some may be there unseen.
fn files(probe: &FileProbe, context: &Context) -> (Vec<String>, Vec<String>) {
    let (mut there, mut unseen) = (Vec::new(), Vec::new());
    for path in &probe.paths {
        match context.tree.paths(path) {
            Ok(found) => there.extend(found.into_iter().map(|found| (found != *path, found))),
            // A fault elsewhere counts all the same.
            Err(error) => unseen.push(unread(context, path, &error)),
        }
    }
    let reads = matches!(probe.test, FileTest::Text(_) | FileTest::Addresses { .. });
    there.retain(|(is_by_pattern, path)| match context.tree.find(path) {
        // A pattern is of the files in a folder.
        Ok(found) => !(*is_by_pattern && reads && found.metadata.is_dir()),
        Err(error) => !is_absent(&error),
    });
    (there.into_iter().map(|(_, path)| path).collect(), unseen)
}

async fn of_text(path: String, test: TextTest, context: &Arc<Context>) -> Look {
    let name = context.tree.shown(&path);
    let bytes = {
        let (path, context) = (path.clone(), Arc::clone(context));
        blocking_value(move || context.tree.read(&path).map_err(|error| unread(&context, &path, &error))).await
    };
    match bytes.and_then(|bytes| bytes) {
        Ok(bytes) => text::test(&bytes, &test, Source { name: &name, is_file: true, show: &[] }, context).await,
        Err(why) => Look::Blind(why),
    }
}

fn of_file(path: &str, test: &FileTest, context: &Context) -> Look {
    let name = context.tree.shown(path);
    let read = || context.tree.read(path).map_err(|error| unread(context, path, &error));
    match test {
        FileTest::Absent => match context.tree.find(path) {
            Ok(_) => Look::ToDo(vec![Fault::new("it is there").at(&name, None)]),
            Err(error) => Look::Blind(unread(context, path, &error)),
        },
        FileTest::Addresses { except } => match read() {
            Ok(bytes) => of_addresses(&bytes, &name, except, context),
            Err(why) => Look::Blind(why),
        },
        FileTest::NewerThan { moments, tolerance } => newer(path, moments, *tolerance, context),
        FileTest::Certificate { holds_for } => {
            match read().and_then(|bytes| Certificate::from_pem(&bytes).map_err(|why| format!("{name}: {why}"))) {
                Ok(found) => certificate::test(&found, &name, *holds_for, context),
                Err(why) => Look::Blind(why),
            }
        }
        // Text is tested elsewhere, since a name in it may have to be looked up, and so is what Kubernetes says.
        FileTest::Present | FileTest::Text(_) | FileTest::Kubernetes(_) => match context.tree.find(path) {
            Ok(_) => Look::right(format!("{name} is there")),
            Err(error) => Look::Blind(unread(context, path, &error)),
        },
    }
}

fn of_addresses(bytes: &[u8], name: &str, except: &[IpAddr], context: &Context) -> Look {
    let Mentions { found: mentions, unseen: hidden } = mentions(bytes);
    let own = match &context.addresses {
        Ok(own) => own,
        Err(_) if mentions.is_empty() && hidden.is_none() => return Look::right(format!("{name} names no address")),
        Err(why) => {
            let mut named: Vec<IpAddr> = mentions.iter().map(|found| found.address).collect();
            named.sort_unstable();
            named.dedup();
            let hidden = hidden.map_or_else(String::new, |why| format!("; {why}"));
            return Look::Blind(format!("{name} names {}; {why}{hidden}", in_words(&named)));
        }
    };
    let is_known = |address: &IpAddr| own.contains(&address.to_canonical()) || except.contains(address);
    let mut faults = Vec::new();
    let mut unseen: Vec<String> = hidden.map(|why| format!("{name}: {why}")).into_iter().collect();
    for found in mentions.iter().filter(|found| !is_known(&found.address)) {
        let (address, line) = (found.address, found.line);
        if is_private(&address) || context.knows_public {
            let what = format!(
                "{address} is no address of this machine: if it is the old machine's, change it (this one has {})",
                in_words(own)
            );
            faults.push(Fault::new(what).at(name, Some(line)));
        } else {
            unseen.push(format!("{name}, line {line}: is {address} the machine's public address? --public-ip says it"));
        }
    }
    let (number, ending) = (mentions.len(), if mentions.len() == 1 { "" } else { "es" });
    let seen = format!("{name}: {number} address{ending}, all of this machine");
    Look::all(faults, unseen, vec![seen])
}

/// Whether nothing of what lies at a path is older than the restore.
fn newer(path: &str, moments: &[Moment], tolerance: SignedDuration, context: &Context) -> Look {
    let name = context.tree.shown(path);
    let (oldest, unseen) = oldest(path, context);
    let Some((written, path)) = oldest else { return Look::Blind(unseen.unwrap_or_default()) };
    let (moment, named) = match context.moment(moments) {
        Ok(moment) => moment,
        Err(why) => {
            return Look::Blind(format!("{name} is there, its oldest file was written at {written:.0}; {why}"));
        }
    };
    if written < moment.saturating_sub(tolerance).unwrap_or(Timestamp::MIN) {
        let age = length_in_words(moment.duration_since(written));
        let what = format!("written at {written:.0}, {age} before {named}: it was left over by the old machine");
        return Look::ToDo(vec![Fault::new(what).at(&context.tree.shown(&path), None)]);
    }
    match unseen {
        Some(why) => Look::Blind(why),
        None => Look::right(format!("{name} was made anew: nothing in it is older than {written:.0}")),
    }
}

/// The oldest of what lies at a path, as far as it can be seen, and why not all of it could be.
fn oldest(path: &str, context: &Context) -> (Option<(Timestamp, String)>, Option<String>) {
    let (mut oldest, mut unseen) = (None::<(Timestamp, String)>, None);
    let mut open = vec![(path.to_owned(), 0)];
    let mut files = 0;
    while let Some((path, depth)) = open.pop() {
        files += 1;
        if files > FILES || depth > DEPTH {
            let name = context.tree.shown(&path);
            unseen = Some(format!("not all was looked at: {name} is beyond {FILES} files or {DEPTH} folders"));
            break;
        }
        let found = match context.tree.find(&path) {
            Ok(found) => found,
            // A scheduler that works removes files.
            Err(error) if is_absent(&error) => continue,
            Err(error) => {
                unseen = Some(unread(context, &path, &error));
                continue;
            }
        };
        if found.metadata.is_dir() {
            match found.names_of_no_links() {
                Ok(names) => open.extend(names.into_iter().map(|name| (format!("{path}/{name}"), depth + 1))),
                Err(error) => unseen = Some(unread(context, &path, &error)),
            }
        }
        let Some(written) = written(&found.metadata) else { continue };
        if oldest.as_ref().is_none_or(|(oldest, _)| written < *oldest) {
            oldest = Some((written, path));
        }
    }
    (oldest, unseen)
}

async fn blocking(work: impl FnOnce() -> Look + Send + 'static) -> Look {
    blocking_value(work).await.unwrap_or_else(Look::Blind)
}
