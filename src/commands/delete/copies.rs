//! Documents of builds are fetched again before they are read: what was collected an hour ago is no reason to delete anything.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use futures_util::{StreamExt, stream};

use crate::admin::{AdminPath, StoreLook};
use crate::build_url::BuildUrl;
use crate::causes::in_one_line;
use crate::commands::Error;
use crate::commands::fetching::Documents;
use crate::database::DatabaseIdentity;
use crate::deletion::{CopyState, Freshened, Freshener, Planned};
use crate::output::Printer;
use crate::scan::ScanPlan;
use crate::sources::{Address, Refetched, Refetcher};
use crate::text::{Foreign, builds as builds_in_words};

use super::gates::check_database;
use super::origin::Origin;
use super::planning::Plan;
use super::request::DeleteRequest;
use super::server_store::{STORE, ServerStore};

/// How many projects a warning names.
const NAMED: usize = 5;

/// Fetches builds again, or, in a dry run without a token, does not.
pub(super) struct Copies {
    refetcher: Option<Refetcher>,
    /// The server's own store, once the admin path is open.
    server_store: RefCell<Option<Rc<ServerStore>>>,
    /// The projects in which the server's answers alone prove nothing.
    alone: RefCell<BTreeSet<String>>,
}

impl Copies {
    fn by(refetcher: Option<Refetcher>) -> Self {
        Self { refetcher, server_store: RefCell::default(), alone: RefCell::default() }
    }

    /// Says in which projects no other build is known than those that are to be deleted: what the server answers proves nothing there. Puts
    /// their builds last, so that the first deletion of all can be proved.
    ///
    /// # Errors
    /// The tables of documents cannot be read.
    pub(super) async fn put_unprovable_last(&self, plan: &mut Plan, printer: Printer) -> Result<(), Error> {
        let Some(refetcher) = &self.refetcher else { return Ok(()) };
        let deletions = || plan.builds.iter().filter(|planned| planned.is_deletion());
        let urls: Vec<&BuildUrl> = deletions().filter_map(|planned| planned.chosen.url.as_ref()).collect();
        let builds: Vec<Vec<String>> = urls.iter().map(|url| url.spellings()).collect();
        let alone = refetcher.projects_alone(&builds).await.map_err(Box::new)?;
        let is_alone = |planned: &Planned| {
            planned
                .chosen
                .url
                .as_ref()
                .is_some_and(|url| url.spellings().iter().any(|build| starts_with_any(build, &alone)))
        };
        let unprovable = deletions().filter(|planned| is_alone(planned)).count() as u64;
        if unprovable > 0 {
            let named: Vec<String> =
                alone.iter().take(NAMED).map(|project| Foreign::url(project).to_string()).collect();
            let more = alone.len().saturating_sub(NAMED);
            let more = if more == 0 { String::new() } else { format!(" and {more} more projects") };
            printer.warn(&format!(
                "{}{more}: no build is known there but those that are to be deleted, so no answer of the server proves that these are gone: \
                 {} will end as `unknown`, unless the server's own store says that it has lost them ({STORE}, by nREPL or console)",
                named.join(", "),
                builds_in_words(unprovable)
            ));
            plan.builds.sort_by_key(is_alone);
        }
        self.alone.replace(alone);
        Ok(())
    }

    /// From now on the server's store is asked too, through its console; with `None` it is not any more.
    pub(super) fn ask_store(&self, admin: Option<Rc<AdminPath>>) {
        *self.server_store.borrow_mut() = admin.map(|admin| Rc::new(ServerStore::of(admin)));
    }

    /// What is known of a build by what the server answered, and by what its store has.
    async fn judge(
        &self,
        refetcher: &Refetcher,
        store: Option<&ServerStore>,
        build: &[String],
        by_api: Refetched,
    ) -> CopyState {
        match (by_api, store, build.first()) {
            (Refetched::There, Some(store), Some(build)) if self.is_alone(build) => {
                store.see(build).await;
                CopyState::Copied
            }
            (Refetched::There, ..) => CopyState::Copied,
            (Refetched::Gone, Some(store), Some(build)) => match store.look_up(build).await {
                StoreLook::There => {
                    CopyState::NotKnown(format!("404 Not Found, but the server's own store has it ({STORE})"))
                }
                StoreLook::Nothing | StoreLook::NoFunction | StoreLook::NotKnown(_) => CopyState::Gone,
            },
            (Refetched::Gone, ..) => CopyState::Gone,
            (Refetched::Unproved { build_url, why }, Some(store), Some(build)) => match store.has_lost(build).await {
                Ok(()) => match refetcher.note_gone(&build_url).await {
                    Ok(()) => CopyState::Gone,
                    Err(error) => CopyState::NotKnown(in_one_line(&error)),
                },
                Err(but) => CopyState::NotKnown(format!("{why}; {but}")),
            },
            (Refetched::Unproved { why, .. } | Refetched::NotKnown(why), ..) => CopyState::NotKnown(why),
        }
    }

