//! Which words of a program may be shown. What it says on standard error may hold a secret in any form, so no pattern finds all of them: only a
//! line that is made of known words is shown.

/// The longest line that is shown, in bytes.
const LINE: usize = 200;
/// The words of plain messages. None of them names a secret, and none of them is one.
const WORDS: &str = "a about accept accepted access active after again agent all already an and another any app application are argument \
     arguments as at available bad be because been before being broken busy by call can canceled cancelled cannot certificate check client \
     closed cluster command config configuration configured connect connected connecting connection could daemon database deadline \
     denied deployed did directory disabled disk does down empty enabled end ended endpoint error errors exceeded execute executed \
     exist exists exit exited expected expired fail failed failure fatal file files find for found from full get given had has have host in \
     inactive info initialized input installed instance internal interrupted invalid io is it its item job killed large leader left level \
     license limit listening loaded local lock locked long lookup lost machine many memory message missing mount mounted must name \
     names network no node none nor not nothing of off on open opened operation option or other out output parse parsed path permission \
     permitted pipe pod please port process program queue read ready reachable reached read-only refused rejected remote replicated \
     request requested required reset resolve resource response restart restarted retry return returned root run running server service \
     services set shell show signal since socket space start started starting state status still stop stopped such support supported \
     syntax system than that the there this time timed timeout to too try trying unable unauthorized unavailable unexpected unit unknown \
     unreachable unrecognized unsupported until up usage use used user valid version wait waiting warning was were what when while \
     will with without wrong yet you";

/// A line if all of its words are known, or are the name of the program that says it.
pub(super) fn harmless<'a>(line: &'a str, program: &str) -> Option<&'a str> {
    let own = program.rsplit('/').next().unwrap_or_default();
    let is_known = |word: &str| {
        let word = word.trim_matches(|c: char| ".,:;!?'\"`()[]".contains(c));
        word.is_empty()
            || word.eq_ignore_ascii_case(own)
            || WORDS.split(' ').any(|known| known.eq_ignore_ascii_case(word))
    };
    (line.len() <= LINE && line.split_whitespace().all(is_known)).then_some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_messages_are_shown() {
        for text in [
            "cannot connect to replicated",
            "Cannot connect to the Docker daemon",
            "error: permission denied",
            "docker: command not found",
            "Error: the server could not be reached (connection refused)!",
            "usage: docker [command]",
        ] {
            assert_eq!(harmless(text, "/usr/bin/docker"), Some(text));
        }
        assert_eq!(harmless("docker: command not found", "nomad"), None);
    }

    #[test]
    fn a_line_with_any_other_word_is_not() {
        for text in [
            "DB_PASS=hunter2",
            "pass: hunter",
            "password is hunter",
            "PASSWORD hunter21",
            "curl -u admin:hunter2 h",
            "mysql -phunter2",
            "mysql -p hunter",
            "https://h/?sig=hunter2",
            "Cookie: session=hunter2",
            "Authorization: Digest hunter2",
            "X-Auth: hunter2",
            "\"auth\":\"hunter2\"",
            "bearer=hunter2",
            "PGPASSWORD=x hunter47",
            "secret=a,b hunter44",
            "error: eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln",
            "access denied for AKIAIOSFODNN7EXAMPLE",
            "cannot connect to /run/hunter2",
            "connection refused:hunter",
            "error 4711",
            "failed\u{1b}[31m",
        ] {
            assert_eq!(harmless(text, "asks"), None, "{text}");
        }
        assert_eq!(harmless(&"a ".repeat(101), "asks"), None);
    }

    proptest::proptest! {
        #[test]
        fn no_random_word_is_shown(secret in "[a-zA-Z0-9+/_-]{14,40}", before in "(error: |denied |token=|)", after in "( is wrong|;|)") {
            let line = format!("{before}{secret}{after}");
            proptest::prop_assert_eq!(harmless(&line, "asks"), None);
        }
    }
}
