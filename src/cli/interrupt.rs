//! Ctrl-C and SIGTERM, from the first to the third.

use tokio::sync::watch;

use super::style::{RED, YELLOW, paint};
use super::terminal;
use crate::apply::Interrupt;

/// Listens from now on: the first asks to drain, the second to stop, the third ends the process.
pub(super) fn listen() -> watch::Receiver<Interrupt> {
    let (asked, heard) = watch::channel(Interrupt::None);
    tokio::spawn(async move {
        let mut terminations = terminations();
        loop {
            tokio::select! {
                heard = tokio::signal::ctrl_c() => if heard.is_err() { return },
                () = next(&mut terminations) => {}
            }
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
type Terminations = Option<tokio::signal::unix::Signal>;
#[cfg(not(unix))]
type Terminations = ();

#[cfg(unix)]
fn terminations() -> Terminations {
    tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()).ok()
}

#[cfg(not(unix))]
fn terminations() -> Terminations {}

#[cfg(unix)]
async fn next(terminations: &mut Terminations) {
    match terminations {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

#[cfg(not(unix))]
async fn next(_: &mut Terminations) {
    std::future::pending().await
}
