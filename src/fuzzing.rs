//! Parsers for the fuzz targets in `tests/fuzz` and for `tests/corpus.rs`, which runs the same targets over the kept corpora. The
//! program is built without the feature `fuzzing`, and so without these.

pub use crate::admin::nrepl::fuzzing::{bencode_again, nrepl_answer};
pub use crate::checklist::fuzzing::checklist;
pub use crate::libpq::fuzzing::{connection_string, password, service};
pub use crate::objects::fuzzing::listing;
pub use crate::sources::fuzzing::{document, json_text, output, page};
pub use crate::times::fuzzing::evidence;
