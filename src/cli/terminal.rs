//! Where the commands print: standard output for results, standard error for everything about them.

use std::io::{self, IsTerminal as _, Write as _};

use anstream::ColorChoice;
use console::Term;

use super::error::CommandError;

/// Characters in a line where there is no terminal to ask.
const DEFAULT_WIDTH: usize = 120;

/// When to use colour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Color {
    #[default]
    Auto,
    Always,
    Never,
}

impl Color {
    /// Makes every stream of this process follow the choice.
    pub(super) fn apply(self) {
        let choice = match self {
            Self::Auto => ColorChoice::Auto,
            Self::Always => ColorChoice::AlwaysAnsi,
            Self::Never => ColorChoice::Never,
        };
        choice.write_global();
    }
}

/// Prints a result. A reader that went away is no failure: it had enough.
pub(super) fn print(text: &str) -> Result<(), CommandError> {
    let mut out = anstream::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Prints a document as it is, whatever is in it.
pub(super) fn print_raw(text: &str) -> Result<(), CommandError> {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// Tells about the work. Where nobody can hear it, the work goes on.
pub(super) fn tell(text: &str) {
    let mut err = anstream::stderr().lock();
    let _ = err.write_all(text.as_bytes()).and_then(|()| err.flush());
}

/// Characters in a line of standard output.
pub(super) fn width() -> usize {
    match Term::stdout().size_checked() {
        Some((_, columns)) if columns >= 40 => usize::from(columns),
        _ => DEFAULT_WIDTH,
    }
}

/// Whether there is a terminal to ask a question on.
pub(super) fn can_ask() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// Asks a question whose only consent is `yes`.
pub(super) fn ask(question: &str) -> Result<bool, CommandError> {
    tell(question);
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(answer.trim() == "yes")
}
