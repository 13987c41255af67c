//! Connects to PostgreSQL as libpq does, for tokio-postgres: connection strings, service and password files, environment
//! variables, lists of hosts, TLS. Nothing here knows a query.

mod auth;
mod client_certificate;
mod connect;
mod connect_hint;
mod conninfo;
mod error;
#[cfg(feature = "fuzzing")]
pub(crate) mod fuzzing;
mod gather;
mod hosts;
mod keywords;
mod notice;
mod passfile;
mod route;
mod server_error;
mod server_name;
mod service;
mod settings;
mod tls;
mod tries;
mod wire;

pub(crate) use connect::{Connected, ReachedServer, cancel, connect, reconnect};
pub(crate) use error::ConnectError;
pub(crate) use notice::{Notice, NoticeListener};
pub(crate) use server_error::ServerError;
pub(crate) use settings::Settings;
