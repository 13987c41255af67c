//! Connecting as libpq does: one server of the list after the other, each of its addresses, with TLS and without.
//! Source: PostgreSQL manual, "34.1.1.3. Specifying Multiple Hosts" and "34.19.3. Protection Provided in Different Modes".

use std::fmt;
use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config};

use crate::sql;

use super::DatabaseError;
use super::auth::{AllowedAuth, AuthRefused, Seen, Watch};
use super::error::ServerSaid;
use super::hosts::{Server, Wanted, shuffle};
use super::route::{Address, Encryption, Route, RouteError};
use super::settings::Settings;
use super::tls::Mode;
use super::wire::{Done, Wire};

/// Asks what kind of server this is.
const SERVER_KIND: &str = sql::SERVER.part("kind");

/// Why one try did not lead to a connection.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TryError {
    /// The name of the server is not known.
    #[error("the name cannot be looked up")]
    Lookup(#[source] std::io::Error),
    /// It did not come to a login.
    #[error(transparent)]
    Route(#[from] RouteError),
    /// The server did not let the client in.
    #[error(transparent)]
    Login(ServerSaid),
    /// The login was not gone on with.
    #[error(transparent)]
    Auth(AuthRefused),
    /// It is not the kind of server that was asked for.
    #[error("{0} (target_session_attrs)")]
    Unsuitable(&'static str),
    /// It could not be asked of what kind it is.
    #[error("the server cannot be asked whether it is a standby: {0}")]
    Asking(ServerSaid),
}

/// Every try, and why it failed.
#[derive(Debug)]
pub struct Tries(Vec<Try>);

#[derive(Debug)]
struct Try {
    place: String,
    error: TryError,
}

impl Tries {
    /// The errors at the place where the search ended: without TLS after with TLS, or the reverse. What was tried first is what
    /// was wanted.
    pub(super) fn last(&self) -> impl Iterator<Item = &TryError> {
        let place = self.0.last().map(|one| &one.place);
        self.0.iter().filter(move |one| Some(&one.place) == place).map(|one| &one.error)
    }

    fn add(&mut self, place: &str, error: TryError) {
        // A fallback that fails for the same reason has nothing new to say.
        let said = error.to_string();
        if !self.0.iter().any(|one| one.place == place && one.error.to_string() == said) {
            self.0.push(Try { place: place.to_owned(), error });
        }
    }
}

impl fmt::Display for Tries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [one] = self.0.as_slice() {
            return one.error.fmt(f);
        }
        for (index, one) in self.0.iter().enumerate() {
            write!(f, "{}{}: {}", if index == 0 { "" } else { "; " }, one.place, one.error)?;
            for cause in crate::causes::told_apart(&one.error) {
                write!(f, ": {cause}")?;
            }
        }
        Ok(())
    }
}

impl std::error::Error for Tries {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        if let [one] = self.0.as_slice() { one.error.source() } else { None }
    }
}

/// An open connection, and how to reach its server once more.
pub(super) struct Connected {
    pub(super) client: Client,
    pub(super) way: Way,
}

/// How a server was reached.
#[derive(Clone)]
pub(super) struct Way {
    route: Route,
    /// Its place in the list of servers.
    server: usize,
}

impl Way {
    /// Whether it leads to the same address.
    pub(super) fn leads_to_the_same(&self, other: &Self) -> bool {
        (self.server, &self.route.address) == (other.server, &other.route.address)
    }
}

/// What is to be done after a try that failed.
enum Next {
    /// The same address, encrypted or not, the other way round.
    Fallback,
    Address,
    Server,
    /// As libpq does: whoever answers and refuses ends the search.
    Stop,
}

/// Connects to the first server of the list that answers and will do.
pub(super) async fn connect(settings: &Settings) -> Result<Connected, DatabaseError> {
    let mut order: Vec<usize> = (0..settings.servers.len()).collect();
    if settings.balance {
        shuffle(&mut order);
    }
    let mut search = Search { settings, tries: Tries(Vec::new()) };
    'search: for wanted in settings.wanted.passes() {
        for server in &order {
            match search.server(*server, *wanted).await {
                Ok(connected) => return Ok(connected),
                Err(Next::Stop) => break 'search,
                Err(Next::Fallback | Next::Address | Next::Server) => {}
            }
        }
    }
    Err(search.failed())
}

