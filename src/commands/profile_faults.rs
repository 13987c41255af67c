//! The faults of a profile as `profiles --check` lists them.

use crate::causes::distinct_causes;
use crate::output::Listing;
use crate::scan::ScanError;

/// What is said of the faults of one part; `None` where it was not tried.
pub(super) fn verdict(faults: Option<&[ScanError]>) -> &'static str {
    match faults {
        None => "not tried",
        Some([]) => "ok",
        Some(_) => "fault",
    }
}

/// Lists them below the latest row, each with its causes and what to do next.
pub(super) fn add_faults(listing: &mut Listing, faults: &[ScanError]) {
    for fault in faults {
        listing.note(&fault.to_string());
        distinct_causes(fault).iter().for_each(|cause| listing.note(&format!("  caused by: {cause}")));
        if let Some(hint) = fault.hint().filter(|_| has_its_own_hint(fault)) {
            listing.note(&format!("  hint: {hint}"));
        }
    }
}

/// Whether what to do next depends on the fault. For columns it is the same, and appears once, at the end.
pub(super) fn has_its_own_hint(fault: &ScanError) -> bool {
    matches!(fault, ScanError::Misfit { .. } | ScanError::Keys { .. })
}
