//! Where builds come from that no SQL reaches: documents of a CI's API, collected into PostgreSQL.

pub mod private;
