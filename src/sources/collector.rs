//! The story of a collection: list the builds, fetch their documents, and list again what has come meanwhile.

use std::cell::Cell;

use jiff::Timestamp;
use reqwest::StatusCode;
use tokio::sync::mpsc;

use crate::text::Foreign;

use super::answer::Fault;
use super::api::{Api, Ask};
use super::document::Document;
use super::error::CollectError;
use super::fetch::{Fetched, fetch_all};
use super::gone::{Look, prove};
use super::listing::{List, Reader, Sweep, Until};
use super::outputs;
use super::refetch::{CLOCKS_APART, in_words};
use super::store::{Run, Store, Totals};

/// How often builds are listed and fetched: what comes while documents are fetched is fetched too.
const ROUNDS: u32 = 3;
/// How often the front of the list is read again, until nothing new comes.
const FRONTS: u32 = 10;
/// How many documents are looked up in the tables at a time.
const BATCH: i64 = 1000;
/// How many documents are stored at a time.
const STORED_AT_ONCE: usize = 32;
/// After so many documents in a row that the server failed to give, it is asked for no more.
const FAILURES_IN_A_ROW: u32 = 20;
/// The lists of builds that are not over.
const OPEN: [&str; 3] =
    ["&status=running&order=asc", "&status=scheduled,queued&order=asc", "&status=not_running&order=asc"];

/// What to collect.
#[derive(Clone, Copy, Debug)]
pub struct CollectPlan {
    /// Builds that were over before are left out; `None`: all builds.
    pub since: Option<Timestamp>,
    /// T: which builds are in question.
    pub backup: Option<Timestamp>,
    /// R: documents from before it are fetched again.
    pub restored: Option<Timestamp>,
    /// Whether output and artifacts of the builds in question are looked at.
    pub output: bool,
    /// How many questions are under way at once, at least 1.
    pub jobs: usize,
}

/// Something that a person who waits wants to know.
#[derive(Debug)]
#[non_exhaustive]
pub enum CollectEvent<'a> {
    /// The collection has this number; it is new, or an interrupted one that goes on.
    Began { id: i64, continues: bool },
    /// The token's user is no administrator, or the list for administrators cannot be had.
    SeesFollowedOnly { login: Option<&'a str>, why: String },
    /// The server's clock and this machine's are apart.
    ClocksApart { apart: &'a str },
    /// Builds are listed from now on.
    Lists,
    /// A page of so many builds was read.
    Page(u64),
    /// So many documents are fetched from now on; so many are there already.
    Fetches { waiting: u64, kept: u64 },
    /// One of them has come, or could not be had.
    Fetched,
    /// The document of a build could not be had.
    Trouble { build_url: &'a str, why: &'a str },
    /// A build is proved not to be there any more.
    Gone { build_url: &'a str },
    /// The output and artifacts of builds are looked at from now on.
    LooksAtOutput,
    /// Those of one build have been looked at.
    LookedAtOutput,
}

/// What came of it.
#[derive(Clone, Debug)]
pub struct Collected {
    pub id: i64,
    /// Whether the list has all builds of the server.
    pub lists_all: bool,
    /// Documents that were fetched in this run.
    pub fetched: u64,
    /// Entries of the list that name no build.
    pub nameless: u64,
    /// Whether the list changed faster than it could be read: then the collection has no end.
    pub is_unsure: bool,
    pub totals: Totals,
}

/// Which builds the token's user sees.
#[derive(Clone, Debug)]
pub struct Sight {
    list: List,
    login: Option<String>,
}

/// Collects builds.
pub struct Collector<'a> {
    pub api: &'a Api,
    pub sight: Sight,
    pub store: &'a mut Store,
    pub plan: CollectPlan,
    pub on_event: &'a dyn Fn(&CollectEvent<'_>),
}

/// How documents are fetched.
struct Progress {
    fetched: u64,
    failures_in_a_row: u32,
}

