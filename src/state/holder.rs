//! Who holds a log.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::process::Process;

/// Who holds a log: for people to read, and for a process on the same machine to see that the holder is dead.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Holder {
    /// The user's name.
    pub user: String,
    /// The machine's name.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// What it runs: `apply`, `destroy`.
    pub command: String,
    /// When it took the log, by its own clock.
    pub since: Timestamp,
    /// What tells its process from others, where the system tells it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) process: Option<Process>,
}

impl Holder {
    /// This process, running `command`.
    pub fn current(command: impl Into<String>) -> Self {
        Self {
            user: first_of(&["USER", "LOGNAME", "USERNAME"]).unwrap_or_else(|| "unknown".to_owned()),
            host: host(),
            pid: std::process::id(),
            command: command.into(),
            since: Timestamp::now(),
            process: Process::current(),
        }
    }

    /// Whether it ran on this machine and is surely dead.
    pub(super) fn is_dead(&self) -> bool {
        self.process.as_ref().is_some_and(|process| process.is_dead(self.pid))
    }
}

impl fmt::Display for Holder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { user, host, pid, command, since, process: _ } = self;
        write!(f, "{user}@{host} (pid {pid}, infra {command}, since {since:.0})")
    }
}

fn first_of(variables: &[&str]) -> Option<String> {
    variables.iter().find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
}

fn host() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .ok()
        .map(|text| text.trim().to_owned())
        .filter(|text| !text.is_empty())
        .or_else(|| first_of(&["HOSTNAME", "COMPUTERNAME"]))
        .unwrap_or_else(|| "unknown".to_owned())
}
