//! How a run of the binary went.

use std::fmt;
use std::process::Output;
use std::time::Duration;

/// A command that has ended.
#[derive(Debug)]
pub(crate) struct Run {
    command: String,
    /// None where a signal ended it.
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

impl Run {
    /// `command` is what `infra` was told.
    pub(crate) fn new(command: impl Into<String>, output: Output, took: Duration) -> Self {
        let [out, err] = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap());
        Self { command: command.into(), code: output.status.code(), out, err, took }
    }

    /// The same run, which must have ended with `code`.
    #[track_caller]
    pub(crate) fn expect(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// The same run, whose output must have all of `words`, whatever the breaks of lines and the spaces.
    #[track_caller]
    pub(crate) fn says(self, words: &[&str]) -> Self {
        let on_one_line = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
        let all = on_one_line(&format!("{} {}", self.out, self.err));
        for word in words {
            assert!(all.contains(&on_one_line(word)), "no `{word}` in {self}");
        }
        self
    }
}

impl fmt::Display for Run {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { command, code, out, err, took } = self;
        write!(f, "infra {command}\nended with {code:?} after {took:?}\n{out}\n{err}")
    }
}
