//! Progress: a bar on a terminal, a plain line now and then elsewhere.

use std::fmt;
use std::io::IsTerminal;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use indicatif::{HumanDuration, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::task::JoinHandle;

use super::{Printer, Verbosity};

/// How often a plain line is written without a terminal.
const EVERY: Duration = Duration::from_secs(5);
/// How often a spinner turns.
const TURN: Duration = Duration::from_millis(120);

pub struct Progress {
    display: Display,
    done: Arc<AtomicU64>,
    /// How much was done at first, and when: what came before, such as the proof of the first deletion of all, says nothing of the rest.
    first: Arc<Mutex<Option<(u64, Instant)>>>,
    phase: Arc<Mutex<String>>,
    /// When the phase began; `None` before the first.
    entered: Mutex<Option<Instant>>,
    printer: Printer,
}

enum Display {
    Bar(ProgressBar),
    /// Writes a line now and then, even if nothing has moved: silence for an hour would look like a hang.
    Lines(JoinHandle<()>),
    Nothing,
}

impl Progress {
    /// Work with a known total.
    pub fn counted(what: &'static str, total: u64, printer: Printer) -> Self {
        Self::new(what, Some(total), "{msg} [{bar:32}] {pos}/{len}, {rate}, {left} left", printer)
    }

    /// Work without a known total.
    pub fn open_ended(what: &'static str, printer: Printer) -> Self {
        Self::new(what, None, "{spinner} {prefix}{msg}: {pos}, {elapsed}", printer)
    }

    fn new(what: &'static str, total: Option<u64>, template: &str, printer: Printer) -> Self {
        let done = Arc::new(AtomicU64::new(0));
        let first = Arc::<Mutex<Option<(u64, Instant)>>>::default();
        let phase = Arc::new(Mutex::new(String::new()));
        let display = if printer.verbosity() == Verbosity::Quiet {
            Display::Nothing
        } else if std::io::stderr().is_terminal() {
            let bar = ProgressBar::with_draw_target(total, ProgressDrawTarget::stderr()).with_message(what);
            if let Ok(style) = ProgressStyle::with_template(template) {
                let rate = |state: &ProgressState, to: &mut dyn fmt::Write| {
                    let _ = write!(to, "{:.1}/s", state.per_sec());
                };
                let since = Arc::clone(&first);
                let left = move |state: &ProgressState, to: &mut dyn fmt::Write| {
                    let first = *since.lock().unwrap_or_else(PoisonError::into_inner);
                    let _ = match left(state.pos(), state.len().unwrap_or_default(), first) {
                        None => write!(to, "?"),
                        Some(left) => write!(to, "{:#}", HumanDuration(left)),
                    };
                };
                bar.set_style(style.with_key("rate", rate).with_key("left", left).progress_chars("=> "));
            }
            bar.enable_steady_tick(TURN);
            Display::Bar(bar)
        } else {
            let (done, phase, first) = (Arc::clone(&done), Arc::clone(&phase), Arc::clone(&first));
            Display::Lines(tokio::spawn(async move {
                let started = Instant::now();
                loop {
                    tokio::time::sleep(EVERY).await;
                    let phase = phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
                    let first = *first.lock().unwrap_or_else(PoisonError::into_inner);
                    let line = line(what, (done.load(Ordering::Relaxed), total), started.elapsed(), first);
                    printer.say(&format!("{phase}{line}"));
                }
            }))
        };
        Self { display, done, first, phase, entered: Mutex::new(None), printer }
    }

    /// Names the phase that begins.
    pub fn enter(&self, phase: &str) {
        self.leave();
        *self.entered.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
        let phase = format!("{phase}; ");
        if let Display::Bar(bar) = &self.display {
            bar.set_prefix(phase.clone());
        }
        *self.phase.lock().unwrap_or_else(PoisonError::into_inner) = phase;
    }

    /// Says, with `--verbose`, how long a phase took.
    fn leave(&self) {
        if let Some(entered) = self.entered.lock().unwrap_or_else(PoisonError::into_inner).take() {
            let phase = self.phase.lock().unwrap_or_else(PoisonError::into_inner).clone();
            let took = entered.elapsed().as_secs_f64();
            self.above(|printer| printer.detail(&format!("{} took {took:.2} s", phase.trim_end_matches("; "))));
        }
    }

    /// Counts one more as done.
    pub fn advance(&mut self) {
        self.advance_by(1);
    }

    /// Counts so many more as done.
    pub fn advance_by(&self, number: u64) {
        let before = self.done.fetch_add(number, Ordering::Relaxed);
        if before == 0 {
            *self.first.lock().unwrap_or_else(PoisonError::into_inner) = Some((number, Instant::now()));
        }
        if let Display::Bar(bar) = &self.display {
            bar.inc(number);
        }
    }

    /// Writes a line above the bar.
    pub fn say(&self, text: &str) {
        self.above(|printer| printer.say(text));
    }

    /// Writes a warning above the bar.
    pub fn warn(&self, text: &str) {
        self.above(|printer| printer.warn(text));
    }

    /// Writes an outcome above the bar, also with `--quiet`.
    pub fn tell(&self, text: &str) {
        self.above(|printer| printer.tell(text));
    }

    fn above(&self, write: impl FnOnce(Printer)) {
        match &self.display {
            Display::Bar(bar) => bar.suspend(|| write(self.printer)),
            Display::Lines(_) | Display::Nothing => write(self.printer),
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.leave();
        match &self.display {
            Display::Bar(bar) => bar.finish_and_clear(),
            Display::Lines(task) => task.abort(),
            Display::Nothing => {}
        }
    }
}

fn line(what: &str, (done, total): (u64, Option<u64>), elapsed: Duration, first: Option<(u64, Instant)>) -> String {
    let seconds = elapsed.as_secs_f64().max(0.001);
    let Some(total) = total else { return format!("{what}: {done}, {seconds:.0} s") };
    let rate = done as f64 / seconds;
    let left = left(done, total, first).map_or_else(|| "?".to_owned(), |left| format!("{:.0}", left.as_secs_f64()));
    format!("{what}: {done}/{total}, {rate:.1}/s, {left} s left")
}

/// How long the rest takes, by what was done since the first of it; `None` where that is nothing.
fn left(done: u64, total: u64, first: Option<(u64, Instant)>) -> Option<Duration> {
    let (at_first, when) = first?;
    let since = done.checked_sub(at_first).filter(|since| *since > 0)?;
    Some(when.elapsed().mul_f64(total.saturating_sub(done) as f64 / since as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_shows_count_rate_and_time_left() {
        let ten = Duration::from_secs(10);
        let ago = |seconds| Instant::now().checked_sub(Duration::from_secs(seconds));
        let first = ago(9).map(|when| (5, when));
        assert_eq!(line("deleting", (50, Some(200)), ten, first), "deleting: 50/200, 5.0/s, 30 s left");
        assert_eq!(line("deleting", (5, Some(200)), ten, first), "deleting: 5/200, 0.5/s, ? s left");
        assert_eq!(line("deleting", (0, Some(200)), ten, None), "deleting: 0/200, 0.0/s, ? s left");
        assert_eq!(line("abnormal builds found", (7, None), ten, None), "abnormal builds found: 7, 10 s");
    }
}
