//! `halfbuilt collect`: the builds of a CircleCI Server, through its API, into PostgreSQL.

mod request;
mod shown;

use std::rc::Rc;

use crate::cli::CollectArgs;
use crate::database::Writer;
use crate::exit::Exit;
use crate::output::Printer;
use crate::sources::private::{Forgotten, PrivateCluster};
use crate::sources::{Api, CollectError, CollectEvent, Collected, Collector, Sight, Store, StoreError};
use crate::text::{builds, counted, grouped, is_or_are};

use super::Error;
use super::command_line::CommandLine;
use super::database_address::DatabaseAddress;
use super::interrupt::Interrupt;
use super::server_warnings::ServerWarnings;
use super::token::token;
use super::waiting::announce_wait;
use request::CollectRequest;
use shown::Shown;

/// Collects, or removes what was collected.
pub(super) async fn run(args: CollectArgs, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    if args.forget {
        return forget(&args.into, interrupt, printer).await;
    }
    let request = CollectRequest::from_args(args, printer)?;
    if let Some(doubt) = request.doubt() {
        printer.warn(&doubt);
    }
    let options = request.api_options(token(request.token_file.as_deref())?);
    let shown = Rc::new(Shown::new(printer));
    let waits = Rc::clone(&shown);
    let on_wait = Box::new(move |wait, fault: &_| waits.waits(wait, fault));
    let api = Api::new(request.source.clone(), options, on_wait).map_err(Box::new)?;
    let on_event = |event: &CollectEvent<'_>| shown.event(event);
    // Before a database is opened: what is wrong with the address or the token needs none.
    let looking = async { Ok(Sight::of(&api, &on_event).await.map_err(Box::new)?) };
    let sight = interrupt.or(looking).await?;
    let warnings = ServerWarnings::default();
    let mut store = interrupt.or(open(&request.destination, &warnings, printer)).await?;
    let collector = Collector { api: &api, sight, store: &mut store, plan: request.plan, on_event: &on_event };
    let collecting = async { Ok(collector.collect().await.map_err(Box::new)?) };
    let collected = interrupt.or(collecting).await;
    shown.end();
    let collected = match collected {
        Err(Error::Interrupted) => {
            printer.say("what was collected is kept: the same command continues");
            return Err(Error::Interrupted);
        }
        done => done?,
    };
    Ok(close(&request, &collected, printer))
}

async fn open(destination: &DatabaseAddress, warnings: &ServerWarnings, printer: Printer) -> Result<Store, Error> {
    destination.make(printer).await?;
    let settings = destination.writing_settings(warnings)?;
    for warning in settings.warnings() {
        printer.warn(warning);
    }
    if settings.password_was_in_the_string() {
        printer.warn("a password in --into can be seen by every user of this machine: use PGPASSWORD");
    }
    let what = format!("still connecting to {}", settings.description());
    let writer = announce_wait(&what, printer, Writer::connect(&settings)).await?;
    Ok(Store::open(writer).await.map_err(boxed)?)
}

/// Says what came of it, and how the command ends.
fn close(request: &CollectRequest, collected: &Collected, printer: Printer) -> Exit {
    let Collected { id, fetched, nameless, is_unsure, totals, .. } = collected;
    printer.tell(&format!(
        "collection {id} of {}: {}, {} of them not over; {} fetched in this run",
        request.source,
        builds(totals.builds),
        grouped(totals.open),
        counted(*fetched, "document")
    ));
    if totals.gone > 0 {
        printer.tell(&format!("{} {} gone since listed", counted(totals.gone, "build"), is_or_are(totals.gone)));
    }
    if *nameless > 0 {
        printer.warn(&format!("{} of the list without an address: such a build cannot be collected", named(*nameless)));
    }
    let mut is_whole = true;
    if totals.troubled > 0 {
        is_whole = false;
        let why = totals.trouble.as_deref().map(|why| format!(", one of them since: {why}")).unwrap_or_default();
        printer.warn(&format!("{} could not be had or read{why}", counted(totals.troubled, "document")));
    }
    if *is_unsure {
        is_whole = false;
        printer.warn("the list of builds changed faster than it could be read: builds may be missing, and the collection has no end");
    }
    if !is_whole {
        printer.hint("the same command tries again what is missing, and keeps what is there");
        return Exit::Failed;
    }
    if totals.builds == 0 {
        printer.warn("nothing was collected: no build is in the window");
        return Exit::NothingInScope;
    }
    printer.next(&request.scan().to_string());
    Exit::Clean
}

fn named(entries: u64) -> String {
    if entries == 1 { "1 entry".to_owned() } else { format!("{} entries", grouped(entries)) }
}

/// Removes what was collected.
async fn forget(into: &str, interrupt: &Interrupt, printer: Printer) -> Result<Exit, Error> {
    let destination = DatabaseAddress::new(Some(into.to_owned()), "collect");
    if destination.is_private() {
        let forgotten = interrupt.or(async { Ok(PrivateCluster::forget().await?) }).await?;
        say_forgotten(&forgotten, printer);
        return Ok(Exit::Clean);
    }
    let warnings = ServerWarnings::default();
    let settings = destination.writing_settings(&warnings)?;
    let removing = async {
        let writer = Writer::connect(&settings).await?;
        Ok(Store::forget(writer).await.map_err(boxed)?)
    };
    let line = match interrupt.or(removing).await? {
        true => "the documents are removed: schema halfbuilt",
        false => "nothing to forget: there is no schema halfbuilt",
    };
    printer.tell(line);
    Ok(Exit::Clean)
}

fn say_forgotten(forgotten: &Forgotten, printer: Printer) {
    match forgotten {
        Forgotten::Nothing { folder } => {
            printer.tell(&format!("nothing to forget: there is no private database in {}", folder.display()));
        }
        Forgotten::Removed { folder, bytes, left, .. } => {
            printer.tell(&format!("the private database is removed: {}, {} MiB", folder.display(), bytes >> 20));
            for path in left {
                printer.warn(&format!("{} stays: it is none of its files", path.display()));
            }
        }
    }
}

fn boxed(error: StoreError) -> Box<CollectError> {
    Box::new(error.into())
}

impl CollectRequest {
    /// The command that comes next.
    fn scan(&self) -> CommandLine {
        let line = CommandLine::new("scan");
        let line = line.flag_if("--database-url", self.destination.flag().as_ref());
        let line = if self.destination.is_private() { line } else { line.flag("--profile", &"circleci-api") };
        line.flag_if("--backup-time", self.plan.backup.as_ref())
            .flag_if("--restored-at", self.plan.restored.as_ref())
            .flag("-o", &"report.csv")
    }
}
