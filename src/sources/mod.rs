//! Where builds come from that no SQL reaches: documents of a CI's API, collected into PostgreSQL.
//!
//! [`Api`] asks the server, [`Store`] keeps what it says, and [`collect`](Collector) is the story: list, fetch, list again. What a document
//! means is for a profile, in SQL.

mod address;
mod answer;
mod api;
mod body;
mod collector;
mod document;
mod error;
mod fetch;
#[cfg(feature = "fuzzing")]
pub mod fuzzing;
mod gone;
mod json_text;
mod listing;
mod objects;
mod one_question;
mod outputs;
mod pace;
pub mod private;
mod refetch;
mod store;
mod store_error;
mod store_objects;

pub use address::{Address, AddressError};
pub use answer::Fault;
pub use api::{Api, ApiOptions, OnWait};
pub use collector::{CollectEvent, CollectPlan, Collected, Collector, Sight};
pub use error::CollectError;
pub use one_question::{Question, Reply};
pub use refetch::{Refetched, Refetcher};
pub use store::{Store, Totals};
pub use store_error::StoreError;
