//! The board on a terminal, drawn ten times a second until it is finished.

use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anstream::adapter::strip_str;
use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::board::Board;
use crate::apply::Event;
use crate::plan::Plan;

/// Time between two frames.
const FRAME: Duration = Duration::from_millis(100);

/// Live lines at the foot of the terminal; what has ended scrolls away above them.
pub(in crate::cli) struct Live {
    board: Arc<Mutex<Board>>,
    bar: ProgressBar,
    started: Instant,
    colored: bool,
    /// Dropped to end the drawing.
    stop: Option<mpsc::Sender<()>>,
    drawing: Option<JoinHandle<()>>,
}

impl Live {
    pub(super) fn start(plan: &Plan) -> Self {
        let board = Arc::new(Mutex::new(Board::new(plan)));
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{msg}") {
            bar.set_style(style);
        }
        let colored = anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never;
        let started = Instant::now();
        let (stop, stopped) = mpsc::channel::<()>();
        let drawing = {
            let (board, bar) = (Arc::clone(&board), bar.clone());
            std::thread::spawn(move || {
                let terminal = Term::stderr();
                while let Err(mpsc::RecvTimeoutError::Timeout) = stopped.recv_timeout(FRAME) {
                    let (rows, columns) = terminal.size();
                    let board = board.lock().unwrap_or_else(PoisonError::into_inner);
                    // One column less: some terminals wrap a line that is exactly full.
                    let frame = board.frame(started.elapsed(), usize::from(columns).saturating_sub(1), rows.into());
                    drop(board);
                    bar.set_message(styled(&frame.join("\n"), colored));
                    bar.tick();
                }
            })
        };
        Self { board, bar, started, colored, stop: Some(stop), drawing: Some(drawing) }
    }

    pub(super) fn event(&self, event: &Event) {
        self.board.lock().unwrap_or_else(PoisonError::into_inner).event(event, self.started.elapsed());
        if !matches!(event, Event::Started { .. } | Event::Progress { .. }) {
            self.bar.println(styled(&super::line(event), self.colored));
        }
    }

    pub(super) fn finish(mut self) {
        self.end();
    }

    fn end(&mut self) {
        drop(self.stop.take());
        if let Some(drawing) = self.drawing.take() {
            // A drawing that panicked has nothing more to draw.
            let _ = drawing.join();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.end();
    }
}

fn styled(text: &str, colored: bool) -> String {
    if colored { text.to_owned() } else { strip_str(text).to_string() }
}
