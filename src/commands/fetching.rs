//! Asks a CI server again for builds whose documents a database holds.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use crate::causes::in_one_line;
use crate::database::Writer;
use crate::output::Printer;
use crate::sources::{Address, Api, ApiOptions, CollectError, Fault, Refetcher, Store};
use crate::text::Foreign;

use super::Error;
use super::command_line::CommandLine;
use super::read_request::ReadRequest;
use super::token::token;

/// How many documents are fetched at once, and how many a second at most.
const JOBS: usize = 4;
const RATE: f64 = 50.0;

/// How the server is asked.
pub(super) struct ServerRequest {
    pub(super) token_file: Option<PathBuf>,
    /// How long it may be silent while it answers.
    pub(super) timeout: Duration,
    pub(super) ca_file: Option<PathBuf>,
    pub(super) allow_plain_http: bool,
}

/// The server that `--source` names.
///
/// # Errors
/// It is no address of a server.
pub(super) fn named_source(text: &str) -> Result<Address, Error> {
    text.parse().map_err(|why| Error::Misuse {
        what: format!("--source cannot be read: {why}"),
        hint: "name the server as collect did: --source https://ci.example.com".to_owned(),
    })
}

impl ServerRequest {
    /// The token, if there is one.
    pub(super) fn token(&self) -> Result<Option<SecretString>, Error> {
        token(self.token_file.as_deref())
    }

    /// Adds the flags by which another command asks the same server in the same way.
    pub(super) fn add_flags(&self, line: CommandLine) -> CommandLine {
        let [token_file, ca_file] =
            [&self.token_file, &self.ca_file].map(|file| file.as_ref().map(|file| file.display()));
        let line = line.flag_if("--token-file", token_file.as_ref()).flag_if("--ca-file", ca_file.as_ref());
        if self.allow_plain_http { line.switch("--allow-plain-http") } else { line }
    }
}

/// The tables of documents, and the server that they are of.
pub(super) struct Documents {
    store: Store,
    pub(super) source: Address,
}

impl Documents {
    /// Opens the tables for writing. Where the private database holds them, it has to have been started.
    ///
    /// # Errors
    /// They cannot be written, or nothing was ever collected into them.
    pub(super) async fn open(read: &ReadRequest) -> Result<Self, Error> {
        let boxed = |error: CollectError| Error::from(Box::new(error));
        let writer = Writer::connect(&read.writing_settings()?).await?;
        let mut store = Store::open(writer).await.map_err(|error| boxed(error.into()))?;
        let source = store.source().await.map_err(|error| boxed(error.into()))?.unwrap_or_default();
        let source = source.parse::<Address>().map_err(|why| {
            let source = Foreign::url(&source);
            Error::Usage(format!("the documents are of {source}, which is no address of a server: {why}"))
        })?;
        Ok(Self { store, source })
    }

    /// Checks that the documents are of the server that was named: the token goes there and nowhere else, whatever a database says.
    ///
    /// # Errors
    /// They are of another.
    pub(super) fn check_named(&self, named: &Address) -> Result<(), Error> {
        if *named == self.source {
            return Ok(());
        }
        Err(Error::Misuse {
            what: format!("--source is {named}, and the documents are of {}", Foreign::url(&self.source.to_string())),
            hint: "collect from the server that you mean, or name the one from which these builds were collected"
                .to_owned(),
        })
    }

    /// What fetches builds again from the server.
    ///
    /// # Errors
    /// The server does not answer as the API, or the token is no administrator's.
    pub(super) async fn refetcher(
        self,
        server: &ServerRequest,
        token: Option<SecretString>,
        printer: Printer,
    ) -> Result<Refetcher, Error> {
        let options = ApiOptions {
            token,
            rate: RATE,
            timeout: server.timeout.max(Duration::from_secs(1)),
            ca_file: server.ca_file.clone(),
            allow_plain_http: server.allow_plain_http,
        };
        let on_wait = Box::new(move |wait: Duration, fault: &Fault| {
            let why = Foreign::evidence(&in_one_line(fault));
            printer.say(&format!("waiting {:.0} s: {why}", wait.as_secs_f64().ceil()));
        });
        let api = Api::new(self.source, options, on_wait).map_err(Box::new)?;
        Ok(Refetcher::new(api, self.store, JOBS).await.map_err(Box::new)?)
    }
}
