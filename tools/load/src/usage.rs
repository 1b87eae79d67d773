//! What a process costs.

use std::time::Duration;

use anyhow::{Result, ensure};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

/// A process that is looked at from time to time.
pub(crate) struct Process {
    pid: Pid,
    system: System,
}

impl Process {
    /// # Errors
    /// When there is no such process.
    pub(crate) fn new(pid: u32) -> Result<Self> {
        let pid = Pid::from_u32(pid);
        let mut process = Self {
            pid,
            system: System::new()?,
        };
        process.refresh();
        ensure!(process.system.process(pid).is_some(), "no process {pid}");
        Ok(process)
    }

    /// This program.
    pub(crate) fn own() -> Result<Self> {
        Self::new(std::process::id())
    }

    fn refresh(&mut self) {
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        let which = [self.pid];
        let which = ProcessesToUpdate::Some(&which);
        self.system.refresh_processes_specifics(which, true, what);
    }

    /// The time that it has had on processors.
    pub(crate) fn cpu(&mut self) -> Duration {
        self.refresh();
        let process = self.system.process(self.pid);
        let milliseconds = process.map_or(0, |it| it.accumulated_cpu_time());
        Duration::from_millis(milliseconds)
    }

    /// Its memory, in bytes.
    pub(crate) fn memory(&mut self) -> u64 {
        self.refresh();
        self.system.process(self.pid).map_or(0, |it| it.memory())
    }
}

/// How many processors there are.
pub(crate) fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}
