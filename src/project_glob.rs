//! The choice of projects by `--project GLOB`, and the projects that are denied.

use glob::{MatchOptions, Pattern};

use crate::text::Foreign;

/// Some globs; a project is chosen if one of them fits. No glob at all chooses every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectGlobs(Vec<Pattern>);

impl ProjectGlobs {
    /// Reads globs: `*` is any text (also across `/`), `?` any character, `[ab]` one of some.
    ///
    /// # Errors
    /// The glob that cannot be read, and why.
    pub fn new(globs: &[String]) -> Result<Self, BadGlob> {
        globs.iter().map(|glob| pattern(glob, "--project ")).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every project is chosen.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a project is chosen. A build without a project is only chosen where no glob is given.
    pub fn matches(&self, project: Option<&str>) -> bool {
        self.is_everything() || project.is_some_and(|project| self.0.iter().any(|glob| glob.matches(project)))
    }

    /// The globs that fit none of these projects: a mistyped glob would otherwise pass for "clean".
    pub fn unmatched<'a>(&'a self, projects: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|glob| !projects.iter().any(|project| glob.matches(project))).map(Pattern::as_str)
    }
}

/// Upper and lower case are one: to deny too much harms nobody.
const DENIAL: MatchOptions =
    MatchOptions { case_sensitive: false, require_literal_separator: false, require_literal_leading_dot: false };

/// Projects of which nothing may be deleted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeniedProjects(Vec<Denial>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Denial {
    glob: Pattern,
    /// Who denies: `--deny`, or a policy.
    whose: String,
}

impl Denial {
    /// Whether the glob fits a project in any of its spellings. That it passes over case is not enough: `[!a]` then fits neither
    /// `a` nor `A`, and a range such as `[*-c]` is read letter by letter all the same.
    fn fits(&self, project: &str) -> bool {
        let spellings = [project, &project.to_lowercase(), &project.to_uppercase()];
        spellings.iter().any(|name| self.glob.matches(name) || self.glob.matches_with(name, DENIAL))
    }
}

impl DeniedProjects {
    /// Adds globs, written as those of [`ProjectGlobs`], which fit in upper and lower case alike. `whose` is named where one of them fits.
    ///
    /// # Errors
    /// The glob that cannot be read, and why.
    pub fn add(&mut self, globs: &[String], whose: &str) -> Result<(), BadGlob> {
        let flag = if whose.starts_with('-') { format!("{whose} ") } else { String::new() };
        for glob in globs {
            self.0.push(Denial { glob: pattern(glob, &flag)?, whose: whose.to_owned() });
        }
        Ok(())
    }

    /// Why a build is denied that is known by these names of its project; `None` if it is not.
    pub fn denies<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Option<String> {
        names.into_iter().find_map(|name| {
            let denial = self.0.iter().find(|denial| denial.fits(name))?;
            Some(format!("project {name} is denied by {} {:?}", denial.whose, denial.glob.as_str()))
        })
    }

    /// The globs that fit none of these projects, with who denies by them: a mistyped glob would deny nothing.
    pub fn unmatched<'a>(&'a self, projects: &'a [&str]) -> impl Iterator<Item = (&'a str, &'a str)> {
        let fits = |denial: &Denial| projects.iter().any(|project| denial.fits(project));
        self.0.iter().filter(move |denial| !fits(denial)).map(|denial| (denial.whose.as_str(), denial.glob.as_str()))
    }
}

fn pattern(glob: &str, flag: &str) -> Result<Pattern, BadGlob> {
    Pattern::new(glob).map_err(|error| BadGlob {
        flag: flag.to_owned(),
        glob: Foreign::name(glob),
        why: error.msg.to_owned(),
    })
}

/// A glob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{flag}{glob:?} is no glob: {why}")]
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

    #[test]
    fn one_glob_that_fits_is_enough() {
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
    fn a_glob_that_fits_nothing_is_told() {
        let projects = ["acme/api".to_owned()];
        assert_eq!(globs(&["acme/*", "amce/*"]).unmatched(&projects).collect::<Vec<_>>(), ["amce/*"]);
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
    fn a_glob_that_cannot_be_read_is_an_error() {
        assert!(DeniedProjects::default().add(&["acme/[".to_owned()], "--deny").is_err());
        assert!(ProjectGlobs::new(&["acme/[".to_owned()]).is_err());
    }
}
