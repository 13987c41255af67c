//! The answer of an nREPL to one request.

use halfbuilt::admin::Answer;
use halfbuilt::fuzzing::nrepl_answer;

/// The answer does not depend on how it is cut, or on what follows. It is printable. It is a success only with a value.
pub fn check(bytes: &[u8]) {
    let answer = match super::read_all_cuts(bytes, |pieces| nrepl_answer(pieces)) {
        Ok(answer) => answer,
        Err(error) => return super::assert_error_printable(&error),
    };
    let Some(answer) = answer else { return };
    super::assert_printable(answer.text());
    assert!(answer.text().chars().count() <= 600, "{} characters", answer.text().chars().count());
    assert_eq!(
        nrepl_answer([bytes, b"d2:id1:15:value1:xe garbage"]),
        Ok(Some(answer.clone())),
        "what follows changes it"
    );
    let holds = |word: &[u8]| bytes.windows(word.len()).any(|found| found == word);
    match answer {
        Answer::Accepted(_) => {
            assert!(holds(b"5:value") && holds(b"4:done"), "a success without a value, or before it was done");
        }
        Answer::Failed(_) => {}
        other => panic!("an nREPL cannot say {other:?}"),
    }
}
