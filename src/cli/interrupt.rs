//! Ctrl-C and SIGTERM, from the first to the third.

use tokio::sync::watch;

use super::style::{RED, YELLOW, paint};
use super::terminal;
use crate::apply::Interrupt;

/// Listens from now on: the first asks to drain, the second to stop, the third ends the process.
pub(super) fn listen() -> watch::Receiver<Interrupt> {
    let (asked, heard) = watch::channel(Interrupt::None);
    // Before anything else is done: until then a signal ends the process without a word.
    let mut signals = signals();
    tokio::spawn(async move {
        loop {
            next(&mut signals).await;
            let now = *asked.borrow();
            match now {
                // What is under way is told by who knows it.
                Interrupt::None => drop(asked.send_replace(Interrupt::Drain)),
                Interrupt::Drain => {
                    terminal::tell(&format!(
                        "{} what was under way may or may not be done. It is on record: the next run finds out and \
                         goes on from there.\n",
                        paint(YELLOW, "Stopping now:")
                    ));
                    asked.send_replace(Interrupt::Stop);
                }
                Interrupt::Stop => {
                    terminal::tell(&format!("{}\n", paint(RED, "Killed.")));
                    std::process::exit(130);
                }
            }
        }
    });
    heard
}

/// Returns once an interrupt was heard.
pub(super) async fn heard(interrupts: &watch::Receiver<Interrupt>) {
    let mut interrupts = interrupts.clone();
    if interrupts.wait_for(|asked| *asked != Interrupt::None).await.is_err() {
        // Nobody listens any more, so nothing will be heard.
        std::future::pending::<()>().await;
    }
}

#[cfg(unix)]
type Signals = [Option<tokio::signal::unix::Signal>; 2];
#[cfg(not(unix))]
type Signals = ();

#[cfg(unix)]
fn signals() -> Signals {
    use tokio::signal::unix::{SignalKind, signal};
    [SignalKind::interrupt(), SignalKind::terminate()].map(|kind| signal(kind).ok())
}

#[cfg(not(unix))]
fn signals() -> Signals {}

#[cfg(unix)]
async fn next([interrupt, terminate]: &mut Signals) {
    tokio::select! {
        Some(()) = async { interrupt.as_mut()?.recv().await } => {}
        Some(()) = async { terminate.as_mut()?.recv().await } => {}
        else => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn next(_: &mut Signals) {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}
