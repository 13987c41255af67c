//! Connecting as libpq does: one server of the list after the other, each of its addresses, with TLS and without.
//! Source: PostgreSQL manual, "34.1.1.3. Specifying Multiple Hosts" and "34.19.3. Protection Provided in Different Modes".

use std::sync::Arc;

use secrecy::ExposeSecret;
use tokio_postgres::config::{ChannelBinding, SslMode, SslNegotiation};
use tokio_postgres::error::SqlState;
use tokio_postgres::{CancelToken, Client, Config};

use super::auth::{LoginState, LoginWatch};
use super::error::ConnectError;
use super::hosts::{Server, TargetSessionAttrs, shuffle};
use super::notice::drive;
use super::route::{Address, Encryption, Route, RouteError};
use super::server_error::ServerError;
use super::settings::Settings;
use super::tls::Mode;
use super::tries::{Tries, TryError};
use super::wire::{TlsAlreadyDone, Wire};

/// An open connection, and the server that it leads to.
pub(crate) struct Connected {
    /// The client library's end of it.
    pub client: Client,
    /// The encoding of the database, as PostgreSQL names it.
    pub server_encoding: Option<String>,
    pub server: ReachedServer,
}

/// A server that was reached, and how.
#[derive(Clone)]
pub(crate) struct ReachedServer {
    route: Route,
    /// Its place in the list of servers.
    index: usize,
}

impl ReachedServer {
    /// Whether both have the same address.
    pub(crate) fn is_at_the_address_of(&self, other: &Self) -> bool {
        (self.index, &self.route.address) == (other.index, &other.route.address)
    }
}

/// What to try after a failure.
enum Next {
    /// The same address with the other encryption setting.
    Fallback,
    Address,
    Server,
    /// Nothing. As in libpq, a server that answers and refuses ends the search.
    Stop,
}

/// Connects to the first server of the list that answers and is of the kind that `target_session_attrs` asks for.
///
/// `server_kind` is the statement that asks the server for its kind. Its row has the columns `in_recovery` (boolean) and
/// `read_only` (text, `on` or `off`).
///
/// # Errors
/// No server lets the client in, or none is of that kind.
pub(crate) async fn connect(settings: &Settings, server_kind: &str) -> Result<Connected, ConnectError> {
    let mut order: Vec<usize> = (0..settings.servers.len()).collect();
    if settings.random_order {
        shuffle(&mut order);
    }
    let mut search = Search { settings, server_kind, tries: Tries::default() };
    'search: for target in settings.target.passes() {
        for server in &order {
            match search.try_server(*server, *target).await {
                Ok(connected) => return Ok(connected),
                Err(Next::Stop) => break 'search,
                Err(Next::Fallback | Next::Address | Next::Server) => {}
            }
        }
    }
    Err(no_connection(settings, search.tries))
}

/// Connects once more to a server that was reached before, and to no other.
///
/// # Errors
/// It does not let the client in.
pub(crate) async fn reconnect(settings: &Settings, server: &ReachedServer) -> Result<Connected, ConnectError> {
    let login = in_time(settings, login(settings, server.index, server.route.clone()));
    login.await.map_err(|(error, _)| {
        let mut tries = Tries::default();
        tries.add(&settings.servers[server.index].to_string(), error);
        no_connection(settings, tries)
    })
}

fn no_connection(settings: &Settings, tries: Tries) -> ConnectError {
    ConnectError::NoConnection { server: settings.description().to_owned(), source: tries }
}

struct Search<'a> {
    settings: &'a Settings,
    server_kind: &'a str,
    tries: Tries,
}

