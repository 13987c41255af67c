//! The private PostgreSQL: a cluster of halfbuilt's own on this machine, which runs while a command needs it.
