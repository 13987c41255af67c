//! The topics of `halfbuilt help`: what a person needs to know beside the flags. Each is a Markdown file in the folder `topics`.

/// One topic.
#[derive(Clone, Copy, Debug)]
pub struct Topic {
    /// The word that `halfbuilt help` takes.
    pub name: &'static str,
    /// Markdown, whose first line is the title.
    pub text: &'static str,
}

/// Topics that belong together.
#[derive(Clone, Copy, Debug)]
pub struct TopicGroup {
    pub title: &'static str,
    pub topics: &'static [Topic],
}

macro_rules! topics {
    ($($name:literal),+ $(,)?) => {
        &[$(Topic { name: $name, text: include_str!(concat!("topics/", $name, ".md")) }),+]
    };
}

/// All topics, in the order in which the help lists them.
pub const TOPIC_GROUPS: [TopicGroup; 6] = [
    TopicGroup {
        title: "after a restore",
        topics: topics![
            "start",
            "checklist",
            "times",
            "find-times",
            "timing",
            "report",
            "server-2",
            "server-3",
            "server-4"
        ],
    },
    TopicGroup {
        title: "deleting",
        topics: topics!["delete", "delete-by-http", "gates", "policy", "journal", "archive", "pace"],
    },
    TopicGroup { title: "restore drills", topics: topics!["drill", "manifest", "objects"] },
    TopicGroup { title: "proof", topics: topics!["audit", "trust", "files"] },
    TopicGroup {
        title: "databases",
        topics: topics!["collect", "connecting", "conductor", "profiles", "write-profile", "rules", "performance"],
    },
    TopicGroup { title: "reference", topics: topics!["exit-codes", "environment", "limits"] },
];

impl Topic {
    /// All topics.
    pub fn all() -> impl Iterator<Item = Self> {
        TOPIC_GROUPS.into_iter().flat_map(|group| group.topics.iter().copied())
    }

    /// The topic of this name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::all().find(|topic| topic.name == name)
    }

    /// The title, without the mark of a heading.
    #[must_use]
    pub fn title(&self) -> &'static str {
        self.text.lines().next().unwrap_or_default().trim_start_matches('#').trim()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_the_folder_is_a_topic_with_a_title() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/cli/topics");
        let entries = std::fs::read_dir(folder).expect("a folder");
        let mut files: Vec<String> =
            entries.map(|entry| entry.expect("an entry").file_name().into_string().expect("UTF-8")).collect();
        let mut topics: Vec<String> = Topic::all().map(|topic| format!("{}.md", topic.name)).collect();
        files.sort();
        topics.sort();
        assert_eq!(topics, files);
        for topic in Topic::all() {
            assert!(topic.text.starts_with("# ") && topic.title().len() > 5, "{}: no title", topic.name);
        }
    }
}
