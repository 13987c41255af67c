//! Markdown as a terminal shows it: paragraphs and tables fitted to its width, headings bold, commands in colour.

use comfy_table::presets::UTF8_FULL_CONDENSED;
use comfy_table::{ContentArrangement, Table};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

use super::screen::Screen;
use super::terminal::{Ink, width};

/// Before each line of a block of commands.
const COMMAND_INDENT: usize = 4;
/// A list's mark.
const BULLET: &str = "* ";
/// The narrowest paragraph, on however narrow a terminal.
const LEAST_COLUMNS: usize = 20;

/// Adds Markdown to a text for a person.
pub(super) fn render(markdown: &str, columns: usize, screen: &mut Screen) {
    let mut page = Page::new(columns, screen);
    for event in Parser::new_ext(markdown, Options::ENABLE_TABLES) {
        page.take(event);
    }
    page.end_block();
}

/// What stands between two spaces.
type Word = Vec<(String, Ink)>;

struct Page<'a> {
    columns: usize,
    screen: &'a mut Screen,
    /// Whether a block has been written.
    has_text: bool,
    /// The words of the open block.
    words: Vec<Word>,
    /// Whether the next text belongs to the latest word.
    is_within_a_word: bool,
    inks: Vec<Ink>,
    /// The columns by which the open list items indent.
    indents: Vec<usize>,
    /// The mark of the list item that has just begun.
    mark: Option<String>,
    /// The number of the next item of each open list; `None` where it has marks.
    numbers: Vec<Option<u64>>,
    /// The commands or the code of an open block.
    code: Option<String>,
    table: Option<Rows>,
    /// Where the open link leads, and its text so far.
    link: Option<(String, String)>,
}

#[derive(Default)]
struct Rows {
    header: Vec<String>,
    rows: Vec<Vec<String>>,
    cell: String,
}

impl<'a> Page<'a> {
    fn new(columns: usize, screen: &'a mut Screen) -> Self {
        Self {
            columns,
            screen,
            has_text: false,
            words: Vec::new(),
            is_within_a_word: false,
            inks: Vec::new(),
            indents: Vec::new(),
            mark: None,
            numbers: Vec::new(),
            code: None,
            table: None,
            link: None,
        }
    }

