//! The audit page and the ticket as whole documents: parsed back, held to what they promise, and two small ones to the
//! letter. `INSTA_UPDATE=always cargo test --test page` accepts what has changed; look at it before you do.

mod browser;
mod golden;
mod markdown;
mod promises;
mod samples;
