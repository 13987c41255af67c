//! Globs of projects. The first line of an input is a glob, the others are projects.

use halfbuilt::project_glob::{DeniedProjects, ProjectGlobs};

/// A glob denies at least what it chooses, in any case of the letters. A project's own name chooses it. An error is printable.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let mut lines = text.lines().map(str::to_owned);
    let Some(glob) = lines.next() else { return };
    let projects: Vec<String> = lines.collect();
    let mut denied = DeniedProjects::default();
    let denial = denied.add(std::slice::from_ref(&glob), "--deny");
    let chosen = match ProjectGlobs::new(std::slice::from_ref(&glob)) {
        Ok(chosen) => chosen,
        Err(error) => {
            assert!(denial.is_err(), "{glob:?} chooses nothing, and denies");
            return super::assert_error_printable(&error);
        }
    };
    assert!(denial.is_ok(), "{glob:?} chooses, and cannot deny");
    for project in &projects {
        let why = denied.denies([project.as_str()]);
        assert!(why.is_some() || !chosen.matches(Some(project)), "{glob:?} chooses {project:?}, and does not deny it");
        let [lower, upper] =
            [project.to_lowercase(), project.to_uppercase()].map(|name| denied.denies([name.as_str()]).is_some());
        assert!(lower == upper || !project.is_ascii(), "{glob:?} denies {project:?} in one case only");
        assert!(why.is_some() || !lower, "{glob:?} denies {project:?} in another case only");
        let own: String =
            project.chars().map(|c| if "*?[]".contains(c) { format!("[{c}]") } else { c.to_string() }).collect();
        let own = ProjectGlobs::new(&[own]).expect("a glob");
        assert!(own.matches(Some(project)), "{project:?} does not match its own name");
    }
    assert_eq!(
        chosen.unmatched(&projects).count(),
        usize::from(!projects.iter().any(|project| chosen.matches(Some(project))))
    );
    assert!(!chosen.matches(None), "a build of no project was chosen by {glob:?}");
}
