//! Runs lists: which of them apply, what each item comes to.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use jiff::Timestamp;

use crate::text::{Foreign, counted};

use super::host_name;
use super::list::{Item, List, Probe};
use super::look::{Context, Look};
use super::machine::{self, Metadata};
use super::outcome::{CheckedItem, Checklist, Fault, ItemOutcome, LEFT_OUT};
use super::probe;
use super::probe::objects::Objects;
use super::tree::{Tree, is_absent};
use super::web::Web;

/// How many things are named that one item found.
const FAULTS_NAMED: usize = 50;
/// How many lines of what was seen are kept.
const SEEN: usize = 50;

/// What to look at, and what the operator knows.
#[derive(Clone, Debug, Default)]
pub struct ChecklistRequest {
    /// The lists: those that the operator named, or those that ship.
    pub lists: Vec<List>,
    /// Whether the operator named them: then they apply.
    pub lists_are_named: bool,
    /// A folder to look at instead of this machine.
    pub root: Option<PathBuf>,
    /// What `kubectl get -o json` said.
    pub saved: Vec<PathBuf>,
    pub backup: Option<Timestamp>,
    pub restored: Option<Timestamp>,
    /// Addresses that the machine has besides those of its interfaces.
    pub addresses: Vec<IpAddr>,
    pub public: Option<IpAddr>,
    /// The host name by which people reach the CI.
    pub host: Option<String>,
    /// Items that are left out.
    pub without: Vec<String>,
}

/// Why a checklist could not be run at all.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChecklistError {
    /// The folder cannot be opened.
    #[error("cannot look below {}", root.display())]
    Root { root: PathBuf, source: std::io::Error },
    /// No list has such an item.
    #[error("no list has an item {name:?}")]
    NoSuchItem { name: String, items: Vec<String> },
}

impl ChecklistError {
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::Root { .. } => Some("--root expects the folder that has the machine's etc/ in it".to_owned()),
            Self::NoSuchItem { items, .. } => Some(format!("its items are {}", items.join(", "))),
        }
    }
}

/// Looks at every item. `on_item` hears of each before it is looked at.
///
/// # Errors
/// Nothing could be looked at.
pub async fn run<W: Web>(
    request: ChecklistRequest,
    web: &W,
    on_item: impl Fn(&Item),
) -> Result<Checklist, ChecklistError> {
    check_left_out(&request)?;
    let began_at = Timestamp::now();
    let root = request.root.clone();
    let opened = Tree::open(root.as_deref());
    let tree = opened.map_err(|source| ChecklistError::Root { root: root.clone().unwrap_or_default(), source })?;
    let applying: Vec<&List> =
        request.lists.iter().filter(|list| request.lists_are_named || applies(list, &tree, &request)).collect();
    let context = Arc::new(context(&request, tree, &applying, web, began_at).await);
    let mut items = Vec::new();
    for list in &applying {
        for item in &list.items {
            on_item(item);
            let outcome = match request.without.contains(&item.name) {
                true => ItemOutcome::NotNeeded { why: Foreign::new(LEFT_OUT) },
                false => of_item(item, &context, web).await,
            };
            items.push(CheckedItem {
                list: list.name.clone(),
                name: item.name.clone(),
                title: Foreign::evidence(&item.title),
                why: Foreign::evidence(&item.why),
                outcome,
            });
        }
    }
    Ok(Checklist {
        root: root.map(|root| root.display().to_string()),
        machine: context.machine.as_deref().map(Foreign::name),
        began_at,
        backup: request.backup,
        restored: request.restored,
        lists: applying.iter().map(|list| (list.name.clone(), Foreign::name(&list.title))).collect(),
        items,
    })
}

/// A mistyped name leaves nothing out in silence.
fn check_left_out(request: &ChecklistRequest) -> Result<(), ChecklistError> {
    let items = || request.lists.iter().flat_map(|list| &list.items).map(|item| item.name.clone());
    match request.without.iter().find(|name| !items().any(|item| item == **name)) {
        Some(name) => Err(ChecklistError::NoSuchItem { name: name.clone(), items: items().collect() }),
        None => Ok(()),
    }
}

