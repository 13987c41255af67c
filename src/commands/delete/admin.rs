//! The admin path, as a deletion uses it.

use std::rc::Rc;

use crate::admin::{AdminPath, Answer, Freshness, Target};
use crate::deletion::Deleter;
use crate::request_path::RequestPath;

const NO_ADMIN_PATH: &str = "there is no admin path";

/// The admin path; `None` where nothing is to be sent.
pub(super) struct Admin(pub(super) Option<Rc<AdminPath>>);

impl Deleter for Admin {
    async fn cancel(&self, path: &RequestPath, fresh: &Freshness) -> Answer {
        match &self.0 {
            Some(admin) => admin.cancel(path, fresh).await,
            None => Answer::Denied(NO_ADMIN_PATH.to_owned()),
        }
    }

    async fn delete(&self, target: Target<'_>, fresh: &Freshness) -> Answer {
        match &self.0 {
            Some(admin) => admin.delete(target, fresh).await,
            None => Answer::Denied(NO_ADMIN_PATH.to_owned()),
        }
    }
}
