//! Whether a host name that stands in a configuration leads to this machine.

use std::net::IpAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use crate::checklist::addresses::in_words;
use crate::checklist::host_name;
use crate::checklist::look::{Context, Look};
use crate::text::Foreign;

/// The names that this machine answers itself.
const HOSTS: &str = "/etc/hosts";
/// How long the resolver may take.
const RESOLVING: Duration = Duration::from_secs(10);

/// Tests a host name, or an address, with a port or without.
pub(super) async fn test(value: &str, source: &str, context: &Context) -> Look {
    if value.trim().is_empty() {
        return Look::todo(format!("{source}: no host name is configured"));
    }
    let Some(host) = host_name::plain(value) else {
        return Look::todo(format!("{source}: what is configured is no host name"));
    };
    let (host, shown) = (host.as_str(), Foreign::name(&host));
    let _ = context.found_host.set(shown.to_string());
    if let Some(wanted) = context.host.as_deref().filter(|wanted| *wanted != host) {
        return Look::todo(format!(
            "{source}: the configured host is {shown}, and --host is {}",
            Foreign::name(wanted)
        ));
    }
    let addresses = match &context.addresses {
        Ok(addresses) => addresses,
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
        if is_own_entry(host, context) {
            return Look::Blind(format!(
                "{source}: {shown} leads to {here} by {HOSTS} of this machine alone: ask DNS where others find it"
            ));
        }
        return Look::todo(format!("{source}: {shown} leads to {here}: no other machine finds this one by it"));
    }
    match context.knows_public {
        true => Look::todo(format!("{source}: {shown} leads to {here}, and this machine has {own}")),
        false => Look::Blind(format!(
            "{source}: {shown} leads to {here}, and this machine has {own}; is that its public address? --public-ip says it"
        )),
    }
}

/// Whether this machine itself gives a name to its loopback, as installers do with the machine's own: others are told what DNS has.
fn is_own_entry(host: &str, context: &Context) -> bool {
    let text = context.tree.read(HOSTS).unwrap_or_default();
    gives_loopback(&String::from_utf8_lossy(&text), host)
}

fn gives_loopback(hosts: &str, host: &str) -> bool {
    let is_entry = |line: &str| {
        let mut words = line.split('#').next().unwrap_or_default().split_whitespace();
        let is_loopback =
            words.next().and_then(|word| word.parse::<IpAddr>().ok()).is_some_and(|own| own.is_loopback());
        is_loopback && words.any(|name| host_name::plain(name).as_deref() == Some(host))
    };
    let is_for_itself = host == "localhost" || host.ends_with(".localhost");
    !is_for_itself && hosts.lines().any(is_entry)
}

#[cfg(test)]
mod tests {
    use super::gives_loopback;

    #[test]
    fn what_the_hosts_file_gives_to_loopback_is_known() {
        let hosts = "# 127.0.0.1 a\n127.0.0.1 localhost\n127.0.1.1\tCI.example.com ci # b\n10.0.1.7 c\n::1 six\n";
        let known = ["ci.example.com", "ci", "six"];
        for name in ["ci.example.com", "ci", "six", "a", "b", "c", "localhost", "127.0.1.1"] {
            assert_eq!(gives_loopback(hosts, name), known.contains(&name), "{name}");
        }
    }
}