fn applies(list: &List, tree: &Tree, request: &ChecklistRequest) -> bool {
    let is_there = |path: &String| match tree.find(path) {
        Ok(_) => true,
        // What may not be looked at may be there.
        Err(error) => !is_absent(&error),
    };
    let is_of_cluster = list.items.iter().any(Item::reads_kubernetes);
    match is_of_cluster {
        true => !request.saved.is_empty() || (request.root.is_some() && list.applies_where.iter().any(is_there)),
        false => list.applies_where.is_empty() || list.applies_where.iter().any(is_there),
    }
}

async fn context<W: Web>(request: &ChecklistRequest, tree: Tree, lists: &[&List], web: &W, now: Timestamp) -> Context {
    let service = lists.iter().find_map(|list| list.metadata.as_ref());
    let metadata = match service {
        _ if !tree.is_this_machine() => Err("with --root no metadata service is asked".to_owned()),
        None => Err("the list names no metadata service".to_owned()),
        Some(service) => Metadata::ask(service, web).await,
    };
    let files = request.saved.clone();
    let read = tokio::task::spawn_blocking(move || Objects::of_files(&files));
    let saved = read.await.unwrap_or_default();
    let interfaces = match tree.is_this_machine() {
        true => machine::addresses().map_err(|why| format!("the machine's addresses are not known: {why}")),
        false if request.addresses.is_empty() && request.public.is_none() => {
            Err("with --root the machine's addresses are not known: --address and --public-ip say them".to_owned())
        }
        false => Ok(Vec::new()),
    };
    let of_metadata = metadata.as_ref().ok().and_then(|metadata| metadata.public);
    let given = request.addresses.iter().chain(&request.public).chain(&of_metadata).copied();
    let addresses = interfaces.map(|own| own.into_iter().chain(given).collect());
    let machine = match tree.is_this_machine() {
        true => machine::host_name(),
        false => tree.read("/etc/hostname").ok().map(|name| String::from_utf8_lossy(&name).trim().to_owned()),
    };
    Context {
        tree,
        addresses,
        knows_public: request.public.is_some() || metadata.as_ref().is_ok_and(|metadata| metadata.knows_public),
        metadata,
        machine: machine.filter(|name| !name.is_empty()),
        host: request.host.as_deref().and_then(host_name::plain),
        found_host: OnceLock::new(),
        backup: request.backup,
        restored: request.restored,
        now,
        saved,
    }
}

/// The first probe that sees something decides.
async fn of_item<W: Web>(item: &Item, context: &Arc<Context>, web: &W) -> ItemOutcome {
    let (mut blind, mut nothing) = (Vec::new(), Vec::new());
    for probe in &item.probes {
        match look(probe, context, web).await {
            Look::Right(seen) => {
                return ItemOutcome::Right {
                    seen: seen.iter().take(SEEN).map(|line| Foreign::evidence(line)).collect(),
                };
            }
            Look::ToDo(mut faults) => {
                let more = faults.len().saturating_sub(FAULTS_NAMED);
                faults.truncate(FAULTS_NAMED);
                if more > 0 {
                    faults.push(Fault::new(format!("and {}", counted(more as u64, "more thing"))));
                }
                return ItemOutcome::ToDo {
                    faults,
                    todo: item.todo.iter().map(|line| Foreign::evidence(line)).collect(),
                };
            }
            Look::Blind(why) => blind.push(why),
            Look::Nothing(why) => nothing.push(why),
        }
    }
    match blind.is_empty() {
        true => ItemOutcome::NotNeeded { why: Foreign::evidence(&nothing.join("; ")) },
        false => ItemOutcome::NotChecked { why: Foreign::cut(&blind.join("; "), 1500) },
    }
}

async fn look<W: Web>(probe: &Probe, context: &Arc<Context>, web: &W) -> Look {
    match probe {
        Probe::File(file) => probe::file::look(file, context).await,
        Probe::Mount(mount) => {
            let (mount, context) = (mount.clone(), Arc::clone(context));
            let looked = probe::disk::blocking_value(move || probe::mount::look(&mount, &context)).await;
            looked.unwrap_or_else(Look::Blind)
        }
        Probe::Command(command) => probe::command::look(command, context).await,
        Probe::Url(url) => probe::url::look(url, context, web).await,
        Probe::Time(time) => probe::time::look(time, context, web).await,
    }
}
