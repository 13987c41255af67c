//! Parsers of connection strings and files, for the fuzz targets. Nothing here reads a file.

use super::conninfo::{self, Keywords};
use super::error::ConnectError;
use super::hosts::servers;
use super::service::{LineFault, Pair};
use super::{passfile, service as services};

/// Reads a connection string of either form.
///
/// # Errors
/// The text is no connection string.
pub fn connection_string(text: &str) -> Result<Keywords, ConnectError> {
    Ok(conninfo::parse(text)?)
}

/// The password that a password file has for a host on port 5432.
///
/// # Errors
/// The host cannot be one.
pub fn password(file: &[u8], host: &str, dbname: &str, user: &str) -> Result<Option<Vec<u8>>, ConnectError> {
    let servers = servers(Some(host), None, None)?;
    Ok(servers.first().and_then(|server| passfile::look_up(file, server, dbname, user)))
}

/// The keywords that a service file has for a service; `None` where it has no such service.
///
/// # Errors
/// The line at fault, and what is wrong with it.
pub fn service(file: &str, name: &str) -> Result<Option<Vec<Pair>>, LineFault> {
    services::parse(file, name)
}
