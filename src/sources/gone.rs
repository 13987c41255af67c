//! The proof that a build is not there any more. A 404 alone is none: a server answers so too where the token may not see the project, where
//! the forge does not know the repository any more, and where a proxy stands in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::sleep;

use crate::build_url::BuildUrl;

use super::answer::{Fault, Missing};
use super::api::{Api, Ask};
use super::document::Document;
use super::fetch::{Fetched, fetch};
use super::listing::addresses;
use super::store::Store;
use super::store_error::StoreError;

/// How long after the first question the second one is asked: an answer may come from a cache.
const PAUSE: Duration = Duration::from_secs(3);
/// A number that is so much higher than any on record was never given out.
const FAR_ABOVE: i64 = 1_000_000;
/// How many other builds of a project are asked for until one is there.
const NEIGHBOURS: i64 = 3;

/// What became of a build that the server answered 404 for.
#[derive(Debug)]
pub(super) enum Look {
    /// It is proved not to be there.
    Gone,
    /// It is there after all.
    There(Box<Document>),
    /// The server answers as if it were not there, twice, and no other build of its project is known by which that could be proved.
    Unproved(String),
    /// Whether it is there is not known, and why.
    NotKnown(String),
}

impl Look {
    /// Whether it is worth something only if the token sees all builds.
    fn is_by_the_token(&self) -> bool {
        matches!(self, Self::Gone | Self::Unproved(_))
    }
}

/// Why a project shows nothing.
enum Doubt {
    /// No other build of it is known. These its own list has.
    Alone(BTreeSet<String>),
    Other(String),
}

/// What is said of a build that its project's list has.
const LISTED: &str = "404 Not Found, but the list of its project has it";
/// What is said of a project without another build.
const ALONE: &str = "no other build of its project is known, which would show that the token may see it";

/// The projects, of those that these builds are of, of which no other build is known: a 404 proves nothing there. Each is given by the
/// address of a build without its number.
///
/// # Errors
/// The tables of documents cannot be read.
pub(super) async fn projects_alone(
    api: &Api,
    store: &mut Store,
    builds: &BTreeSet<String>,
) -> Result<BTreeSet<String>, StoreError> {
    let projects: BTreeSet<&str> = builds.iter().map(|build_url| project(build_url)).collect();
    let mut alone = BTreeSet::new();
    for project in projects {
        if others_on_record(store, project, builds).await?.is_empty()
            && !listed(api, project).await.is_ok_and(|list| list.iter().any(|build| !builds.contains(build)))
        {
            alone.insert(project.to_owned());
        }
    }
    Ok(alone)
}

/// Other builds of a project whose documents are there.
async fn others_on_record(
    store: &mut Store,
    project: &str,
    asked: &BTreeSet<String>,
) -> Result<Vec<String>, StoreError> {
    let most = NEIGHBOURS + i64::try_from(asked.len()).unwrap_or(i64::MAX - NEIGHBOURS);
    let known = store.neighbours(project, project, most).await?;
    Ok(known.into_iter().filter(|build| !asked.contains(build)).collect())
}