/// Connects to the very server that was reached before, whichever others there are.
pub(super) async fn once_more(settings: &Settings, way: &Way) -> Result<Connected, DatabaseError> {
    let mut search = Search { settings, tries: Tries(Vec::new()) };
    match search.in_time(search.login(way.server, way.route.clone())).await {
        Ok(connected) => Ok(connected),
        Err((error, _)) => {
            search.tries.add(&settings.servers[way.server].to_string(), error);
            Err(search.failed())
        }
    }
}

struct Search<'a> {
    settings: &'a Settings,
    tries: Tries,
}

impl Search<'_> {
    fn failed(self) -> DatabaseError {
        DatabaseError::Connect { server: self.settings.description().to_owned(), source: self.tries }
    }

    async fn server(&mut self, place_of: usize, wanted: Wanted) -> Result<Connected, Next> {
        let server = &self.settings.servers[place_of];
        let mut addresses = match addresses(server).await {
            Ok(addresses) => addresses,
            Err(error) => {
                self.tries.add(&server.to_string(), TryError::Lookup(error));
                return Err(Next::Server);
            }
        };
        if self.settings.balance {
            shuffle(&mut addresses);
        }
        for address in addresses {
            let place = place(server, &address);
            let limit = self.settings.timeout;
            let ways = self.ways(place_of, &address, &place, wanted);
            let outcome = match limit {
                Some(limit) => match tokio::time::timeout(limit, ways).await {
                    Ok(outcome) => outcome,
                    Err(_) => {
                        self.tries.add(&place, RouteError::TimedOut(limit).into());
                        Err(Next::Address)
                    }
                },
                None => ways.await,
            };
            match outcome {
                Err(Next::Address | Next::Fallback) => {}
                done => return done,
            }
        }
        Err(Next::Server)
    }

    /// Tries one address, encrypted or not in the order of sslmode.
    async fn ways(&mut self, server: usize, address: &Address, place: &str, wanted: Wanted) -> Result<Connected, Next> {
        let settings = self.settings;
        let ways = match (address, &settings.tls) {
            // As in libpq, a Unix socket is never encrypted.
            (Address::Unix(_), _) | (_, None) => vec![Encryption::None],
            (_, Some(tls)) => match settings.mode {
                Mode::Disable => vec![Encryption::None],
                Mode::Allow => vec![Encryption::None, Encryption::Needed(Arc::clone(tls))],
                Mode::Prefer => vec![Encryption::Offered(Arc::clone(tls)), Encryption::None],
                Mode::Require | Mode::VerifyCa | Mode::VerifyFull => vec![Encryption::Needed(Arc::clone(tls))],
            },
        };
        let last = ways.len() - 1;
        for (index, encryption) in ways.into_iter().enumerate() {
            let route = Route {
                address: address.clone(),
                name: settings.servers[server].host.clone(),
                options: settings.socket.clone(),
                encryption,
            };
            match self.login(server, route).await {
                Ok(connected) => return self.suits(connected, place, wanted).await,
                Err((error, next)) => {
                    self.tries.add(place, error);
                    match next {
                        Next::Fallback if index < last => {}
                        Next::Fallback => return Err(Next::Stop),
                        next => return Err(next),
                    }
                }
            }
        }
        Err(Next::Stop)
    }

    /// [`Search::login`], within the limit for one address.
    async fn in_time(
        &self,
        login: impl Future<Output = Result<Connected, (TryError, Next)>>,
    ) -> Result<Connected, (TryError, Next)> {
        let Some(limit) = self.settings.timeout else { return login.await };
        let timed_out = |_| Err((RouteError::TimedOut(limit).into(), Next::Stop));
        tokio::time::timeout(limit, login).await.unwrap_or_else(timed_out)
    }

    async fn login(&self, server: usize, mut route: Route) -> Result<Connected, (TryError, Next)> {
        let (stream, encrypted) = route.open().await.map_err(|error| {
            let next = after(&error);
            (error.into(), next)
        })?;
        // The next connection, to cancel, goes the same way.
        route.encryption = match route.encryption {
            Encryption::Offered(tls) if encrypted => Encryption::Needed(tls),
            Encryption::Offered(_) => Encryption::None,
            other => other,
        };
        let seen = Arc::new(Seen::default());
        let mut wire = Wire::new(stream, Watch::new(self.settings.login.allowed.clone(), Arc::clone(&seen)));
        if self.settings.login.channel_binding != ChannelBinding::Disable {
            wire.insist_on_binding();
        }
        match config(self.settings, &self.settings.servers[server]).connect_raw(wire, Done).await {
            Ok((client, connection)) => {
                // What ends the connection also ends the statement that waits for it, which tells of it.
                tokio::spawn(connection);
                Ok(Connected { client, way: Way { route, server } })
            }
            Err(error) => {
                if let Some(refused) = seen.refused() {
                    return Err((TryError::Auth(refused), Next::Stop));
                }
                let next = match error.code() {
                    // A standby that does not let anybody in yet, or a server that stops.
                    Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Next::Server,
                    Some(_) if !seen.authenticated() && (encrypted || self.settings.mode == Mode::Allow) => {
                        Next::Fallback
                    }
                    _ => Next::Stop,
                };
                Err((TryError::Login(ServerSaid::new(error)), next))
            }
        }
    }

    async fn suits(&mut self, connected: Connected, place: &str, wanted: Wanted) -> Result<Connected, Next> {
        if wanted == Wanted::Any {
            return Ok(connected);
        }
        let asked = connected.client.query_typed_one(SERVER_KIND, &[]).await;
        let answer =
            asked.and_then(|row| Ok((row.try_get("in_recovery")?, row.try_get::<_, &str>("read_only")? == "on")));
        let objection = match answer {
            Ok((in_recovery, read_only)) => wanted.objection(in_recovery, read_only).map(TryError::Unsuitable),
            Err(error) => Some(TryError::Asking(ServerSaid::new(error))),
        };
        match objection {
            None => Ok(connected),
            Some(error) => {
                self.tries.add(place, error);
                Err(Next::Server)
            }
        }
    }
}

