//! Which rows of a report are meant: all, or those of some reasons and projects.

use crate::project_glob::ProjectGlobs;
use crate::report::Chosen;

/// Keeps the rows that have one of the reasons (any, where none is named) and are of a chosen project.
pub fn choose(rows: Vec<Chosen>, reasons: &[String], projects: &ProjectGlobs) -> Vec<Chosen> {
    let of_reason = |row: &Chosen| reasons.is_empty() || row.reasons.iter().any(|reason| reasons.contains(reason));
    rows.into_iter().filter(|row| of_reason(row) && projects.matches(row.project.as_deref())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(project: &str, reasons: &[&str]) -> Chosen {
        Chosen {
            line: 2,
            url_text: String::new(),
            url: None,
            project: Some(project.to_owned()),
            reasons: reasons.iter().map(ToString::to_string).collect(),
            judged: None,
        }
    }

    #[test]
    fn both_choices_have_to_fit() {
        let rows = vec![row("acme/api", &["a", "b"]), row("acme/web", &["c"]), row("tools/lib", &["a"])];
        let globs = ProjectGlobs::new(&["acme/*".to_owned()]).expect("globs");
        let chosen = choose(rows.clone(), &["a".to_owned()], &globs);
        assert_eq!(chosen, [rows[0].clone()]);
        assert_eq!(choose(rows.clone(), &[], &ProjectGlobs::default()), rows);
    }
}
