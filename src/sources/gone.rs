//! The proof that a build is not there any more. A 404 alone is none: a server answers so too where the token may not see the project, where
//! the forge does not know the repository any more, and where a proxy stands in its place.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use tokio::time::sleep;

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
    /// Whether it is there is not known, and why.
    NotKnown(String),
}

/// Asks again, in such a way that the answer is a proof: the same answer as for a number that never was, twice, while another build of the
/// project is there and the token is still an administrator's.
///
/// # Errors
/// The tables of documents cannot be read.
pub(super) async fn prove(
    api: &Api,
    store: &mut Store,
    missing: Vec<(String, Missing)>,
) -> Result<Vec<(String, Look)>, StoreError> {
    let asked: BTreeSet<String> = missing.iter().map(|(build_url, _)| build_url.clone()).collect();
    let mut shapes: BTreeMap<String, Result<String, String>> = BTreeMap::new();
    for (build_url, _) in &missing {
        let project = project(build_url);
        if !shapes.contains_key(project) {
            let shape = shape_of_none(api, store, project, &asked).await?;
            shapes.insert(project.to_owned(), shape);
        }
    }
    sleep(PAUSE).await;
    // The latest word on the token: later than all that it has answered so far.
    let mut looks = Vec::new();
    for (build_url, first) in missing {
        let shape = shapes.get(project(&build_url)).cloned();
        let shape = shape.unwrap_or_else(|| Err("nothing is known of its project".to_owned()));
        let look = match (shape, first.shape) {
            (Err(why), _) => Look::NotKnown(format!("404 Not Found, and it is not known what that means: {why}")),
            (Ok(_), None) => Look::NotKnown(format!("404 Not Found, which says nothing of the build: {}", first.said)),
            (Ok(shape), Some(own)) if own != shape => {
                Look::NotKnown(format!("404 Not Found, but not as for a build that never was: {}", first.said))
            }
            (Ok(shape), Some(_)) => match fetch(api, build_url.clone(), Ask::FRESH_DOCUMENT).await {
                Fetched::There(document) => Look::There(document),
                Fetched::Missing(_, again) if again.shape.as_ref() == Some(&shape) => Look::Gone,
                Fetched::Missing(_, again) => Look::NotKnown(format!("404 Not Found, the second time: {}", again.said)),
                Fetched::Trouble(_, fault) => Look::NotKnown(fault.to_string()),
            },
        };
        looks.push((build_url, look));
    }
    if looks.iter().any(|(_, look)| matches!(look, Look::Gone))
        && let Err(why) = administrates(api).await
    {
        for (_, look) in &mut looks {
            if matches!(look, Look::Gone) {
                *look = Look::NotKnown(format!("404 Not Found, but {why}"));
            }
        }
    }
    Ok(looks)
}

/// What the server answers for a number of the project that never was, while another build of it is there.
async fn shape_of_none(
    api: &Api,
    store: &mut Store,
    project: &str,
    asked: &BTreeSet<String>,
) -> Result<Result<String, String>, StoreError> {
    let highest = store.highest(project).await?;
    let never = format!("{project}{}", highest.saturating_add(FAR_ABOVE));
    let shape = match fetch(api, never, Ask::FRESH_DOCUMENT).await {
        Fetched::Missing(_, Missing { shape: Some(shape), .. }) => shape,
        Fetched::Missing(_, missing) => {
            return Ok(Err(format!("for a number that never was, the server answers {}", missing.said)));
        }
        Fetched::There(_) => return Ok(Err("a number that never was is there".to_owned())),
        Fetched::Trouble(_, fault) => return Ok(Err(fault.to_string())),
    };
    let most = NEIGHBOURS + i64::try_from(asked.len()).unwrap_or(i64::MAX - NEIGHBOURS);
    let neighbours = store.neighbours(project, project, most).await?;
    if is_one_there(api, neighbours, asked).await || is_one_there(api, listed(api, project).await, asked).await {
        return Ok(Ok(shape));
    }
    Ok(Err("no other build of its project answers, which would show that the token may see it".to_owned()))
}

/// Whether one of the first few of these builds is there, but for those that are asked about.
async fn is_one_there(api: &Api, builds: Vec<String>, asked: &BTreeSet<String>) -> bool {
    for build in builds.into_iter().filter(|build| !asked.contains(build)).take(NEIGHBOURS as usize) {
        if let Fetched::There(_) = fetch(api, build, Ask::FRESH_DOCUMENT).await {
            return true;
        }
    }
    false
}

/// Builds that the server lists of the project, the latest first: it may have some that are too old to have been collected.
async fn listed(api: &Api, project: &str) -> Vec<String> {
    let path = api.document_path(&format!("{project}1"));
    let Some(path) = path.as_deref().and_then(|path| path.strip_suffix("/1")) else { return Vec::new() };
    match api.get(&format!("{path}?limit=100&filter=completed"), Ask::PAGE).await {
        Ok(body) => addresses(&body.bytes).unwrap_or_default(),
        Err(_) => Vec::new(),
    }
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
