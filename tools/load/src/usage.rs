//! What processes cost.

use std::time::Duration;

use anyhow::{Result, ensure};
use sysinfo::{Pid, Process, ProcessRefreshKind, ProcessesToUpdate, System};

/// Processes that are looked at from time to time.
pub(crate) struct Processes {
    pids: Vec<Pid>,
    /// One whose time counts, and that of those which it has started.
    parent: Option<Pid>,
    system: System,
}

impl Processes {
    /// # Errors
    /// When there is no such process.
    pub(crate) fn new(pids: &[u32], parent: Option<u32>) -> Result<Self> {
        let mut processes = Self {
            pids: pids.iter().copied().map(Pid::from_u32).collect(),
            parent: parent.map(Pid::from_u32),
            system: System::new()?,
        };
        processes.refresh();
        for &pid in processes.pids.iter().chain(&processes.parent) {
            let process = processes.system.process(pid);
            ensure!(process.is_some(), "no process {pid}");
        }
        Ok(processes)
    }

    /// This program.
    pub(crate) fn own() -> Result<Self> {
        Self::new(&[std::process::id()], None)
    }

    fn refresh(&mut self) {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        let which = match self.parent {
            Some(_) => ProcessesToUpdate::All,
            None => ProcessesToUpdate::Some(&self.pids),
        };
        let what = what.without_tasks();
        // Those that have ended stay, with the time that they had.
        self.system.refresh_processes_specifics(which, false, what);
    }

    /// The time that they have had on processors.
    pub(crate) fn cpu(&mut self) -> Duration {
        self.refresh();
        let is_of = |parent: Pid, it: &Process| {
            it.pid() == parent || it.parent() == Some(parent)
        };
        let counted = self.system.processes().values().filter(|it| {
            self.pids.contains(&it.pid())
                || self.parent.is_some_and(|parent| is_of(parent, it))
        });
        Duration::from_millis(counted.map(|it| it.accumulated_cpu_time()).sum())
    }

    /// Their memory, in bytes, without that of the parent: what its processes
    /// share would count several times.
    pub(crate) fn memory(&mut self) -> u64 {
        self.refresh();
        let processes = self.pids.iter().map(|pid| self.system.process(*pid));
        processes.flatten().map(|it| it.memory()).sum()
    }
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(all(test, unix))]
mod tests {
    use std::process::Command;
    use std::time::Instant;

    use super::*;

    #[test]
    fn what_a_process_has_started_counts_even_when_it_has_ended() {
        let mut busy = Command::new("sh");
        let busy = busy.args(["-c", "while :; do :; done"]).spawn();
        let mut busy = busy.unwrap();
        let mut own = Processes::own().unwrap();
        let mut all = Processes::new(&[], Some(std::process::id())).unwrap();
        let some = Duration::from_millis(200);
        let start = Instant::now();

        let mut before = all.cpu();
        while before < own.cpu() + some && start.elapsed().as_secs() < 20 {
            before = all.cpu();
        }
        busy.kill().unwrap();
        busy.wait().unwrap();

        assert!(before >= own.cpu() + some / 2, "{before:?}");
        assert!(all.cpu() >= before);
    }
}
