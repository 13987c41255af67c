//! A gate before the deletions of a database: some pass, and the others wait until the test lets them go. So a test is in the middle of
//! a run for as long as it wants, however fast the machine is.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};

use super::wait_until;

/// The advisory lock that the test holds and each deletion wants.
const LOCK: u32 = 10;

/// A closed gate. It is opened at the latest when this is dropped.
pub struct Gate {
    psql: String,
    variables: Vec<(String, String)>,
    /// A psql whose session holds the lock.
    holder: Child,
}

impl Gate {
    /// From now on `free` deletions of builds pass, and all others wait. `psql` is the program, `variables` say where the database is.
    #[track_caller]
    pub fn after(free: u32, psql: String, variables: Vec<(String, String)>) -> Self {
        let mut holder = Command::new(&psql)
            .args(["-wXqAt", "-v", "ON_ERROR_STOP=1"])
            .envs(variables.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("psql starts");
        let sql = format!(
            "CREATE SEQUENCE public.deletions;
             CREATE FUNCTION public.gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
               IF nextval('public.deletions') > {free} THEN PERFORM pg_advisory_xact_lock_shared({LOCK}); END IF;
               RETURN OLD; END $$;
             CREATE TRIGGER gate BEFORE DELETE ON public.builds FOR EACH ROW EXECUTE FUNCTION public.gate();
             SELECT 'closed' FROM pg_advisory_lock({LOCK});\n"
        );
        holder.stdin.as_mut().expect("a pipe").write_all(sql.as_bytes()).expect("psql reads");
        let mut line = String::new();
        BufReader::new(holder.stdout.take().expect("a pipe")).read_line(&mut line).expect("psql answers");
        assert_eq!(line, "closed\n");
        Self { psql, variables, holder }
    }

    /// Waits until at least so many deletions stand before the gate, or behind one that does.
    #[track_caller]
    pub fn wait_for(&self, number: u32) {
        let waiting =
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'";
        wait_until(|| {
            let mut command = Command::new(&self.psql);
            command.args(["-wXqAt", "-c", waiting]).envs(self.variables.iter().map(|(name, value)| (name, value)));
            let output = command.output().expect("psql starts");
            let count = String::from_utf8_lossy(&output.stdout).trim().parse::<u32>();
            count.expect("a number") >= number
        });
    }

    /// Lets all go.
    pub fn open(self) {}
}

impl Drop for Gate {
    fn drop(&mut self) {
        // The session ends with its input, and the lock with the session.
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}
