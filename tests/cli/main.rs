//! The program as a user runs it, against real servers: PostgreSQL, a Clojure nREPL, an HTTP server.
//!
//! One private PostgreSQL and one admin server are started for all tests, on free ports of this machine, and end with
//! the process, however it ends. A server that does not start fails the tests that need it.

mod archive;
mod as_psql;
mod bad_input;
mod baseline;
mod baseline_verdict;
mod buildbot;
mod cases;
mod ci_log;
mod clocks;
mod conductor;
mod connection;
mod continued;
mod delete;
mod delete_console;
mod delete_http;
mod delete_nrepl;
mod drill;
mod files;
mod freshness;
mod gates;
mod gone;
mod habits;
mod journal;
mod kept;
mod limits;
mod manifest;
mod odd_data;
mod odd_files;
mod own_sql;
mod pgbouncer;
mod pooler;
mod profiles;
mod report;
mod report_origin;
mod report_trust;
mod role;
mod rules;
mod scan;
mod standby;
mod sums;
mod support;
mod times;
mod tls;
mod trust;
mod verdict;
mod verify;
