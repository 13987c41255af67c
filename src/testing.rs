//! What several tests of this crate begin with.

use jiff::Timestamp;

use crate::drill::Circumstances;
use crate::finding::Finding;
use crate::timing::{RestoreTimes, Timing};

/// A build that the backup cut, and of which nothing else is known.
pub(crate) fn finding() -> Finding {
    Finding {
        key: String::new(),
        build_url: None,
        project: None,
        build_num: None,
        lifecycle: None,
        status: None,
        queued_at: None,
        started_at: None,
        stopped_at: None,
        last_activity_at: None,
        last_work_at: None,
        timing: Timing::InFlight,
        reasons: vec!["stuck-running".to_owned()],
        evidence: String::new(),
        steps: None,
        steps_unfinished: None,
        output_expected: None,
        output_stored: None,
        same_address: None,
        delete_path: None,
        cancel_path: None,
        obstacles: Vec::new(),
        unlisted: false,
        fingerprint: String::new(),
    }
}

/// A run of which nothing is known, in 1970.
pub(crate) fn circumstances() -> Circumstances {
    Circumstances {
        collection: None,
        database: None,
        profile: None,
        times: RestoreTimes::new(None, None),
        baseline: None,
        started_at: Timestamp::UNIX_EPOCH,
        ended_at: Timestamp::UNIX_EPOCH,
    }
}
