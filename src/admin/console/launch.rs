//! How a console program is started, and the function that it is asked for.

use std::time::Duration;

use super::form;
use crate::admin::clojure::Function;
use crate::admin::error::AdminError;
use crate::admin::function::AdminFn;
use crate::admin::text::shown;

/// What it takes to start the console once more.
#[derive(Debug)]
pub(super) struct Launch {
    pub(super) command: String,
    /// The same for messages: bounded, escaped, and between backquotes, for it holds blanks.
    pub(super) address: String,
    pub(super) on_terminal: bool,
    pub(super) start_timeout: Duration,
    /// How long one deletion may take.
    pub(super) timeout: Duration,
    /// The functions to look for, in this order.
    pub(super) candidates: Vec<AdminFn>,
}

impl Launch {
    /// The function that the answer to [`form::resolve`] names.
    pub(super) fn function(&self, answer: Result<String, String>) -> Result<Function, AdminError> {
        let address = self.address.clone();
        let (printed, is_value) = answer.map_or_else(|thrown| (thrown, false), |value| (value, true));
        match form::resolved(&printed, &self.candidates) {
            Ok(Some(function)) if is_value => Ok(function),
            Ok(None) if is_value => Err(AdminError::NoFunction { address, tried: self.candidates.clone() }),
            _ => Err(AdminError::Unresolved { address, tried: self.candidates.clone(), said: shown(&printed) }),
        }
    }
}
