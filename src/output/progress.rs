//! How far the work is: a bar on a terminal, a plain line now and then elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::Printer;

/// How often a plain line is written where no terminal is.
const EVERY: Duration = Duration::from_secs(5);
/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(120);

/// The progress of one piece of work.
pub struct Progress {
    bar: Option<ProgressBar>,
    printer: Printer,
    what: &'static str,
    total: Option<u64>,
    done: u64,
    started: Instant,
    said: Instant,
}

impl Progress {
    /// Work of which it is known how much there is.
    pub fn counted(what: &'static str, total: u64, printer: Printer) -> Self {
        let template = "{msg} [{bar:32}] {pos}/{len}, {per_sec}, {eta} left";
        Self::new(what, Some(total), template, printer)
    }

    /// Work of which it is not known how much there is.
    pub fn open_ended(what: &'static str, printer: Printer) -> Self {
        Self::new(what, None, "{spinner} {msg}: {pos}, {elapsed}", printer)
    }

    fn new(what: &'static str, total: Option<u64>, template: &str, printer: Printer) -> Self {
        let bar = std::io::stderr().is_terminal().then(|| {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_message(what);
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(style.progress_chars("=> "));
            }
            bar.enable_steady_tick(TURN);
            bar
        });
        let now = Instant::now();
        Self { bar, printer, what, total, done: 0, started: now, said: now }
    }

    /// One more is done.
    pub fn advance(&mut self) {
        self.done += 1;
        match &self.bar {
            Some(bar) => bar.inc(1),
            None if self.said.elapsed() >= EVERY => {
                self.said = Instant::now();
                self.printer.say(&self.line());
            }
            None => {}
        }
    }

    /// Says something while the bar is there, above it.
    pub fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| self.printer.say(text)),
            None => self.printer.say(text),
        }
    }

    fn line(&self) -> String {
        let seconds = self.started.elapsed().as_secs_f64().max(0.001);
        let rate = self.done as f64 / seconds;
        match self.total {
            Some(total) => {
                let left = total.saturating_sub(self.done) as f64 / rate;
                format!("{}: {}/{total}, {rate:.1}/s, {left:.0} s left", self.what, self.done)
            }
            None => format!("{}: {}, {seconds:.0} s", self.what, self.done),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