/// What libpq does after this: it looks further where nobody was reached, and without TLS where TLS failed and is not a must.
fn after(error: &RouteError) -> Next {
    match error {
        RouteError::Socket(_) | RouteError::TimedOut(_) => Next::Address,
        RouteError::Handshake { .. } | RouteError::Session(_) | RouteError::Name(_) | RouteError::NoProtocol => {
            Next::Fallback
        }
        RouteError::Peer { .. }
        | RouteError::PeerUnknown(_)
        | RouteError::Lost(_)
        | RouteError::NoTls
        | RouteError::NoAnswer
        | RouteError::Stuffed
        | RouteError::NoName => Next::Stop,
    }
}

async fn addresses(server: &Server) -> std::io::Result<Vec<Address>> {
    if let Some(path) = server.socket() {
        return Ok(vec![Address::Unix(path)]);
    }
    if let Some(address) = server.address {
        return Ok(vec![Address::Tcp((address, server.port).into())]);
    }
    let found = tokio::net::lookup_host((server.host.as_str(), server.port)).await?;
    Ok(found.map(Address::Tcp).collect())
}

fn place(server: &Server, address: &Address) -> String {
    match address {
        Address::Tcp(address) if address.ip().to_string() != server.host && !server.host.is_empty() => {
            format!("{server} ({})", address.ip())
        }
        _ => server.to_string(),
    }
}

fn config(settings: &Settings, server: &Server) -> Config {
    let login = &settings.login;
    let mut config = Config::new();
    config.user(&login.user).dbname(&login.dbname).application_name(&login.application_name);
    if let Some(options) = &login.options {
        config.options(options);
    }
    if let Some(password) = &server.password {
        config.password(password.expose_secret());
    }
    config.channel_binding(login.channel_binding);
    // The library is to take the wire as it is: with these two it begins by "a handshake", which Done stands for.
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    config
}

/// Asks the server, on a connection of its own, to stop what another one waits for.
pub(super) async fn cancel(token: &CancelToken, way: &Way) {
    // A server that does not answer is left alone.
    if let Ok((stream, _)) = way.route.open().await {
        let wire = Wire::new(stream, Watch::new(AllowedAuth::default(), Arc::default()));
        let _ = token.cancel_query_raw(wire, Done).await;
    }
}