impl Collector<'_> {
    /// Lists, fetches, and lists again. All that was stored stays if this is dropped half-way.
    ///
    /// # Errors
    /// The server cannot be asked, or the tables cannot be written.
    pub async fn collect(self) -> Result<Collected, CollectError> {
        let Self { api, sight: Sight { list, login }, store, plan, on_event } = self;
        let began = Timestamp::now();
        let lists_all = list == List::Whole;
        let (id, continues) = store.begin(api.address(), plan.since, lists_all, login).await?;
        on_event(&CollectEvent::Began { id, continues });
        let mut run = CollectorRun {
            api,
            store,
            plan,
            on_event,
            run: Run { collection: id, began, restored: plan.restored },
            list,
            progress: Progress { fetched: 0, failures_in_a_row: 0 },
        };
        let mut seen = Sweep::default();
        run.store.take_open(id).await?;
        for round in 0..ROUNDS {
            let swept = run.list(round == 0).await?;
            seen.is_unsure |= swept.is_unsure;
            seen.nameless = seen.nameless.max(swept.nameless);
            if round > 0 && swept.changed == 0 {
                break;
            }
            run.fetch().await?;
        }
        if plan.output {
            run.look_at_output().await?;
        }
        let fetched = run.progress.fetched;
        if !seen.is_unsure {
            store.end(id, seen.nameless).await?;
        }
        store.analyze().await?;
        let totals = store.totals(id).await?;
        Ok(Collected { id, lists_all, fetched, nameless: seen.nameless, is_unsure: seen.is_unsure, totals })
    }
}

impl Sight {
    /// Asks whether the token's user sees all builds, and who it is.
    ///
    /// # Errors
    /// The server does not answer as the API, or does not take the token.
    pub async fn of(api: &Api, on_event: &dyn Fn(&CollectEvent<'_>)) -> Result<Self, CollectError> {
        let me = api
            .me()
            .await
            .map_err(|fault| CollectError::NotTheApi { address: api.address().to_string(), source: Box::new(fault) })?;
        if let Some(ahead) = api.clock_ahead().filter(|ahead| ahead.abs() > CLOCKS_APART) {
            on_event(&CollectEvent::ClocksApart { apart: &in_words(ahead) });
        }
        let why = match me.admin {
            Some(true) => match api.get("/api/v1/admin/recent-builds?limit=1&offset=0", Ask::ANSWER).await {
                Ok(_) => return Ok(Self { list: List::Whole, login: me.login }),
                Err(fault @ (Fault::Forbidden(_) | Fault::NotFound(_))) => fault.to_string(),
                Err(fault) => return Err(CollectError::List(Box::new(fault))),
            },
            _ => "not an administrator".to_owned(),
        };
        on_event(&CollectEvent::SeesFollowedOnly { login: me.login.as_deref(), why });
        Ok(Self { list: List::Followed, login: me.login })
    }
}

struct CollectorRun<'a> {
    api: &'a Api,
    store: &'a mut Store,
    plan: CollectPlan,
    on_event: &'a dyn Fn(&CollectEvent<'_>),
    run: Run,
    list: List,
    progress: Progress,
}

