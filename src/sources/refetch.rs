//! Fetches the documents of some builds again, so that what is read of them in the tables is as it is on the server now.

use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;
use tokio::sync::{Mutex, mpsc};

use crate::causes::in_one_line;

use super::api::{Api, Ask};
use super::document::Document;
use super::error::CollectError;
use super::fetch::{Fetched, fetch_all};
use super::gone::{Look, projects_alone, prove};
use super::store::Store;
use super::store_error::StoreError;

/// How far the clocks of two machines may be apart.
pub(super) const CLOCKS_APART: SignedDuration = SignedDuration::from_mins(5);

/// `6h behind`, in whole minutes.
pub(super) fn in_words(ahead: SignedDuration) -> String {
    let apart = SignedDuration::from_mins((ahead.abs().as_secs() + 30) / 60);
    format!("{apart:#} {}", if ahead.is_negative() { "behind" } else { "ahead of" })
}

/// What is known of a build that was fetched again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refetched {
    /// The tables hold it as it is now.
    There,
    /// It is proved not to be there any more.
    Gone,
    /// The server answers as if it were gone, and nothing proves it: no other build of its project is known. `build_url` is its address on
    /// record.
    Unproved { build_url: String, why: String },
    /// Neither is known, and why.
    NotKnown(String),
}

/// Fetches documents again.
pub struct Refetcher {
    api: Api,
    store: Mutex<Store>,
    /// How many questions are under way at once.
    jobs: usize,
}

impl Refetcher {
    /// Checks that the token is an administrator's: others see some builds, and a build that they do not see would look as if it were gone.
    ///
    /// # Errors
    /// The server does not answer as the API, or the token is no administrator's.
    pub async fn new(api: Api, store: Store, jobs: usize) -> Result<Self, CollectError> {
        let address = api.address().to_string();
        match api.me().await {
            Ok(_) if api.clock_ahead().is_some_and(|ahead| ahead.abs() > CLOCKS_APART) => {
                let ahead = api.clock_ahead().unwrap_or_default();
                Err(CollectError::ClocksApart { address, apart: in_words(ahead) })
            }
            Ok(me) if me.admin == Some(true) => Ok(Self { api, store: Mutex::new(store), jobs }),
            Ok(_) => Err(CollectError::NoAdministrator { address }),
            Err(fault) => Err(CollectError::of_me(address, fault)),
        }
    }

    /// Fetches builds again. Each is given by the ways in which its address may be spelled, the usual one first. Gives what is known of each
    /// now, in order.
    pub async fn refetch(&self, builds: &[Vec<String>]) -> Vec<Refetched> {
        // A reading that is dropped half-way leaves the lock, and whole statements.
        let mut store = self.store.lock().await;
        match self.refetch_in(&mut store, builds).await {
            Ok(known) => known,
            Err(error) => {
                let why = format!("its document cannot be stored: {}", in_one_line(&error));
                vec![Refetched::NotKnown(why); builds.len()]
            }
        }
    }

    /// The projects of these builds, each given by its ways to be spelled, in which a build that answers 404 is not proved gone: no other build
    /// of them is known. Each project is given by the address of a build without its number.
    ///
    /// # Errors
    /// The tables of documents cannot be read.
    pub async fn projects_alone(&self, builds: &[Vec<String>]) -> Result<BTreeSet<String>, CollectError> {
        let builds = builds.iter().flatten().cloned().collect();
        Ok(projects_alone(&self.api, &mut *self.store.lock().await, &builds).await?)
    }

    /// The builds of the latest collection that are on record as gone, so many at most.
    ///
    /// # Errors
    /// The tables of documents cannot be read.
    pub async fn gone_builds(&self, most: usize) -> Result<Vec<String>, CollectError> {
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        Ok(self.store.lock().await.gone_builds(most).await?)
    }

    /// Notes that a build is gone, where others have proved it. `build_url` is its address on record.
    ///
    /// # Errors
    /// It cannot be noted.
    pub async fn note_gone(&self, build_url: &str) -> Result<(), CollectError> {
        Ok(self.store.lock().await.gone(build_url).await?)
    }

    async fn refetch_in(&self, store: &mut Store, builds: &[Vec<String>]) -> Result<Vec<Refetched>, StoreError> {
        let spellings: Vec<String> = builds.iter().flatten().cloned().collect();
        let on_record = store.known(spellings).await?;
        let name =
            |ways: &Vec<String>| ways.iter().find(|way| on_record.contains(way)).or_else(|| ways.first()).cloned();
        let names: Vec<Option<String>> = builds.iter().map(name).collect();
        let wanted: BTreeSet<String> = names.iter().flatten().cloned().collect();
        let mut known = BTreeMap::new();
        let mut missing = Vec::new();
        let (to, from) = mpsc::channel(self.jobs);
        let asking = fetch_all(&self.api, wanted.into_iter().collect(), Ask::DOCUMENT, self.jobs, to);
        let hearing = async {
            // An error drops it, and so ends the asking.
            let mut from = from;
            while let Some(fetched) = from.recv().await {
                match fetched {
                    Fetched::There(document) => {
                        let now = keep(store, &document).await?;
                        known.insert(document.build_url.clone(), now);
                    }
                    Fetched::Missing(build_url, found) => missing.push((build_url, found)),
                    Fetched::Trouble(build_url, fault) => {
                        known.insert(build_url, Refetched::NotKnown(self.api.hidden(&in_one_line(&fault))));
                    }
                }
            }
            Ok::<_, StoreError>(())
        };
        let ((), heard) = tokio::join!(asking, hearing);
        heard?;
        if !missing.is_empty() {
            for (build_url, look) in prove(&self.api, store, missing).await? {
                let now = match look {
                    Look::Gone => {
                        // What was never collected has no row, and none is what says that it is gone.
                        if on_record.contains(&build_url) {
                            store.gone(&build_url).await?;
                        }
                        Refetched::Gone
                    }
                    Look::There(document) => keep(store, &document).await?,
                    Look::Unproved(why) => Refetched::Unproved { build_url: build_url.clone(), why },
                    Look::NotKnown(why) => Refetched::NotKnown(why),
                };
                known.insert(build_url, now);
            }
        }
        let nothing = || Refetched::NotKnown("it has no address by which it could be fetched".to_owned());
        Ok(names
            .into_iter()
            .map(|name| name.and_then(|name| known.get(&name).cloned()).unwrap_or_else(nothing))
            .collect())
    }
}

/// Stores a document, also of a build that no list had.
async fn keep(store: &mut Store, document: &Document) -> Result<Refetched, StoreError> {
    store.adopt(&document.build_url).await?;
    let unreadable = store.keep(std::slice::from_ref(document)).await?;
    Ok(unreadable.into_iter().next().map_or(Refetched::There, |(_, why)| Refetched::NotKnown(why)))
}

impl std::fmt::Debug for Refetcher {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Refetcher({})", self.api.address())
    }
}