impl Search<'_> {
    /// Tries the addresses of one server.
    async fn try_server(&mut self, index: usize, target: TargetSessionAttrs) -> Result<Connected, Next> {
        let server = &self.settings.servers[index];
        let mut addresses = match addresses(server).await {
            Ok(addresses) => addresses,
            Err(error) => {
                self.tries.add(&server.to_string(), TryError::Lookup(error));
                return Err(Next::Server);
            }
        };
        if self.settings.random_order {
            shuffle(&mut addresses);
        }
        for address in addresses {
            let place = place(server, &address);
            let limit = self.settings.timeout;
            let attempt = self.try_address(index, &address, &place, target);
            let outcome = match limit {
                Some(limit) => match tokio::time::timeout(limit, attempt).await {
                    Ok(outcome) => outcome,
                    Err(_) => {
                        self.tries.add(&place, RouteError::TimedOut(limit).into());
                        Err(Next::Address)
                    }
                },
                None => attempt.await,
            };
            match outcome {
                Err(Next::Address | Next::Fallback) => {}
                done => return done,
            }
        }
        Err(Next::Server)
    }

    /// Tries one address, with and without encryption in the order that sslmode asks for.
    async fn try_address(
        &mut self,
        server: usize,
        address: &Address,
        place: &str,
        target: TargetSessionAttrs,
    ) -> Result<Connected, Next> {
        let settings = self.settings;
        let encryptions = match (address, &settings.tls) {
            // As in libpq, a Unix socket is never encrypted.
            (Address::Unix(_), _) | (_, None) => vec![Encryption::None],
            (_, Some(tls)) => match settings.mode {
                Mode::Disable => vec![Encryption::None],
                Mode::Allow => vec![Encryption::None, Encryption::Needed(Arc::clone(tls))],
                Mode::Prefer => vec![Encryption::Offered(Arc::clone(tls)), Encryption::None],
                Mode::Require | Mode::VerifyCa | Mode::VerifyFull => vec![Encryption::Needed(Arc::clone(tls))],
            },
        };
        let last = encryptions.len() - 1;
        for (index, encryption) in encryptions.into_iter().enumerate() {
            let route = Route {
                address: address.clone(),
                name: settings.servers[server].host.clone(),
                options: settings.socket.clone(),
                encryption,
            };
            match login(settings, server, route).await {
                Ok(connected) => return self.check_kind(connected, place, target).await,
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

    /// Asks the server for its kind, unless any will do.
    async fn check_kind(
        &mut self,
        connected: Connected,
        place: &str,
        target: TargetSessionAttrs,
    ) -> Result<Connected, Next> {
        if target == TargetSessionAttrs::Any {
            return Ok(connected);
        }
        let asked = connected.client.query_typed_one(self.server_kind, &[]).await;
        let answer =
            asked.and_then(|row| Ok((row.try_get("in_recovery")?, row.try_get::<_, &str>("read_only")? == "on")));
        let objection = match answer {
            Ok((in_recovery, read_only)) => target.objection(in_recovery, read_only).map(TryError::Unsuitable),
            Err(error) => Some(TryError::Asking(ServerError::new(error))),
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

/// Ends a login that takes longer than one address may take.
async fn in_time(
    settings: &Settings,
    login: impl Future<Output = Result<Connected, (TryError, Next)>>,
) -> Result<Connected, (TryError, Next)> {
    let Some(limit) = settings.timeout else { return login.await };
    let timed_out = |_| Err((RouteError::TimedOut(limit).into(), Next::Stop));
    tokio::time::timeout(limit, login).await.unwrap_or_else(timed_out)
}

/// Connects by one route, and logs in.
async fn login(settings: &Settings, index: usize, mut route: Route) -> Result<Connected, (TryError, Next)> {
    let (stream, encrypted) = route.open().await.map_err(|error| {
        let next = next_after(&error);
        (error.into(), next)
    })?;
    // A later connection, to cancel or to reconnect, takes the same route.
    route.encryption = match route.encryption {
        Encryption::Offered(tls) if encrypted => Encryption::Needed(tls),
        Encryption::Offered(_) => Encryption::None,
        other => other,
    };
    let state = Arc::new(LoginState::default());
    let mut wire = Wire::new(stream, LoginWatch::new(Arc::clone(&state)));
    if settings.login.channel_binding != ChannelBinding::Disable {
        wire.insist_on_binding();
    }
    match config(settings, &settings.servers[index]).connect_raw(wire, TlsAlreadyDone).await {
        Ok((client, connection)) => {
            let server_encoding = connection.parameter("server_encoding").map(str::to_owned);
            tokio::spawn(drive(connection, settings.listener.clone()));
            Ok(Connected { client, server_encoding, server: ReachedServer { route, index } })
        }
        Err(error) => {
            if let Some(error) = state.broken_off() {
                return Err((TryError::Auth(error), Next::Stop));
            }
            let next = match error.code() {
                // A standby that does not let anybody in yet, or a server that stops.
                Some(code) if *code == SqlState::CANNOT_CONNECT_NOW => Next::Server,
                Some(_) if !state.authenticated() && (encrypted || settings.mode == Mode::Allow) => Next::Fallback,
                _ => Next::Stop,
            };
            Err((TryError::Login(ServerError::new(error)), next))
        }
    }
}

/// What libpq tries after this: the next address where nobody answered, and the other encryption setting where TLS failed.
fn next_after(error: &RouteError) -> Next {
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
        | RouteError::ExtraBytes
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
    // The library is to take the wire as it is: with these two it begins with a handshake, for which TlsAlreadyDone stands.
    config.ssl_mode(SslMode::Require).ssl_negotiation(SslNegotiation::Direct);
    config
}

/// Asks the server, on a connection of its own, to stop the statement that runs on another one. Whether it does so is not known.
pub(crate) async fn cancel(token: &CancelToken, server: &ReachedServer) {
    if let Ok((stream, _)) = server.route.open().await {
        let wire = Wire::new(stream, LoginWatch::default());
        let _ = token.cancel_query_raw(wire, TlsAlreadyDone).await;
    }
}
