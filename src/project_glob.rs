//! The choice of projects by `--project GLOB`.

use glob::Pattern;

/// Some globs; a project is chosen if one of them fits. No glob at all chooses every project.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ProjectGlobs(Vec<Pattern>);

impl ProjectGlobs {
    /// Reads globs: `*` is any text (also across `/`), `?` any character, `[ab]` one of some.
    ///
    /// # Errors
    /// The glob that cannot be read, and why.
    pub fn new(globs: &[String]) -> Result<Self, BadGlob> {
        let pattern = |glob: &String| {
            Pattern::new(glob).map_err(|error| BadGlob { glob: glob.clone(), why: error.msg.to_owned() })
        };
        globs.iter().map(pattern).collect::<Result<_, _>>().map(Self)
    }

    /// Whether every project is chosen.
    pub fn is_everything(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a project is chosen. A build without a project is only chosen where no glob is given.
    pub fn matches(&self, project: Option<&str>) -> bool {
        self.is_everything() || project.is_some_and(|project| self.0.iter().any(|glob| glob.matches(project)))
    }

    /// The globs that fit none of these projects: a slip of the pen that would otherwise pass for "clean".
    pub fn unmatched<'a>(&'a self, projects: &'a [String]) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(|glob| !projects.iter().any(|project| glob.matches(project))).map(Pattern::as_str)
    }
}

/// A glob that cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("--project {glob:?} is no glob: {why}")]
pub struct BadGlob {
    glob: String,
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
    fn a_glob_that_cannot_be_read_is_an_error() {
        assert!(ProjectGlobs::new(&["acme/[".to_owned()]).is_err());
    }
}
