//! Documents of builds are fetched again before they are read: what was collected an hour ago is no reason to delete anything.

use std::time::Duration;

use crate::causes::in_one_line;
use crate::commands::Error;
use crate::commands::token::token;
use crate::database::{DatabaseIdentity, Writer};
use crate::deletion::{CopyState, Freshened, Freshener};
use crate::output::Printer;
use crate::scan::ScanPlan;
use crate::sources::{Address, Api, ApiOptions, CollectError, Fault, Refetched, Refetcher, Store};
use crate::text::Foreign;

use super::gates::check_database;
use super::origin::Origin;
use super::request::DeleteRequest;

/// How many documents are fetched at once, and how many a second at most.
const JOBS: usize = 4;
const RATE: f64 = 50.0;

/// Fetches builds again, or, in a dry run without a token, does not.
pub(super) struct Copies(Option<Refetcher>);

impl Freshener for Copies {
    fn freshen(&self, builds: Vec<Vec<String>>) -> Freshened<'_> {
        Box::pin(async move {
            let Some(refetcher) = &self.0 else { return vec![CopyState::AsCollected; builds.len()] };
            let refetched = refetcher.refetch(&builds).await;
            let state = |refetched| match refetched {
                Refetched::There => CopyState::Copied,
                Refetched::Gone => CopyState::Gone,
                Refetched::NotKnown(why) => CopyState::NotKnown(why),
            };
            refetched.into_iter().map(state).collect()
        })
    }
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
        return Ok(None);
    }
    let token = token(request.admin.token_file.as_deref())?;
    if token.is_none() && !request.execute {
        printer.warn(
            "no token: the builds are not fetched again, and the plan is by what was collected; --execute needs one",
        );
        return Ok(Some(Copies(None)));
    }
    let boxed = |error: CollectError| Error::from(Box::new(error));
    let writer = Writer::connect(&request.reading.writing_settings()?).await?;
    let mut store = Store::open(writer).await.map_err(|error| boxed(error.into()))?;
    let source = store.source().await.map_err(|error| boxed(error.into()))?.unwrap_or_default();
    let address = source.parse::<Address>().map_err(|why| {
        Error::Usage(format!("the documents are of {}, which is no address of a server: {why}", Foreign::url(&source)))
    })?;
    check_source(&address, origin, host, printer)?;
    let options = ApiOptions {
        token,
        rate: RATE,
        timeout: request.admin.timeout.max(Duration::from_secs(1)),
        ca_file: request.admin.ca_file.clone(),
        allow_plain_http: request.admin.allow_plain_http,
    };
    let on_wait = Box::new(move |wait: Duration, fault: &Fault| {
        let why = Foreign::evidence(&in_one_line(fault));
        printer.say(&format!("waiting {:.0} s: {why}", wait.as_secs_f64().ceil()));
    });
    let api = Api::new(address, options, on_wait).map_err(boxed)?;
    printer.say(&format!("each build is fetched again from {source} before and after its deletion"));
    Ok(Some(Copies(Some(Refetcher::new(api, store, JOBS).await.map_err(boxed)?))))
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
