//! Deletions that something happens to: kills, lost connections, servers that stop, lie or talk without end, full disks, and people.
//! Whatever it is, afterwards journal, results, database and what the server really received agree, and nothing is gone that was
//! not chosen.
//!
//! `HALFBUILT_TEST_KILLS` says how often `kill` kills, and how many runs `network` disturbs (about 8 each where it is not set);
//! `HALFBUILT_TEST_SEED` repeats a run of them.

mod bad_servers;
mod goes_back;
mod hostile;
mod interrupted;
mod journal_trouble;
mod kill;
mod liar;
mod network;
mod proxy;
mod random;
mod restarts;
#[path = "../support/mod.rs"]
mod support;
mod two_at_once;
mod world;
