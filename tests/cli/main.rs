//! The program as a user runs it, against real servers: PostgreSQL, a Clojure nREPL, an HTTP server.
//!
//! One private PostgreSQL and one admin server are started for all tests, on free ports of this machine, and end with
//! the process, however it ends. A server that does not start fails the tests that need it.

mod connect;
mod connect_as_psql;
mod connect_as_psql_hosts;
mod connect_as_psql_tls;
mod connect_pgbouncer;
mod connect_pooler;
mod connect_role;
mod connect_tls;
mod delete;
mod delete_already_gone;
mod delete_archive;
mod delete_archive_sections;
mod delete_console;
mod delete_continued;
mod delete_gates;
mod delete_http;
mod delete_lock;
mod delete_nrepl;
mod delete_read_again;
mod delete_report_metadata;
mod files_overlap;
mod files_special;
mod input_errors;
mod journal;
mod manifest;
mod output_ci_log;
mod profiles;
mod readme;
mod readme_checks;
mod report;
mod report_claims;
mod rules;
mod rules_composed;
mod scan;
mod scan_bug_reports;
mod scan_buildbot;
mod scan_clocks;
mod scan_conductor;
mod scan_damaged;
mod scan_empty;
mod scan_encodings;
mod scan_habits;
mod scan_live_builds;
mod scan_odd_values;
mod scan_output;
mod scan_own_sql;
mod scan_prefilter;
mod scan_schemas;
mod scan_server_limits;
mod scan_server_warnings;
mod scan_standby;
mod scan_times;
#[path = "../support/mod.rs"]
mod support;
mod verify;
mod verify_baseline;
mod verify_baseline_output;
mod verify_expected_builds;
mod verify_output;
mod verify_policy;
mod verify_restore_drill;
mod what_a_person_sees;
