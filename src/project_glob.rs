//! Globs of projects: `--project GLOB` chooses projects, `--deny GLOB` and a policy deny them.

use glob::{MatchOptions, Pattern};

use crate::text::Foreign;
use crate::text::bytes::has_bytes;
use crate::text::similar::nearest_glob;

/// Globs that choose projects. A project is chosen if one of them matches; without a glob, every project is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectGlobs(Vec<Pattern>);

impl ProjectGlobs {
    /// Parses globs: `*` is any text (also across `/`), `?` any character, `[ab]` one of these characters.
    ///
    /// # Errors
    /// The first glob that is not valid, and why.
    pub fn new(globs: &[String]) -> Result<Self, BadGlob> {
        globs.iter().map(|glob| pattern(glob, "--project ")).collect::<Result<_, _>>().map(Self)
    }

    /// The globs as they were written.
    pub fn globs(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(Pattern::as_str)
    }

    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a project is chosen. A build without a project is chosen only if there is no glob.
    pub fn matches(&self, project: Option<&str>) -> bool {
        self.is_everything() || project.is_some_and(|project| self.0.iter().any(|glob| glob.matches(project)))
    }

    /// The globs that match none of these projects, each with one that may be meant. A mistyped glob must not pass for "clean".
    pub fn unmatched<'a>(&'a self, projects: &'a [String]) -> impl Iterator<Item = (&'a str, Option<String>)> {
        let nearest = |glob: &str| nearest_glob(glob, projects.iter().map(String::as_str));
        let globs = self.0.iter().filter(|glob| !projects.iter().any(|project| glob.matches(project)));
        globs.map(Pattern::as_str).map(move |glob| (glob, nearest(glob)))
    }
}

/// Ignores case: to deny too much is harmless.
const DENIAL_OPTIONS: MatchOptions =
    MatchOptions { case_sensitive: false, require_literal_separator: false, require_literal_leading_dot: false };

/// Projects whose builds must not be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeniedProjects(Vec<Denial>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Denial {
    glob: Pattern,
    /// What denies: `--deny`, or a policy.
    source: String,
    /// Whether it is a list that is taken for one glob as well.
    is_whole_list: bool,
}

impl Denial {
    /// Whether the glob matches a project in any case of its letters. [`DENIAL_OPTIONS`] is not enough: with it, `[!a]` matches neither
    /// `a` nor `A`, and a range such as `[*-c]` still respects case.
    fn matches(&self, project: &str) -> bool {
        let spellings = [project, &project.to_lowercase(), &project.to_uppercase()];
        spellings.iter().any(|name| self.glob.matches(name) || self.glob.matches_with(name, DENIAL_OPTIONS))
    }
}

/// The globs of a list, `a,b`. A comma in brackets is part of its glob.
pub fn listed(list: &str) -> Vec<String> {
    let mut globs = vec![String::new()];
    let mut is_in_brackets = false;
    for c in list.chars() {
        is_in_brackets = match c {
            '[' => true,
            ']' => false,
            _ => is_in_brackets,
        };
        match globs.last_mut() {
            Some(glob) if c != ',' || is_in_brackets => glob.push(c),
            _ => globs.push(String::new()),
        }
    }
    let named: Vec<String> =
        globs.iter().map(|glob| glob.trim()).filter(|glob| !glob.is_empty()).map(str::to_owned).collect();
    // What names nothing is judged as it is.
    if named.is_empty() { vec![list.to_owned()] } else { named }
}

impl DeniedProjects {
    /// Adds globs, in the syntax of [`ProjectGlobs`] but without regard to case. A denial names their `source`.
    ///
    /// # Errors
    /// The first glob that is not valid, and why.
    pub fn add(&mut self, globs: &[String], source: &str) -> Result<(), BadGlob> {
        let flag = if source.starts_with('-') { format!("{source} ") } else { String::new() };
        for glob in globs {
            let glob = pattern(glob, &flag)?;
            self.0.push(Denial { glob, source: source.to_owned(), is_whole_list: false });
        }
        Ok(())
    }

    /// Adds lists of globs, `a,b`. A project whose name is the whole list is denied too: a denial must not fail open.
    ///
    /// # Errors
    /// As of [`Self::add`].
    pub fn add_lists(&mut self, lists: &[String], source: &str) -> Result<(), BadGlob> {
        for list in lists {
            let globs = listed(list);
            self.add(&globs, source)?;
            if globs.len() > 1 {
                let whole = pattern(list, &format!("{source} "))?;
                self.0.push(Denial { glob: whole, source: source.to_owned(), is_whole_list: true });
            }
        }
        Ok(())
    }

    /// Why a build with these names of its project is denied, or `None`.
    pub fn denies<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        names.into_iter().find_map(|name| {
            if has_bytes(name) && !self.0.is_empty() {
                return Some(format!("project {name} has a name that is no UTF-8, and may be a denied one"));
            }
            let denial = self.0.iter().find(|denial| denial.matches(name))?;
            Some(format!("project {name} is denied by {} {:?}", denial.source, denial.glob.as_str()))
        })
    }

    /// The globs that match none of these projects, each with its source. A mistyped glob would deny nothing.
    pub fn unmatched<'a>(&'a self, projects: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let matches = |denial: &Denial| projects.iter().any(|project| denial.matches(project));
        self.0
            .iter()
            .filter(move |denial| !denial.is_whole_list && !matches(denial))
            .map(|denial| (denial.source.as_str(), denial.glob.as_str()))
    }
}

