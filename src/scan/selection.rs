//! Which builds are in scope of a statement.

/// Which builds a statement reads. What the selection names is passed as `$1`, `$2` and `$3`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BuildSelection {
    /// Every build.
    All,
    /// The builds of some projects.
    Projects,
    /// The same, by the bytes of their names.
    ProjectBytes,
    /// The builds that certain addresses may mean.
    Names,
    /// The builds with certain addresses, whatever their numbers.
    Urls,
    /// The builds with certain addresses, and those that differ from one of them by the host or the case of letters alone.
    Addresses,
    /// The builds with certain keys.
    Keys,
}

impl BuildSelection {
    /// Whether only some projects are in scope.
    pub(super) fn is_of_projects(self) -> bool {
        matches!(self, Self::Projects | Self::ProjectBytes)
    }
}
