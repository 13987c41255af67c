//! How chosen builds are searched for.

use std::collections::HashMap;

use crate::build_url::AddressForm;
use crate::deletion::plan::Reading;
use crate::report::Chosen;

/// Where chosen builds are searched for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// As the plan is made: also builds that have one of the addresses and another number or key, or that resemble one. This may take a look
    /// at every build.
    Plan,
    /// By their names or keys, which is quick.
    Quick,
    /// By their names or keys, and by their addresses whatever their keys are now. Where every letter of an address counts this takes a look at
    /// every build.
    Everywhere,
}

/// How chosen builds are searched for.
pub(super) struct Search {
    /// How their addresses are written.
    pub(super) form: AddressForm,
    pub(super) reach: Reach,
    pub(super) keys: KnownKeys,
}

impl Search {
    /// As the plan is made.
    pub(super) fn of(form: AddressForm) -> Self {
        Self { form, reach: Reach::Plan, keys: KnownKeys::default() }
    }

    /// Notes the keys of builds that were found while the plan is made, where every letter of an address counts: later they are read by
    /// these.
    pub(super) fn note(&mut self, chosen: &[&Chosen], readings: &[Reading]) {
        if self.reach == Reach::Plan && self.form == AddressForm::AsWritten {
            self.keys.note(chosen, readings);
        }
    }
}

/// The keys of builds by their addresses, as they were when the plan was made.
#[derive(Default)]
pub(super) struct KnownKeys(HashMap<String, String>);

impl KnownKeys {
    /// Notes the builds that were found.
    pub(super) fn note(&mut self, chosen: &[&Chosen], readings: &[Reading]) {
        for (chosen, reading) in chosen.iter().zip(readings) {
            if let (Some(url), Reading::There(found)) = (&chosen.url, reading) {
                self.0.insert(url.to_string(), found.key.clone());
            }
        }
    }

    pub(super) fn get(&self, address: &str) -> Option<&String> {
        self.0.get(address)
    }
}
