//! The store in which the server itself keeps its builds, asked through its console: a second proof of what its API answers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;

use crate::admin::{AdminPath, StoreLook};
use crate::build_url::BuildUrl;
use crate::text::Foreign;

/// The function that is asked.
pub(super) const STORE: &str = "circle.model.build/find-one-by-circle-url";

/// The server's own store.
pub(super) struct ServerStore {
    admin: Rc<AdminPath>,
    /// The builds that it had.
    seen: RefCell<BTreeSet<String>>,
}

impl ServerStore {
    pub(super) fn of(admin: Rc<AdminPath>) -> Self {
        Self { admin, seen: RefCell::default() }
    }

    /// How many questions may be under way at once.
    pub(super) fn jobs(&self) -> usize {
        self.admin.jobs()
    }

    pub(super) async fn look_up(&self, build: &str) -> StoreLook {
        match BuildUrl::parse(build) {
            Ok(build) => self.admin.look_up(&build).await,
            Err(_) => StoreLook::NotKnown("it has no address that could be asked for".to_owned()),
        }
    }

    /// Takes note of a build that the store has now.
    pub(super) async fn see(&self, build: &str) {
        if let StoreLook::There = self.look_up(build).await {
            self.seen.borrow_mut().insert(build.to_owned());
        }
    }

    /// Whether the store had the build in this run, and has it no more.
    ///
    /// # Errors
    /// Why that is not known.
    pub(super) async fn has_lost(&self, build: &str) -> Result<(), String> {
        let was_there = self.seen.borrow().contains(build);
        match self.look_up(build).await {
            StoreLook::Nothing if was_there => Ok(()),
            StoreLook::Nothing => Err("nor was it in the server's own store in this run".to_owned()),
            StoreLook::There => Err("the server's own store has it".to_owned()),
            StoreLook::NoFunction => Err(format!("the admin path does not offer {STORE}")),
            StoreLook::NotKnown(why) => {
                Err(format!("the server's own store does not say: {}", Foreign::evidence(&why)))
            }
        }
    }
}
