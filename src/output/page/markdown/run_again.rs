//! What to run again after a deletion, as Markdown for a ticket: one table a project, ordered by branch and number.

use askama::Template;

use crate::report::RunAgainBuild;
use crate::text::{Foreign, builds, grouped, was_or_were};

use super::Escaped;

/// The most builds that are named.
const MOST: usize = 200;
/// The most characters that GitHub takes for an issue or a comment.
const LARGEST: usize = 65_536;

/// What to run again.
pub struct RunAgainPage {
    /// The journal of the deletion.
    pub journal: String,
    /// The file that has all of it.
    pub csv: String,
    /// How many builds there are.
    pub all: u64,
    first: Vec<RunAgainBuild>,
}

struct Project {
    name: Foreign,
    builds: Vec<RunAgainBuild>,
}

#[derive(Template)]
#[template(path = "markdown/run-again.md", config = "src/output/page/askama.toml")]
struct Page<'a> {
    builds: String,
    journal: Foreign,
    csv: Foreign,
    projects: Vec<Project>,
    more: &'a str,
}

impl RunAgainPage {
    /// How the text begins, by which a file is known for such a page.
    pub const BEGINS: &'static str = "# Builds that halfbuilt deleted, to be run again\n";

    pub fn new(journal: String, csv: String) -> Self {
        Self { journal, csv, all: 0, first: Vec::new() }
    }

    /// Adds a build. Of very many only the first are kept, so that memory stays flat.
    pub fn add(&mut self, build: &RunAgainBuild) {
        self.all += 1;
        if self.first.len() < MOST {
            self.first.push(short(build));
        }
    }

    /// The text, which is short enough for an issue.
    pub fn to_markdown(&self) -> String {
        let halves = std::iter::successors(Some(MOST), |most| (*most > 0).then_some(most / 2));
        let texts = halves.map(|most| self.up_to(most));
        // Without any build it is always short enough.
        texts.into_iter().find(|text| text.chars().count() < LARGEST).unwrap_or_default()
    }

    fn up_to(&self, most: usize) -> String {
        let mut shown: Vec<&RunAgainBuild> = self.first.iter().take(most).collect();
        let number = |build: &RunAgainBuild| build.build_num.as_str().parse::<u64>().ok();
        shown.sort_by_key(|build| (&build.project, &build.branch, number(build)));
        let projects = shown.chunk_by(|one, other| one.project == other.project);
        let projects = projects.map(|of_it| Project {
            name: of_it[0].project.clone().or("(no project)"),
            builds: of_it.iter().map(|build| (*build).clone()).collect(),
        });
        let more = self.all - shown.len() as u64;
        let page = Page {
            builds: format!("{} {}", builds(self.all), was_or_were(self.all)),
            journal: Foreign::url(&self.journal),
            csv: Foreign::url(&self.csv),
            projects: projects.collect(),
            more: &if more > 0 { grouped(more) } else { String::new() },
        };
        // To a text nothing can fail to be written.
        page.render().unwrap_or_default() + "\n"
    }
}

/// What fits into a table.
fn short(build: &RunAgainBuild) -> RunAgainBuild {
    let cut = |text: &Foreign, length| Foreign::cut(text.as_str(), length);
    RunAgainBuild {
        build_url: build.build_url.clone(),
        project: cut(&build.project, 120),
        build_num: cut(&build.build_num, 20),
        branch: cut(&build.branch, 100),
        commit: cut(&build.commit, 64),
        workflow: cut(&build.workflow, 60),
        job: cut(&build.job, 60),
        started_by: cut(&build.started_by, 40),
        subject: cut(&build.subject, 80),
        queued_at: cut(&build.queued_at, 40),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn build(cell: &str) -> RunAgainBuild {
        RunAgainBuild::of(std::array::from_fn(|_| Some(cell.to_owned())))
    }

    fn page(builds: &[RunAgainBuild]) -> String {
        let mut page = RunAgainPage::new("report.csv.journal.jsonl".to_owned(), "report.csv.run-again.csv".to_owned());
        builds.iter().for_each(|build| page.add(build));
        page.to_markdown()
    }

    fn of(project: &str, branch: &str, number: &str) -> RunAgainBuild {
        let text = |text: &str| Foreign::new(text);
        RunAgainBuild {
            project: text(project),
            branch: text(branch),
            build_num: text(number),
            ..RunAgainBuild::default()
        }
    }

    #[test]
    fn builds_stand_by_project_branch_and_number() {
        let text = page(&[of("b/b", "z", "3"), of("a/a", "z", "10"), of("a/a", "z", "9"), of("a/a", "m", "11")]);
        assert!(text.starts_with(RunAgainPage::BEGINS), "{text}");
        let rows: Vec<&str> = text.lines().filter(|line| line.starts_with("## ") || line.starts_with("| ")).collect();
        let cells = |row: &str| row.split('|').map(|cell| cell.trim().to_owned()).collect::<Vec<_>>();
        let [first, _, second, third, fourth, other, _, fifth] = rows[..] else { panic!("{text}") };
        assert_eq!((first, other), ("## a/a", "## b/b"));
        let shown = [second, third, fourth, fifth].map(|row| (cells(row)[1].clone(), cells(row)[5].clone()));
        let expected = [("m", "11"), ("z", "9"), ("z", "10"), ("z", "3")];
        assert_eq!(shown, expected.map(|(branch, number)| (branch.to_owned(), number.to_owned())));
    }

    #[test]
    fn a_list_of_very_many_fits_into_an_issue_and_says_how_many_more() {
        for cell in ["x".to_owned(), "|`<@".repeat(300), "\u{202e}".repeat(500)] {
            let text = page(&vec![build(&cell); 5000]);
            assert!(text.chars().count() < LARGEST, "{}", text.chars().count());
            let rows = text.lines().filter(|line| line.starts_with("| ")).count() - 1;
            assert!(rows > 0 && rows <= MOST, "{rows}");
            assert!(text.contains(&format!("And {} more, in report.csv.run", grouped(5000 - rows as u64))), "{text}");
        }
    }

    proptest::proptest! {
        #[test]
        fn hostile_text_is_text_in_one_cell(cell in "(?s)(.|[|`<>&@#\n\r\\\\!\\[\\]()*_~:-]|\\PC|\u{1b}|\u{202e}){0,30}") {
            use pulldown_cmark::{Event, Options, Parser, Tag};
            let text = page(&[build(&cell)]);
            let mut cells = 0;
            for event in Parser::new_ext(&text, Options::ENABLE_TABLES) {
                match event {
                    Event::Start(Tag::TableCell) => cells += 1,
                    Event::Start(Tag::Link { .. } | Tag::Image { .. } | Tag::Emphasis | Tag::Strong | Tag::CodeBlock(_))
                    | Event::Html(_) | Event::InlineHtml(_) | Event::Code(_) => panic!("{event:?} in {text}"),
                    _ => {}
                }
            }
            proptest::prop_assert_eq!(cells, 16, "{}", text);
            proptest::prop_assert!(!text.contains(|c: char| (c.is_control() && c != '\n') || c == '\u{202e}'), "{}", text);
        }
    }
}
