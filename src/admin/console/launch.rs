//! How a console program is started, and which functions it is asked for.

use std::time::Duration;

use super::form;
use crate::admin::clojure::ResolvedFunction;
use crate::admin::error::AdminError;
use crate::admin::function::AdminFn;
use crate::admin::text::foreign;

/// What is needed to start the console, more than once.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) command: String,
    /// The command for messages: short, harmless, and between backquotes because it contains blanks.
    pub(super) address: String,
    pub(super) on_terminal: bool,
    pub(super) start_timeout: Duration,
    /// How long one deletion may take.
    pub(super) timeout: Duration,
    /// The functions to try, in this order.
    pub(super) candidates: Vec<AdminFn>,
}

impl Launch {
    /// Reads the function from the answer to [`form::resolve`].
    pub(super) fn read_function(&self, answer: Result<String, String>) -> Result<ResolvedFunction, AdminError> {
        let address = self.address.clone();
        let (printed, is_value) = answer.map_or_else(|thrown| (thrown, false), |value| (value, true));
        match form::parse_resolved(&printed, &self.candidates) {
            Ok(Some(function)) if is_value => Ok(function),
            Ok(None) if is_value => {
                Err(AdminError::NoFunction { address, tried: self.candidates.clone(), service: None })
            }
            _ => Err(AdminError::Unresolved { address, tried: self.candidates.clone(), said: foreign(&printed) }),
        }
    }
}