impl CollectorRun<'_> {
    /// Lists what is open, then what is in the window, then what has come meanwhile.
    async fn list(&mut self, is_first: bool) -> Result<Sweep, CollectError> {
        let (api, store, on_event, list) = (self.api, &mut *self.store, self.on_event, self.list);
        on_event(&CollectEvent::Lists);
        let on_page = |builds| on_event(&CollectEvent::Page(builds));
        let (collection, since) = (self.run.collection, self.plan.since);
        let began = self.run.began;
        let mut reader = Reader { api, store, collection, since, list, began, on_page: &on_page };
        let mut swept = Sweep::default();
        let mut add = |sweep: Sweep| {
            swept.changed += sweep.changed;
            swept.nameless = swept.nameless.max(sweep.nameless);
            swept.is_unsure |= sweep.is_unsure;
        };
        // Those that the token's user follows are not listed by their state: all of the list is read.
        let mut lists_open = list == List::Whole;
        for filter in OPEN {
            if !lists_open {
                break;
            }
            match reader.sweep(filter, Until::TheEnd).await {
                Err(CollectError::List(fault)) if matches!(&*fault, Fault::Failed { status, .. } if *status == StatusCode::BAD_REQUEST) =>
                {
                    lists_open = false;
                }
                done => add(done?),
            }
        }
        if is_first {
            let until = if lists_open && since.is_some() { Until::TheWindow } else { Until::TheEnd };
            add(reader.sweep("", until).await?);
        }
        for _ in 0..FRONTS {
            let front = reader.sweep("", Until::NothingNew).await?;
            add(Sweep { nameless: 0, ..front });
            if front.changed == 0 {
                break;
            }
        }
        Ok(swept)
    }

    /// Fetches what has to be fetched, open builds first.
    async fn fetch(&mut self) -> Result<(), CollectError> {
        let (waiting, kept) = self.store.count_waiting(self.run).await?;
        (self.on_event)(&CollectEvent::Fetches { waiting, kept });
        for open in [true, false] {
            let mut after = String::new();
            loop {
                let builds = self.store.waiting(self.run, open, &after, BATCH).await?;
                let Some(last) = builds.last() else { break };
                after.clone_from(last);
                self.fetch_batch(builds).await?;
            }
        }
        Ok(())
    }

    async fn fetch_batch(&mut self, builds: Vec<String>) -> Result<(), CollectError> {
        let (to, from) = mpsc::channel(STORED_AT_ONCE);
        let asking = fetch_all(self.api, builds, Ask::DOCUMENT, self.plan.jobs, to);
        let storing = async {
            // An error drops it, and so ends the asking.
            let mut from = from;
            let mut missing = Vec::new();
            let mut came = Vec::with_capacity(STORED_AT_ONCE);
            while from.recv_many(&mut came, STORED_AT_ONCE).await > 0 {
                let mut documents: Vec<Document> = Vec::new();
                for fetched in came.drain(..) {
                    match fetched {
                        Fetched::There(document) => {
                            self.progress.failures_in_a_row = 0;
                            documents.push(*document);
                        }
                        Fetched::Missing(build_url, found) => missing.push((build_url, found)),
                        Fetched::Trouble(build_url, fault) => {
                            self.keep(&mut documents).await?;
                            self.note(&build_url, fault).await?;
                        }
                    }
                }
                self.keep(&mut documents).await?;
            }
            Ok::<_, CollectError>(missing)
        };
        let ((), missing) = tokio::join!(asking, storing);
        let missing = missing?;
        if !missing.is_empty() {
            for (build_url, look) in prove(self.api, self.store, missing).await? {
                match look {
                    Look::There(document) => self.keep(&mut vec![*document]).await?,
                    Look::Gone => {
                        self.store.gone(&build_url).await?;
                        (self.on_event)(&CollectEvent::Gone { build_url: &build_url });
                        (self.on_event)(&CollectEvent::Fetched);
                    }
                    Look::Unproved(why) | Look::NotKnown(why) => self.note_why(&build_url, &why).await?,
                }
            }
        }
        Ok(())
    }

    /// Stores what has come.
    async fn keep(&mut self, documents: &mut Vec<Document>) -> Result<(), CollectError> {
        if documents.is_empty() {
            return Ok(());
        }
        self.store.keep(documents).await?;
        for _ in documents.drain(..) {
            self.progress.fetched += 1;
            (self.on_event)(&CollectEvent::Fetched);
        }
        Ok(())
    }

    /// Notes why a document could not be had. Where that says something of the server, this is the end.
    async fn note(&mut self, build_url: &str, fault: Fault) -> Result<(), CollectError> {
        if fault.is_of_the_server() {
            return Err(CollectError::Documents(Box::new(fault)));
        }
        self.note_why(build_url, &crate::causes::in_one_line(&fault)).await?;
        if fault.may_pass() {
            self.progress.failures_in_a_row += 1;
            if self.progress.failures_in_a_row >= FAILURES_IN_A_ROW {
                return Err(CollectError::Documents(Box::new(fault)));
            }
        }
        Ok(())
    }

    async fn note_why(&mut self, build_url: &str, why: &str) -> Result<(), CollectError> {
        let why = Foreign::evidence(&self.api.hidden(why));
        self.store.trouble(build_url, why.as_str()).await?;
        (self.on_event)(&CollectEvent::Trouble { build_url, why: why.as_str() });
        (self.on_event)(&CollectEvent::Fetched);
        Ok(())
    }

    /// Looks at output and artifacts of the builds in question.
    async fn look_at_output(&mut self) -> Result<(), CollectError> {
        (self.on_event)(&CollectEvent::LooksAtOutput);
        let mut after = String::new();
        let looked = Cell::new(0_u64);
        loop {
            let builds =
                self.store.in_question(self.run.collection, self.plan.backup, &after, self.plan.jobs as i64).await?;
            let Some(last) = builds.last() else { return Ok(()) };
            after.clone_from(last);
            let looks = builds.iter().map(|build_url| outputs::look(self.api, build_url));
            for (build_url, look) in builds.iter().zip(futures_util::future::join_all(looks).await) {
                match look {
                    Ok(outputs::Looked { document, outputs, artifacts }) => {
                        self.store.keep(std::slice::from_ref(&document)).await?;
                        self.store.outputs(build_url, outputs).await?;
                        if let Some(artifacts) = artifacts {
                            self.store.artifacts(build_url, artifacts).await?;
                        }
                    }
                    Err(fault) if fault.is_of_the_server() => return Err(CollectError::Documents(Box::new(fault))),
                    Err(fault) => {
                        let why = Foreign::evidence(&crate::causes::in_one_line(&fault));
                        (self.on_event)(&CollectEvent::Trouble { build_url, why: why.as_str() });
                    }
                }
                looked.set(looked.get() + 1);
                (self.on_event)(&CollectEvent::LookedAtOutput);
            }
        }
    }
}
