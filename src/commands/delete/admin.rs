//! The admin path, as a deletion uses it.

use std::rc::Rc;

use crate::admin::{AdminPath, Answer, Freshness, Target};
use crate::deletion::Deleter;

/// The admin path; `None` where nothing is to be sent.
pub(super) struct Admin(pub(super) Option<Rc<AdminPath>>);

impl Deleter for Admin {
    async fn delete(&self, target: Target<'_>, fresh: &Freshness) -> Answer {
        match &self.0 {
            Some(admin) => admin.delete(target, fresh).await,
            None => Answer::Denied("there is no admin path".to_owned()),
        }
    }
}
