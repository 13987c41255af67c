//! `halfbuilt verify --policy`.

use halfbuilt::exit::Exit;

use crate::support::{Seen, TIMES, TestDatabase, VerdictFiles, by_rule, halfbuilt};
use crate::verify_expected_builds::cut;
use crate::what_a_person_sees::shows;

#[test]
fn a_policy_holds_a_restore_to_its_terms() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy", "stuck-running"]));
    let (cut, all) = (cut().remove(0), by_rule("stuck-running")["stuck-running"]);
    let text = format!(
        "[verify]\nallow = {{ stuck-running = {}, output-truncated = 3, impossible-state = 1 }}\nexpect = ['{cut}']\n",
        all - 1
    );
    let policy = files.with("halfbuilt.toml", &text);
    let run = |flags: &[&str]| {
        files.verify().args(&TIMES).args(&["--policy"]).args(&[&policy]).args(flags).on(&database).run()
    };
    let mut seen = Seen::default();
    let done = run(&[]).exits(Exit::Clean);
    seen.add("as the policy allows and expects", &done);
    files.agree(&done);
    // By the environment too, and stricter by a flag; looser is declined, as in delete.
    let stricter = format!("stuck-running={}", all - 2);
    seen.add("a flag is stricter", &run(&["--allow", &stricter]).exits(Exit::Found));
    let variable =
        halfbuilt(&["verify"]).args(&TIMES).on(&database).env("HALFBUILT_POLICY", policy.to_str().expect("a path"));
    variable.run().exits(Exit::Clean);
    let looser = format!("stuck-running={all}");
    for (fault, looser) in [("a flag is looser", &*looser), ("the policy allows none", "output-gap=1")] {
        seen.add(fault, &run(&["--allow", looser]).exits(Exit::Declined).fails_with("error:"));
    }
    // What the policy expects is expected, whatever the flags say.
    database.run(&format!("DELETE FROM builds WHERE build_url = '{cut}'"));
    seen.add("the build that the policy expects is gone", &run(&[]).exits(Exit::Found));
    shows(&seen, "verify_policy_and_flags");
}

#[test]
fn a_policy_that_is_not_understood_is_an_error_with_its_place() {
    let (files, database) = (VerdictFiles::new(), TestDatabase::circleci(&["healthy"]));
    let mut seen = Seen::default();
    for text in
        ["[verify]\nalow = {}\n", "[verify]\nallow = { stuck-runing = 2 }\n", "[verify]\nexpect = ['acme/api 12']\n"]
    {
        let policy = files.with("halfbuilt.toml", text);
        let done = halfbuilt(&["verify", "--policy"]).args(&[&policy]).args(&TIMES).on(&database).run();
        seen.add(text.trim_end(), &done.exits(Exit::Usage).fails_with("error:"));
    }
    shows(&seen, "policies_that_verify_does_not_understand");
    // A policy for deletions alone rules nothing here.
    let policy = files.with("halfbuilt.toml", "[delete]\nmax = 1\n");
    halfbuilt(&["verify", "--policy"]).args(&[&policy]).args(&TIMES).on(&database).run().exits(Exit::Clean);
}