    fn is_alone(&self, build: &str) -> bool {
        starts_with_any(build, &self.alone.borrow())
    }
}

impl Freshener for Copies {
    fn freshen(&self, builds: Vec<Vec<String>>) -> Freshened<'_> {
        Box::pin(async move {
            let Some(refetcher) = &self.refetcher else { return vec![CopyState::AsCollected; builds.len()] };
            let by_api = refetcher.refetch(&builds).await;
            let store = self.server_store.borrow().clone();
            let at_once = store.as_ref().map_or(1, |store| store.jobs());
            let judged =
                builds.iter().zip(by_api).map(|(build, by_api)| self.judge(refetcher, store.as_deref(), build, by_api));
            stream::iter(judged).buffered(at_once).collect().await
        })
    }
}

/// Whether a build is of one of these projects.
fn starts_with_any(build: &str, projects: &BTreeSet<String>) -> bool {
    projects.iter().any(|project| build.starts_with(project))
}

/// What fetches builds again, where the database holds documents of them. A dry run without a token reads what was collected, and says so.
///
/// # Errors
/// The server cannot be asked, or what it says cannot be stored.
pub(super) async fn refetcher(
    request: &DeleteRequest,
    (plan, origin, host): (&ScanPlan, &Origin, Option<&str>),
    printer: Printer,
) -> Result<Option<Copies>, Error> {
    if !plan.reads_documents() {
        return match &request.collected_from {
            Some(_) => Err(Error::Misuse {
                what: format!(
                    "--source is for builds that were collected, and profile {} reads others",
                    plan.profile_name()
                ),
                hint: "leave it out, or name the profile of what was collected: --profile circleci-api".to_owned(),
            }),
            None => Ok(None),
        };
    }
    let token = request.server.token()?;
    if token.is_none() && !request.execute {
        printer.warn(
            "no token: the builds are not fetched again, and the plan is by what was collected; --execute needs one",
        );
        return Ok(Some(Copies::by(None)));
    }
    if origin.tag.is_none() && host.is_none() {
        // Of a plain list of which nothing may be deleted, nothing says to which server the token may go.
        return Ok(Some(Copies::by(None)));
    }
    let documents = Documents::open(&request.reading).await?;
    check_source(&documents.source, origin, host, printer)?;
    if !may_ask(request, &documents)? {
        printer.warn(&format!(
            "the server to which the token may go was not named: the builds are not fetched again, and the plan is by what was collected \
             (--source {})",
            documents.source
        ));
        return Ok(Some(Copies::by(None)));
    }
    printer.say(&format!("each build is fetched again from {} before and after its deletion", documents.source));
    Ok(Some(Copies::by(Some(documents.refetcher(&request.server, token, printer).await?))))
}

/// Whether the token may go to the server that the documents are of: the operator has to name it, or its host by `--confirm`. A dry run does
/// without.
///
/// # Errors
/// Another server was named, or none, and builds are to be deleted.
fn may_ask(request: &DeleteRequest, documents: &Documents) -> Result<bool, Error> {
    let source = &documents.source;
    match &request.collected_from {
        Some(named) => documents.check_named(named).map(|()| true),
        None if request.reading.is_private() || request.confirm.as_deref() == Some(&source.host()) => Ok(true),
        None if !request.execute => Ok(false),
        None => Err(Error::Misuse {
            what: "the server to which the token may go was not named".to_owned(),
            hint: format!("the database says that its documents are of {source}; if that is so: --source {source}"),
        }),
    }
}

/// The token goes to the server that the documents are of, and a database says which that is. It has to be the report's; where there is no
/// report, that of the builds' own addresses.
fn check_source(address: &Address, origin: &Origin, host: Option<&str>, printer: Printer) -> Result<(), Error> {
    let source = address.host();
    if origin.tag.is_some() {
        check_database(&DatabaseIdentity::of_source(source.clone()), origin)?;
        if let Some(host) = host.filter(|host| *host != source) {
            printer
                .warn(&format!("the builds are on {host}, and their documents are of {source}: is that one server?"));
        }
        return Ok(());
    }
    match host {
        Some(host) if host != source => Err(Error::Misuse {
            what: format!("the builds are on {host}, and the documents are of {}", Foreign::url(&source)),
            hint: "delete by a report of these documents: halfbuilt scan -o report.csv".to_owned(),
        }),
        _ => Ok(()),
    }
}
