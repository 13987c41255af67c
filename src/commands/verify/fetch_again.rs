//! Fetches abnormal builds again that were collected, before they are judged.

use crate::commands::Error;
use crate::commands::fetching::Documents;
use crate::commands::interrupt::Interrupt;
use crate::database::Database;
use crate::drill::BaselineComparison;
use crate::not_checked::{NotChecked, Unchecked};
use crate::output::{Printer, Progress};
use crate::project_glob::ProjectGlobs;
use crate::scan::{Scan, ScanPlan};
use crate::sources::{Refetched, Refetcher};
use crate::text::{builds, is_or_are};

use super::request::{FetchRequest, VerifyRequest};

/// How many builds are fetched again before the progress moves.
const AT_ONCE: usize = 200;
/// How many abnormal builds are fetched again at most: their addresses are kept in memory.
const AT_MOST: usize = 100_000;

/// What came of it.
#[derive(Default)]
pub(super) struct FetchedAgain {
    /// The database, where it is connected to already.
    pub(super) database: Option<Database>,
    /// What is not known of the builds as they are now.
    pub(super) not_checked: Vec<NotChecked>,
}

/// Fetches the abnormal builds again, where they are documents and there is a token. What is read after that is as the server says now.
///
/// # Errors
/// The database cannot be read or written, the server cannot be asked, or it is not clear whether the token may go there.
pub(super) async fn fetch_again(
    request: &VerifyRequest,
    plan: &ScanPlan,
    interrupt: &Interrupt,
    printer: Printer,
) -> Result<FetchedAgain, Error> {
    let VerifyRequest { fetch, read, projects, .. } = request;
    if !plan.reads_documents() {
        return match fetch.flag() {
            Some(flag) => Err(Error::Misuse {
                what: format!(
                    "{flag} is for builds that were collected, and profile {} reads others",
                    plan.profile_name()
                ),
                hint: "leave it out, or name the profile of what was collected: --profile circleci-api".to_owned(),
            }),
            None => Ok(FetchedAgain::default()),
        };
    }
    let token = fetch.server.token()?;
    let may_ask = fetch.source.is_some() || read.is_private();
    if token.is_none() || !may_ask {
        return as_collected(fetch, token.is_some(), may_ask);
    }
    let mut database = interrupt.or(read.connect(printer)).await?;
    let documents = interrupt.or(Documents::open(read)).await?;
    if let Some(named) = &fetch.source {
        documents.check_named(named)?;
    }
    let source = documents.source.to_string();
    let refetcher = interrupt.or(documents.refetcher(&fetch.server, token, printer)).await?;
    let canceller = database.canceller();
    let (abnormal, others) = interrupt.or_cancel(&canceller, abnormal(&mut database, plan, projects)).await?;
    let gone = interrupt.or(async { Ok(refetcher.gone_builds(AT_MOST).await.map_err(Box::new)?) }).await?;
    let mut unknown = interrupt.or(fetch_all(&refetcher, (&abnormal, &gone), &source, printer)).await?;
    if others > 0 {
        let why = format!("they have no address, or stand behind the first {}", builds(AT_MOST as u64));
        unknown.get_or_insert((0, why)).0 += others;
    }
    let not_checked = unknown.map(|(number, why)| NotChecked { what: Unchecked::BuildsNotFetched(number), why });
    Ok(FetchedAgain { database: Some(database), not_checked: not_checked.into_iter().collect() })
}

/// Nothing is fetched, and the verdict says so.
fn as_collected(fetch: &FetchRequest, has_token: bool, may_ask: bool) -> Result<FetchedAgain, Error> {
    if let Some(flag) = fetch.flag() {
        return Err(match (has_token, may_ask) {
            (false, _) => Error::Misuse {
                what: format!("{flag} needs a token"),
                hint: "give it by --token-file FILE, or in the variable HALFBUILT_TOKEN".to_owned(),
            },
            (true, _) => Error::Misuse {
                what: format!("{flag} needs --source: the server to which the token may go"),
                hint: "name the server from which the builds were collected: --source https://ci.example.com"
                    .to_owned(),
            },
        });
    }
    let why = match has_token {
        false => "no token was given, by which they could be fetched again: --token-file FILE",
        true => "the server to which the token may go was not named: --source https://ci.example.com",
    };
    let not_checked = vec![NotChecked { what: Unchecked::SinceCollected, why: why.to_owned() }];
    Ok(FetchedAgain { database: None, not_checked })
}

/// The addresses of the builds that the rules find, and how many others they find.
async fn abnormal(
    database: &mut Database,
    plan: &ScanPlan,
    projects: &ProjectGlobs,
) -> Result<(Vec<String>, u64), Error> {
    let snapshot = database.snapshot(&plan.settings()).await?;
    let scan = Scan::begin(plan, &snapshot, projects, &|_| ()).await?;
    let mut findings = BaselineComparison::default().merge(scan).await?;
    let (mut addresses, mut others) = (Vec::new(), 0);
    while let Some(found) = findings.next().await? {
        match found.build_url {
            Some(build_url) if addresses.len() < AT_MOST => addresses.push(build_url),
            // A build without an address cannot be asked for.
            _ => others += 1,
        }
    }
    snapshot.check_unbroken().await?;
    Ok((addresses, others))
}

/// Fetches abnormal builds again, and those that are on record as gone, which another restore may have brought back; says how they are. Gives
/// how many are not known, and why one of them is not.
async fn fetch_all(
    refetcher: &Refetcher,
    (abnormal, gone_before): (&[String], &[String]),
    source: &str,
    printer: Printer,
) -> Result<Option<(u64, String)>, Error> {
    let number = (abnormal.len() + gone_before.len()) as u64;
    let mut progress = Progress::counted("fetching builds again", number, printer);
    let (mut gone, mut back, mut unknown) = (0, 0, None);
    for (addresses, was_there) in [(abnormal, true), (gone_before, false)] {
        for some in addresses.chunks(AT_ONCE) {
            let named: Vec<Vec<String>> = some.iter().map(|address| vec![address.clone()]).collect();
            for now in refetcher.refetch(&named).await {
                match now {
                    Refetched::There => back += u64::from(!was_there),
                    Refetched::Gone => gone += 1,
                    // It was proved before, and nothing says that it has come back.
                    Refetched::Unproved { .. } if !was_there => gone += 1,
                    Refetched::Unproved { why, .. } | Refetched::NotKnown(why) => {
                        unknown.get_or_insert((0, why)).0 += 1;
                    }
                }
                progress.advance();
            }
        }
    }
    drop(progress);
    let counted = [(gone, "not there any more"), (back, "there again")].into_iter().filter(|(number, _)| *number > 0);
    let counted: String =
        counted.map(|(number, how)| format!("; {} {} {how}", builds(number), is_or_are(number))).collect();
    printer.say(&format!("{} fetched again from {source}{counted}", builds(number)));
    Ok(unknown)
}
