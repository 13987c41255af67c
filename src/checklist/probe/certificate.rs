//! Tests of a TLS certificate, of a file or of a server.

use jiff::SignedDuration;

use crate::checklist::certificate::Certificate;
use crate::checklist::look::{Context, Look};
use crate::checklist::outcome::Fault;
use crate::duration::in_words as length_in_words;
use crate::text::Foreign;

/// Whether a certificate is for the host, and still holds.
pub(super) fn test(found: &Certificate, name: &str, holds_for: SignedDuration, context: &Context) -> Look {
    let mut faults = Vec::new();
    let until = found.not_after;
    let names = found.names_in_words();
    if until <= context.now {
        faults.push(Fault::new(format!("{name}: the certificate ended at {until}")));
    } else if until.duration_since(context.now) < holds_for {
        let left = length_in_words(until.duration_since(context.now));
        faults.push(Fault::new(format!("{name}: the certificate ends at {until}, in {left}")));
    }
    if found.not_before > context.now {
        faults.push(Fault::new(format!("{name}: the certificate begins to hold at {}", found.not_before)));
    }
    let unseen = match context.configured_host() {
        Ok(host) if found.covers(host) => Vec::new(),
        Ok(host) => {
            let what = format!("{name}: the certificate is for {names}, not for {}", Foreign::name(host));
            faults.push(Fault::new(what));
            Vec::new()
        }
        Err(why) => vec![format!("{name}: the certificate is for {names}, until {until:.0}; {why}")],
    };
    Look::all(faults, unseen, vec![format!("{name}: for {names}, until {until:.0}")])
}
