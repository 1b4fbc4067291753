//! Whether the process that holds a log is surely dead, so that nobody need wait for the whole of its lease.

use serde::{Deserialize, Serialize};

/// A process, told apart from every other one of this machine, whatever became of its number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Process {
    /// One start of the machine's kernel.
    boot: String,
    /// In which namespace the process has its number: containers count their own.
    namespace: String,
    /// The user: others' processes may be hidden.
    uid: u32,
    /// When it started, in ticks since the boot.
    start: u64,
}

impl Process {
    /// This process; nothing where the system does not tell all of it.
    pub(super) fn current() -> Option<Self> {
        of(std::process::id())
    }

    /// Whether this process, which had that number, is surely dead, as far as can be told from here.
    pub(super) fn is_dead(&self, pid: u32) -> bool {
        let Some(here) = Self::current() else { return false };
        let visible = here.boot == self.boot && here.namespace == self.namespace && here.uid == self.uid;
        visible && start(pid).is_ok_and(|start| start != Some(self.start))
    }
}

#[cfg(target_os = "linux")]
pub(super) fn of(pid: u32) -> Option<Process> {
    use std::fs;
    use std::os::unix::fs::MetadataExt;

    Some(Process {
        boot: fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?.trim().to_owned(),
        namespace: fs::read_link("/proc/self/ns/pid").ok()?.to_str()?.to_owned(),
        uid: fs::metadata("/proc/self").ok()?.uid(),
        start: start(pid).ok()??,
    })
}

#[cfg(not(target_os = "linux"))]
pub(super) fn of(_: u32) -> Option<Process> {
    None
}

/// When the process of that number started; nothing where there is none.
fn start(pid: u32) -> std::io::Result<Option<u64>> {
    let text = match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        text => text?,
    };
    // The second field, the command in parentheses, may hold anything: the others are counted from its end.
    let after = text.rsplit_once(')').map(|(_, after)| after);
    let start = after.and_then(|after| after.split_whitespace().nth(19)).and_then(|field| field.parse().ok());
    start.map(Some).ok_or_else(|| std::io::Error::other("no start time"))
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_process_is_dead_only_where_that_is_sure() {
        let here = Process::current().unwrap();
        let pid = std::process::id();
        assert!(!here.is_dead(pid), "we live");
        let earlier = Process { start: here.start - 1, ..here.clone() };
        assert!(earlier.is_dead(pid), "our number, once another's");
        for elsewhere in [
            Process { boot: "another".into(), ..earlier.clone() },
            Process { namespace: "pid:[1]".into(), ..earlier.clone() },
            Process { uid: here.uid + 1, ..earlier },
        ] {
            assert!(!elsewhere.is_dead(pid), "{elsewhere:?} can't be seen from here");
        }
    }

    #[test]
    fn a_killed_process_is_dead_once_it_is_reaped() {
        let mut child = std::process::Command::new("sleep").arg("600").spawn().unwrap();
        let process = of(child.id()).unwrap();
        assert!(!process.is_dead(child.id()));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(process.is_dead(child.id()));
    }
}