fn pattern(glob: &str, flag: &str) -> Result<Pattern, BadGlob> {
    Pattern::new(glob).map_err(|error| BadGlob {
        flag: flag.to_owned(),
        glob: Foreign::name(glob),
        why: error.msg.to_owned(),
    })
}

/// A glob that is not valid.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flag}{glob:?} is not a valid glob: {why}")]
pub struct BadGlob {
    flag: String,
    glob: Foreign,
    why: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn globs(globs: &[&str]) -> ProjectGlobs {
        ProjectGlobs::new(&globs.iter().map(ToString::to_string).collect::<Vec<_>>()).expect("globs")
    }

    /// Where nobody can say for certain what a name is, a denial must not fail open.
    #[test]
    fn a_project_whose_name_is_no_utf8_is_denied_with_any_other() {
        let name = crate::text::bytes::decode(b"d\xe9p").into_owned();
        let mut denied = DeniedProjects::default();
        assert_eq!(denied.denies([name.as_str()]), None);
        denied.add(&["other".to_owned()], "--deny").expect("a glob");
        assert!(denied.denies([name.as_str()]).is_some());
        assert_eq!(denied.denies(["dep"]), None);
    }

    #[test]
    fn one_glob_that_matches_is_enough() {
        let acme = globs(&["acme/*", "tools/l?b"]);
        assert!(acme.matches(Some("acme/api")));
        assert!(acme.matches(Some("tools/lib")));
        assert!(!acme.matches(Some("tools/docs")));
        assert!(!acme.matches(None));
        assert!(globs(&["*api"]).matches(Some("acme/api")));
    }

    #[test]
    fn no_glob_chooses_everything() {
        assert!(globs(&[]).matches(None));
    }

    #[test]
    fn a_glob_that_matches_nothing_is_reported() {
        let projects = ["acme/api".to_owned()];
        let chosen = globs(&["acme/*", "amce/*", "acme"]);
        let unmatched: Vec<_> = chosen.unmatched(&projects).map(|(glob, _)| glob).collect();
        assert_eq!(unmatched, ["amce/*", "acme"]);
        assert_eq!(chosen.unmatched(&projects).last(), Some(("acme", Some("acme/*".to_owned()))));
    }

    #[test]
    fn what_is_denied_is_denied_in_any_case_and_by_any_name() {
        let mut denied = DeniedProjects::default();
        denied.add(&["acme/Bill*".to_owned()], "--deny").expect("a glob");
        denied.add(&["tools/*".to_owned()], "deny of halfbuilt.toml").expect("a glob");
        for name in ["acme/billing", "ACME/BILLING", "acme/Bill"] {
            assert_eq!(denied.denies([name]), Some(format!("project {name} is denied by --deny \"acme/Bill*\"")));
        }
        assert!(denied.denies(["acme/api", "tools/lib"]).expect("denied").contains("deny of halfbuilt.toml"));
        assert_eq!(denied.denies(["acme/api"]), None);
        assert_eq!(DeniedProjects::default().denies(["acme/api"]), None);
        let mut negated = DeniedProjects::default();
        negated.add(&["[!a]*".to_owned()], "--deny").expect("a glob");
        assert!(negated.denies(["Apple"]).is_some(), "what --project would choose by the same glob is not denied");
        let unmatched: Vec<_> = denied.unmatched(&["acme/billing"]).collect();
        assert_eq!(unmatched, [("deny of halfbuilt.toml", "tools/*")]);
    }

    #[test]
    fn a_list_names_several_globs_and_a_comma_in_brackets_is_part_of_one() {
        assert_eq!(listed("acme/*, tools/lib,"), ["acme/*", "tools/lib"]);
        assert_eq!(listed("linux[,]x86,b"), ["linux[,]x86", "b"]);
        assert_eq!([listed(""), listed(",")], [[""], [","]]);
        let mut denied = DeniedProjects::default();
        denied.add_lists(&["acme/*,tools/lib".to_owned(), "linux,x86".to_owned()], "--deny").expect("globs");
        for name in ["acme/api", "tools/lib", "linux", "x86", "linux,x86"] {
            assert!(denied.denies([name]).is_some(), "{name}");
        }
        assert_eq!(denied.denies(["tools/docs"]), None);
        let unmatched: Vec<_> = denied.unmatched(&["acme/api", "x86"]).collect();
        assert_eq!(unmatched, [("--deny", "tools/lib"), ("--deny", "linux")]);
    }

    #[test]
    fn an_invalid_glob_is_an_error() {
        assert!(DeniedProjects::default().add(&["acme/[".to_owned()], "--deny").is_err());
        assert!(ProjectGlobs::new(&["acme/[".to_owned()]).is_err());
    }
}
