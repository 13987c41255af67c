//! Parsers that nobody outside needs, opened to the fuzz targets in `tests/fuzz` and to nothing else.
//!
//! It is always there, not only under `cfg(fuzzing)`: `tests/corpus.rs` runs the same bodies over the kept corpora with the library
//! as `cargo test` builds it, where no such flag is set. Nothing here is promised to anybody.

pub use crate::admin::nrepl::fuzzing::{bencode_again, nrepl_answer};
pub use crate::libpq::fuzzing::{connection_string, password, service};
