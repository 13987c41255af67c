//! Whether a host name that stands in a configuration leads to this machine.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::checklist::addresses::in_words;
use crate::checklist::look::{Context, Look};
use crate::text::Foreign;

/// How long the resolver may take.
const RESOLVING: Duration = Duration::from_secs(10);

/// Tests a host name, or an address, with a port or without.
pub(super) async fn test(value: &str, source: &str, context: &Context) -> Look {
    let host = without_port(value.trim());
    let shown = Foreign::name(host);
    if host.is_empty() {
        return Look::todo(format!("{source}: no host name is configured"));
    }
    let _ = context.found_host.set(shown.to_string());
    if let Some(wanted) = context.host.as_deref().filter(|wanted| !wanted.eq_ignore_ascii_case(host)) {
        return Look::todo(format!(
            "{source}: the configured host is {shown}, and --host is {}",
            Foreign::name(wanted)
        ));
    }
    let addresses = match &context.addresses {
        Ok(addresses) => addresses,
        Err(why) if context.machine.as_deref().is_some_and(|name| name.eq_ignore_ascii_case(host)) => {
            return Look::right(format!("{source}: {shown} is the machine's own name (its addresses: {why})"));
        }
        Err(why) => return Look::Blind(format!("{source}: the configured host is {shown}; {why}")),
    };
    let found = match host.parse::<IpAddr>() {
        Ok(address) => vec![address],
        Err(_) if !context.tree.is_this_machine() => {
            return Look::Blind(format!("{source}: the configured host is {shown}; with --root no name is looked up"));
        }
        Err(_) => match timeout(RESOLVING, lookup_host((host, 443))).await {
            Ok(Ok(found)) => found.map(|socket| socket.ip()).collect(),
            // By what libc says of EAI_AGAIN: the resolver failed, and not the name.
            Ok(Err(error))
                if ["Temporary failure", "Try again"].iter().any(|text| error.to_string().contains(text)) =>
            {
                return Look::Blind(format!("{source}: {shown} cannot be looked up: {error}"));
            }
            Ok(Err(error)) => return Look::todo(format!("{source}: {shown} leads nowhere: {error}")),
            Err(_) => return Look::Blind(format!("{source}: {shown}: the resolver did not answer in {RESOLVING:?}")),
        },
    };
    let (here, own) = (in_words(&found), in_words(addresses));
    if found.iter().any(|address| addresses.contains(&address.to_canonical())) {
        return Look::right(format!("{source}: {shown} leads to {here}, which is this machine"));
    }
    if found.iter().any(IpAddr::is_loopback) {
        return Look::todo(format!("{source}: {shown} leads to {here}: no other machine finds this one by it"));
    }
    match context.knows_public {
        true => Look::todo(format!("{source}: {shown} leads to {here}, and this machine has {own}")),
        false => Look::Blind(format!(
            "{source}: {shown} leads to {here}, and this machine has {own}; is that its public address? --public-ip says it"
        )),
    }
}

fn without_port(text: &str) -> &str {
    match text.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && !host.contains(':') => host,
        _ => text.trim_matches(['[', ']']),
    }
}