/// Asks again, in such a way that the answer is a proof: the same answer as for a number that never was, twice, while other builds of the
/// project are there before and after, none of them answers as if it were gone too, the project's own list does not have it, and the token is
/// still an administrator's. Behind one address may be several servers, one of which knows less than the others.
///
/// # Errors
/// The tables of documents cannot be read.
pub(super) async fn prove(
    api: &Api,
    store: &mut Store,
    missing: Vec<(String, Missing)>,
) -> Result<Vec<(String, Look)>, StoreError> {
    let asked: BTreeSet<String> = missing.iter().map(|(build_url, _)| build_url.clone()).collect();
    let mut projects: BTreeMap<String, Result<Witness, Doubt>> = BTreeMap::new();
    for (build_url, _) in &missing {
        let project = project(build_url);
        if !projects.contains_key(project) {
            projects.insert(project.to_owned(), Witness::find(api, store, project, &asked).await?);
        }
    }
    sleep(PAUSE).await;
    let mut looks = Vec::new();
    for (build_url, first) in missing {
        let look = match projects.get(project(&build_url)) {
            None => Look::NotKnown("404 Not Found, and nothing is known of its project".to_owned()),
            Some(Err(Doubt::Alone(list))) if list.contains(&build_url) => Look::NotKnown(LISTED.to_owned()),
            Some(Err(Doubt::Alone(_))) => match fetch(api, build_url.clone(), Ask::DOCUMENT).await {
                Fetched::There(document) => Look::There(document),
                Fetched::Missing(..) => Look::Unproved(format!("404 Not Found, and {ALONE}")),
                Fetched::Trouble(_, fault) => Look::NotKnown(fault.to_string()),
            },
            Some(Err(Doubt::Other(why))) => {
                Look::NotKnown(format!("404 Not Found, and it is not known what that means: {why}"))
            }
            Some(Ok(witness)) => match witness.judge(&build_url, &first) {
                Some(why) => Look::NotKnown(why),
                None => match fetch(api, build_url.clone(), Ask::DOCUMENT).await {
                    Fetched::There(document) => Look::There(document),
                    Fetched::Missing(_, again) => witness.judge(&build_url, &again).map_or(Look::Gone, Look::NotKnown),
                    Fetched::Trouble(_, fault) => Look::NotKnown(fault.to_string()),
                },
            },
        };
        looks.push((build_url, look));
    }
    // The last words on the projects and the token: later than all that was answered.
    let mut doubts: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (build_url, look) in &mut looks {
        if !matches!(look, Look::Gone) {
            continue;
        }
        let project = project(build_url);
        if !doubts.contains_key(project) {
            let doubt = match projects.get(project) {
                Some(Ok(witness)) => witness.still_stands(api).await.err(),
                _ => Some("nothing is known of its project".to_owned()),
            };
            doubts.insert(project.to_owned(), doubt);
        }
        if let Some(Some(why)) = doubts.get(project) {
            *look = Look::NotKnown(format!("404 Not Found, but {why}"));
        }
    }
    if looks.iter().any(|(_, look)| look.is_by_the_token())
        && let Err(why) = administrates(api).await
    {
        for (_, look) in &mut looks {
            if look.is_by_the_token() {
                *look = Look::NotKnown(format!("404 Not Found, but {why}"));
            }
        }
    }
    Ok(looks)
}

/// What a project shows: how the server answers for a number that never was, and builds that are there.
struct Witness {
    never: String,
    shape: String,
    has_route: bool,
    neighbours: Vec<String>,
    /// Builds that the project's own list has.
    listed: BTreeSet<String>,
}

impl Witness {
    async fn find(
        api: &Api,
        store: &mut Store,
        project: &str,
        asked: &BTreeSet<String>,
    ) -> Result<Result<Self, Doubt>, StoreError> {
        let list = listed(api, project).await;
        let known = others_on_record(store, project, asked).await?;
        let listed_others = list.iter().flatten().filter(|build| !asked.contains(*build)).cloned();
        let neighbours: BTreeSet<String> = known.into_iter().chain(listed_others).take(NEIGHBOURS as usize).collect();
        if neighbours.is_empty() {
            return Ok(Err(Doubt::Alone(list.unwrap_or_default())));
        }
        // Without its list nobody knows whether the project still has the build.
        let listed = match list {
            Ok(list) => list,
            Err(fault) => return Ok(Err(Doubt::Other(format!("the list of its project cannot be had: {fault}")))),
        };
        let highest = store.highest(project).await?;
        let never = format!("{project}{}", highest.saturating_add(FAR_ABOVE));
        let (shape, has_route) = match none(api, &never).await {
            Ok(answer) => answer,
            Err(why) => return Ok(Err(Doubt::Other(why))),
        };
        let witness = Self { never, shape, has_route, neighbours: neighbours.into_iter().collect(), listed };
        Ok(witness.neighbours_are_there(api).await.map(|()| witness).map_err(Doubt::Other))
    }

