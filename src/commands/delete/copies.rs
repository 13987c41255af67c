//! Documents of builds are fetched again before they are read: what was collected an hour ago is no reason to delete anything.

use std::time::Duration;

use crate::causes::in_one_line;
use crate::commands::Error;
use crate::commands::token::token;
use crate::database::Writer;
use crate::deletion::{CopyState, Freshened, Freshener};
use crate::output::Printer;
use crate::scan::ScanPlan;
use crate::sources::{Address, Api, ApiOptions, CollectError, Fault, Refetched, Refetcher, Store};
use crate::text::Foreign;

use super::request::DeleteRequest;

/// How many documents are fetched at once, and how many a second at most.
const JOBS: usize = 4;
const RATE: f64 = 50.0;

/// Fetches builds again.
pub(super) struct Copies(Refetcher);

impl Freshener for Copies {
    fn freshen(&self, builds: Vec<Vec<String>>) -> Freshened<'_> {
        Box::pin(async move {
            let refetched = self.0.refetch(&builds).await;
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
    plan: &ScanPlan,
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
        return Ok(None);
    }
    let boxed = |error: CollectError| Error::from(Box::new(error));
    let writer = Writer::connect(&request.reading.writing_settings()?).await?;
    let mut store = Store::open(writer).await.map_err(|error| boxed(error.into()))?;
    let source = store.source().await.map_err(|error| boxed(error.into()))?.unwrap_or_default();
    let address = source.parse::<Address>().map_err(|why| {
        Error::Usage(format!("the documents are of {}, which is no address of a server: {why}", Foreign::url(&source)))
    })?;
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
    Ok(Some(Copies(Refetcher::new(api, store, JOBS).await.map_err(boxed)?)))
}