    fn take(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.begin(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) => self.add(&text),
            Event::Code(code) => {
                self.inks.push(Ink::Code);
                self.add(&code);
                self.inks.pop();
            }
            Event::Html(text) | Event::InlineHtml(text) => self.add(&text),
            Event::SoftBreak | Event::HardBreak => self.add(" "),
            Event::Rule => {
                self.begin_block();
                self.screen.line(Ink::Faint, &"─".repeat(self.columns));
            }
            _ => {}
        }
    }

    fn begin(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.begin_block();
                self.inks.push(Ink::Strong);
            }
            Tag::Paragraph if self.mark.is_none() => self.begin_block(),
            Tag::CodeBlock(_) => {
                self.begin_block();
                self.code = Some(String::new());
            }
            Tag::List(first) => {
                match self.indents.is_empty() {
                    true => self.begin_block(),
                    false => self.end_block(),
                }
                self.numbers.push(first);
            }
            Tag::Item => {
                let mark = match self.numbers.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{}. ", *number - 1)
                    }
                    _ => BULLET.to_owned(),
                };
                self.indents.push(mark.len());
                self.mark = Some(mark);
            }
            Tag::Table(_) => {
                self.begin_block();
                self.table = Some(Rows::default());
            }
            Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.rows.push(Vec::new());
                }
            }
            Tag::Emphasis => self.inks.push(Ink::Strong),
            Tag::Strong => self.inks.push(Ink::Strong),
            Tag::Link { dest_url, .. } => {
                self.link = Some((dest_url.into_string(), String::new()));
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Heading(_) => {
                self.end_block();
                self.inks.pop();
            }
            TagEnd::Paragraph => self.end_block(),
            TagEnd::CodeBlock => {
                let code = self.code.take().unwrap_or_default();
                let indent = self.indents.iter().sum::<usize>() + COMMAND_INDENT;
                for line in code.lines() {
                    self.screen.line(Ink::Code, format!("{}{line}", " ".repeat(indent)).trim_end());
                }
            }
            TagEnd::List(_) => {
                self.numbers.pop();
            }
            TagEnd::Item => {
                self.end_block();
                self.indents.pop();
                self.mark = None;
            }
            TagEnd::TableCell => {
                if let Some(table) = &mut self.table {
                    let cell = std::mem::take(&mut table.cell);
                    table.rows.last_mut().unwrap_or(&mut table.header).push(cell);
                }
            }
            TagEnd::Table => self.end_table(),
            TagEnd::Emphasis | TagEnd::Strong => drop(self.inks.pop()),
            TagEnd::Link => {
                if let Some((address, _)) = self.link.take().filter(|(address, text)| address != text) {
                    self.add(&format!(" ({address})"));
                }
            }
            _ => {}
        }
    }

    /// Adds text to what is open.
    fn add(&mut self, text: &str) {
        if let Some(code) = &mut self.code {
            return code.push_str(text);
        }
        if let Some((_, of_link)) = &mut self.link {
            of_link.push_str(text);
        }
        if let Some(table) = &mut self.table {
            return table.cell.push_str(text);
        }
        let ink = self.inks.last().copied().unwrap_or(Ink::Plain);
        for (place, part) in text.split([' ', '\n']).enumerate() {
            self.is_within_a_word &= place == 0;
            if part.is_empty() {
                continue;
            }
            let piece = (part.to_owned(), ink);
            match self.words.last_mut().filter(|_| self.is_within_a_word) {
                Some(word) => word.push(piece),
                None => self.words.push(vec![piece]),
            }
            self.is_within_a_word = true;
        }
    }

    /// Begins a block with an empty line before it.
    fn begin_block(&mut self) {
        self.end_block();
        if std::mem::replace(&mut self.has_text, true) {
            self.screen.end_line();
        }
    }

    /// Writes the words of the open block, as many on a line as fit.
    fn end_block(&mut self) {
        self.is_within_a_word = false;
        let words = std::mem::take(&mut self.words);
        if words.is_empty() {
            return;
        }
        self.has_text = true;
        let indent: usize = self.indents.iter().sum();
        let begin = match self.mark.take() {
            Some(mark) => format!("{}{mark}", " ".repeat(indent - mark.len())),
            None => " ".repeat(indent),
        };
        let mut line = vec![(begin, Ink::Plain)];
        let (mut column, most) = (indent, self.columns.max(indent + LEAST_COLUMNS));
        for word in words {
            let length: usize = word.iter().map(|(text, _)| width(text)).sum();
            if column > indent {
                if column + 1 + length > most {
                    self.end_line(std::mem::replace(&mut line, vec![(" ".repeat(indent), Ink::Plain)]));
                    column = indent;
                } else {
                    let (before, after) = (line.last().map(|(_, ink)| *ink), word.first().map(|(_, ink)| *ink));
                    add_piece(&mut line, " ", after.filter(|_| before == after).unwrap_or(Ink::Plain));
                    column += 1;
                }
            }
            for (text, ink) in word {
                add_piece(&mut line, &text, ink);
            }
            column += length;
        }
        self.end_line(line);
    }

    fn end_line(&mut self, line: Vec<(String, Ink)>) {
        for (text, ink) in line {
            self.screen.push(ink, &text);
        }
        self.screen.end_line();
    }

    fn end_table(&mut self) {
        let Some(rows) = self.table.take() else { return };
        let mut table = Table::new();
        table.load_style(UTF8_FULL_CONDENSED).set_content_arrangement(ContentArrangement::Dynamic);
        table.set_width(u16::try_from(self.columns).unwrap_or(u16::MAX));
        if rows.header.iter().any(|cell| !cell.is_empty()) {
            table.set_header(rows.header);
        }
        table.add_rows(rows.rows);
        table.lines().for_each(|line| self.screen.line(Ink::Plain, &line));
    }
}

/// Adds text to a line. What looks the same stays one piece.
fn add_piece(line: &mut Vec<(String, Ink)>, text: &str, ink: Ink) {
    match line.last_mut().filter(|(_, before)| *before == ink) {
        Some((before, _)) => before.push_str(text),
        None => line.push((text.to_owned(), ink)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "# A title\n\nSome `code --with flags`,\nthen **more**, and a\n[page](https://example.com/).\n\n\
                        * one\n* two\n  of it\n\n      halfbuilt scan\n\n1. first\n2. second\n\n```\nhalfbuilt   verify\n```\n\n\
                        | flag | meaning |\n|---|---|\n| `--x` | a long sentence that does not fit into a line of it |\n";

    fn rendered(markdown: &str, columns: usize, has_colors: bool) -> String {
        let mut screen = Screen::new(has_colors);
        render(markdown, columns, &mut screen);
        screen.as_str().to_owned()
    }

    #[test]
    fn it_is_fitted_to_the_width() {
        insta::assert_snapshot!(rendered(TEXT, 40, false), @"
        A title

        Some code --with flags, then more, and a
        page (https://example.com/).

        * one
        * two of it

              halfbuilt scan

        1. first
        2. second

            halfbuilt   verify

        ┌──────┬───────────────────────────────┐
        │ flag ┆ meaning                       │
        ╞══════╪═══════════════════════════════╡
        │ --x  ┆ a long sentence that does not │
        │      ┆ fit into a line of it         │
        └──────┴───────────────────────────────┘
        ");
    }

    #[test]
    fn headings_and_code_have_styles() {
        let shown = rendered("# Title\n\n`a b`, **c**\n", 40, true);
        assert_eq!(shown, "\u{1b}[1mTitle\u{1b}[0m\n\n\u{1b}[36ma b\u{1b}[0m, \u{1b}[1mc\u{1b}[0m\n");
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_rendered(markdown in "(?s)([a-z `*#|\n-]|\\PC){0,80}", columns in 0usize..60) {
            let _ = rendered(&markdown, columns, true);
        }
    }
}
