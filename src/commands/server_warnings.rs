//! Shows what the database server says besides its answers, each thing once.

use std::sync::{Arc, Mutex, PoisonError};

use crate::database::{Notice, NoticeListener};
use crate::output::Printer;
use crate::text::counted;

/// How many different things of a server are shown.
const NOTICES_SHOWN: usize = 10;

/// Shows the server's notices and warnings, of whichever connection. When it is dropped, it says how many it has not shown.
#[derive(Clone, Debug, Default)]
pub(super) struct ServerWarnings(Arc<Heard>);

#[derive(Debug, Default)]
struct Heard {
    printer: Printer,
    notices: Mutex<Notices>,
}

#[derive(Debug, Default)]
struct Notices {
    shown: Vec<Notice>,
    /// How many others there were.
    others: u64,
}

impl ServerWarnings {
    /// What a connection has to call. It does not keep this value alive.
    pub(super) fn listener(&self) -> NoticeListener {
        let heard = Arc::downgrade(&self.0);
        Arc::new(move |notice| {
            if let Some(heard) = heard.upgrade() {
                heard.hear(notice);
            }
        })
    }
}

impl Heard {
    fn hear(&self, notice: &Notice) {
        let mut notices = self.notices.lock().unwrap_or_else(PoisonError::into_inner);
        if notices.shown.contains(notice) {
            return;
        }
        if notices.shown.len() >= NOTICES_SHOWN {
            notices.others += 1;
            return;
        }
        notices.shown.push(notice.clone());
        self.printer.warn(&format!("the server says: {notice}"));
    }
}

impl Drop for Heard {
    fn drop(&mut self) {
        let notices = self.notices.get_mut().unwrap_or_else(PoisonError::into_inner);
        if notices.others > 0 {
            let others = counted(notices.others, "notice");
            self.printer.warn(&format!("the server said more, which is not shown: {others}"));
        }
    }
}
