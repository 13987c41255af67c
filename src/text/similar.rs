//! The word that somebody may have meant: for names that nothing has.

use super::Foreign;

/// How alike two words have to be, as in clap: 1.0 is the same word.
const ALIKE: f64 = 0.7;
/// The most words that a hint lists.
const WORDS_LISTED: usize = 20;

/// The known word that is most like a mistyped one. Of projects and their like, one that begins with the word and a slash comes first.
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.trim().to_lowercase();
    let likeness = |known: &str| {
        let known = known.to_lowercase();
        match known.strip_prefix(&word) {
            Some(rest) if rest.starts_with('/') => 2.0,
            _ => strsim::jaro(&word, &known),
        }
    };
    let scored = known.into_iter().map(|known| (likeness(known), known)).filter(|(alike, _)| *alike > ALIKE);
    // Of several that are as like, the first.
    scored
        .fold(None, |best: Option<(f64, &str)>, next| best.filter(|best| best.0 >= next.0).or(Some(next)))
        .map(|best| best.1)
}

/// What to write in place of a word that nothing has, and what there is: `did you mean stuck-running? There are ...`.
/// The known words may come from outside.
pub fn did_you_mean<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    let meant = nearest(word, known.iter().copied()).map(|known| format!("did you mean {}? ", Foreign::name(known)));
    let listed: Vec<String> = known.iter().take(WORDS_LISTED).map(|word| Foreign::name(word).to_string()).collect();
    let more = known.len().saturating_sub(WORDS_LISTED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!(
        "{}there {}: {}{more}",
        meant.unwrap_or_default(),
        if known.len() == 1 { "is" } else { "are" },
        listed.join(", ")
    )
}

/// The glob that somebody may have meant who named a project, or an organization, that no project has.
pub fn nearest_glob<'a>(glob: &str, projects: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let project = nearest(glob.trim_end_matches("/*"), projects)?;
    let organization = glob.trim_end_matches(['/', '*']);
    let is_below = project.to_lowercase().starts_with(&format!("{}/", organization.to_lowercase()));
    let meant = match project.get(..organization.len()).filter(|_| is_below) {
        Some(organization) => format!("{organization}/*"),
        None => project.to_owned(),
    };
    Some(Foreign::name(&meant).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const RULES: [&str; 4] = ["stuck-running", "stuck-queued", "output-gap", "output-missing"];

    #[test]
    fn a_mistyped_word_is_recognised() {
        for (word, expected) in [
            ("stuck-runing", Some("stuck-running")),
            ("STUCK-RUNNING", Some("stuck-running")),
            ("output_gap", Some("output-gap")),
            ("output-mising", Some("output-missing")),
            ("xyz", None),
            ("", None),
        ] {
            assert_eq!(nearest(word, RULES), expected, "{word}");
        }
    }

    #[test]
    fn an_organization_is_meant_with_all_its_projects() {
        let projects = ["acme/api", "tools/docs", "tools/lib"];
        for (glob, expected) in [
            ("tools", Some("tools/*")),
            ("Tools/*", Some("tools/*")),
            ("tools/doc", Some("tools/docs")),
            ("acme/ap", Some("acme/api")),
            ("zzz", None),
        ] {
            assert_eq!(nearest_glob(glob, projects).as_deref(), expected, "{glob}");
        }
        assert_eq!(nearest_glob("größe", ["größe/straße", "a/b"]).as_deref(), Some("größe/*"));
    }

    #[test]
    fn what_there_is_is_listed_and_harmless() {
        assert_eq!(did_you_mean("zz", ["a\u{1b}[1m"]), "there is: a\\u{1b}[1m");
        let many: Vec<String> = (0..22).map(|number| format!("w{number}")).collect();
        let text = did_you_mean("q", many.iter().map(String::as_str));
        assert!(text.ends_with("w19 and 2 more"), "{text}");
        assert!(
            did_you_mean("stuck-runing", RULES).starts_with("did you mean stuck-running? there are: stuck-running, ")
        );
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_compared_without_panic(word in ".*", known in proptest::collection::vec(".*", 0..4)) {
            let known: Vec<&str> = known.iter().map(String::as_str).collect();
            let _ = (nearest(&word, known.iter().copied()), nearest_glob(&word, known.iter().copied()), did_you_mean(&word, known));
        }
    }
}