    /// Why a 404 says nothing of the build; `None` where it is as for a number that never was.
    fn judge(&self, build_url: &str, missing: &Missing) -> Option<String> {
        match &missing.shape {
            None => Some(format!("404 Not Found, which says nothing of the build: {}", missing.said)),
            Some(shape) if *shape != self.shape || missing.has_route != self.has_route => {
                Some(format!("404 Not Found, but not as for a build that never was: {}", missing.said))
            }
            Some(_) if self.listed.contains(build_url) => Some(LISTED.to_owned()),
            Some(_) => None,
        }
    }

    /// Whether all is as it was found: nobody else answers meanwhile.
    async fn still_stands(&self, api: &Api) -> Result<(), String> {
        self.neighbours_are_there(api).await?;
        let (shape, has_route) = none(api, &self.never).await?;
        match shape == self.shape && has_route == self.has_route {
            true => Ok(()),
            false => Err("for a number that never was, the server answers otherwise than before".to_owned()),
        }
    }

    /// Another build that answers as if it were gone shows that the answer is no proof.
    async fn neighbours_are_there(&self, api: &Api) -> Result<(), String> {
        let mut there = 0;
        for build in &self.neighbours {
            match fetch(api, build.clone(), Ask::DOCUMENT).await {
                Fetched::There(document) if document.has_route == self.has_route => there += 1,
                Fetched::There(_) => {
                    return Err(
                        "builds that are there and builds that are not are answered in two ways (X-Route)".to_owned()
                    );
                }
                Fetched::Missing(_, missing) => {
                    return Err(format!("other builds of its project answer so, too: {}", missing.said));
                }
                Fetched::Trouble(_, fault) => return Err(fault.to_string()),
            }
        }
        match there {
            0 => Err(ALONE.to_owned()),
            _ => Ok(()),
        }
    }
}

/// How the server answers for a number that never was.
async fn none(api: &Api, never: &str) -> Result<(String, bool), String> {
    match fetch(api, never.to_owned(), Ask::DOCUMENT).await {
        Fetched::Missing(_, Missing { shape: Some(shape), has_route, .. }) => Ok((shape, has_route)),
        Fetched::Missing(_, missing) => {
            Err(format!("for a number that never was, the server answers {}", missing.said))
        }
        Fetched::There(_) => Err("a number that never was is there".to_owned()),
        Fetched::Trouble(_, fault) => Err(fault.to_string()),
    }
}

/// Builds that the server lists of the project, open ones too: the latest hundred, of which some may be too old to have been collected. A
/// project that has another name now lists its builds under that one; they say nothing of this one.
async fn listed(api: &Api, project: &str) -> Result<BTreeSet<String>, Fault> {
    let path = api.document_path(&format!("{project}1"));
    let Some(path) = path.as_deref().and_then(|path| path.strip_suffix("/1")) else { return Ok(BTreeSet::new()) };
    let body = api.get(&format!("{path}?limit=100"), Ask::PAGE).await?;
    Ok(addresses(&body.bytes)?.into_iter().filter(|build| is_of(project, build)).collect())
}

/// Whether a build is of a project, in whatever way its address is spelled.
fn is_of(project: &str, build: &str) -> bool {
    let spellings = || BuildUrl::parse(build).map(|url| url.spellings()).unwrap_or_default();
    build.starts_with(project) || spellings().iter().any(|way| way.starts_with(project))
}

/// Whether the token is an administrator's now.
async fn administrates(api: &Api) -> Result<(), String> {
    match api.me().await {
        Ok(me) if me.admin == Some(true) => Ok(()),
        Ok(_) => Err("the token is not an administrator's".to_owned()),
        Err(fault @ Fault::Unauthorized(_)) => Err(format!("the token is refused: {fault}")),
        Err(fault) => Err(format!("whose token it is is not known: {fault}")),
    }
}

/// The address of a build without its number.
fn project(build_url: &str) -> &str {
    build_url.rfind('/').map_or(build_url, |slash| &build_url[..=slash])
}
