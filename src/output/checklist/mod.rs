//! A checklist for people, a ticket and a CI's page of tests.

mod junit;
mod markdown;
mod page;

pub use junit::write as write_checklist_junit;
pub use markdown::write as write_checklist_markdown;
pub use page::checklist_page;
