//! What a person sees of a collection while it goes on.

use std::cell::{Cell, RefCell};
use std::time::Duration;

use crate::output::{Printer, Progress};
use crate::sources::{CollectEvent, Fault};
use crate::text::{Foreign, builds, counted};

/// How many documents that could not be had are named.
const TROUBLES_SHOWN: u64 = 5;

/// Shows a collection.
pub(super) struct Shown {
    progress: RefCell<Option<Progress>>,
    troubles: Cell<u64>,
    printer: Printer,
}

impl Shown {
    pub(super) fn new(printer: Printer) -> Self {
        Self { progress: RefCell::new(None), troubles: Cell::new(0), printer }
    }

    /// Shows an event.
    pub(super) fn event(&self, event: &CollectEvent<'_>) {
        match event {
            CollectEvent::Began { id, continues: true } => {
                self.say(&format!("collection {id} was interrupted, and continues"));
            }
            CollectEvent::Began { id, continues: false } => self.say(&format!("collection {id} begins")),
            CollectEvent::SeesFollowedOnly { login, why } => {
                let login = login.map_or(Foreign::new("the token's user"), Foreign::name);
                self.warn(&format!(
                    "the list of all builds cannot be had ({why}): only builds of projects that {login} follows are collected, and \
                     nothing says how many others there are; give an administrator's token for all"
                ));
            }
            CollectEvent::ClocksApart { apart } => self.warn(&format!(
                "the server's clock is {apart} this machine's: one of the two is wrong, and T, R and ages depend on them"
            )),
            CollectEvent::Lists => self.enter(Progress::open_ended("builds listed", self.printer)),
            CollectEvent::Page(number) => self.advance(*number),
            CollectEvent::Fetches { waiting, kept } => {
                self.end();
                let kept = match kept {
                    0 => String::new(),
                    kept => format!("; {} there already", counted(*kept, "document")),
                };
                self.say(&format!("{} listed to be fetched{kept}", builds(*waiting)));
                self.enter(Progress::counted("fetching", *waiting, self.printer));
            }
            CollectEvent::Fetched | CollectEvent::LookedAtOutput => self.advance(1),
            CollectEvent::Trouble { build_url, why } => {
                self.troubles.set(self.troubles.get() + 1);
                match self.troubles.get() {
                    number if number <= TROUBLES_SHOWN => self.warn(&format!("{}: {why}", Foreign::url(build_url))),
                    number if number == TROUBLES_SHOWN + 1 => {
                        self.warn("more documents could not be had, which are not named here")
                    }
                    _ => {}
                }
            }
            CollectEvent::Gone { build_url } => {
                self.say(&format!("{} is gone since it was listed", Foreign::url(build_url)))
            }
            CollectEvent::LooksAtOutput => {
                self.enter(Progress::open_ended("builds whose output was looked for", self.printer));
            }
        }
    }

    /// Says why nothing seems to happen.
    pub(super) fn waits(&self, wait: Duration, fault: &Fault) {
        let why = Foreign::evidence(&crate::causes::in_one_line(fault));
        self.say(&format!("waiting {:.0} s: {why}", wait.as_secs_f64().ceil()));
    }

    /// Removes the bar.
    pub(super) fn end(&self) {
        *self.progress.borrow_mut() = None;
    }

    fn enter(&self, progress: Progress) {
        self.end();
        *self.progress.borrow_mut() = Some(progress);
    }

    fn advance(&self, number: u64) {
        if let Some(progress) = &*self.progress.borrow() {
            progress.advance_by(number);
        }
    }

    fn say(&self, text: &str) {
        match &*self.progress.borrow() {
            Some(progress) => progress.say(text),
            None => self.printer.say(text),
        }
    }

    fn warn(&self, text: &str) {
        match &*self.progress.borrow() {
            Some(progress) => progress.warn(text),
            None => self.printer.warn(text),
        }
    }
}
