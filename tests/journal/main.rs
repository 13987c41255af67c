//! The journal on a real disk: what is damaged is found, what was cut is repaired, what was acknowledged is there after
//! a kill, and only one run writes.

mod chain;
mod child;
mod full;
mod kill;
mod lock;
mod meaning;
mod open;
mod samples;
