//! A share of a processor and of the memory, as an instance of the platform has it: a control group.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub(crate) struct Share {
    /// One folder per controller in version 1, one for all in version 2.
    folders: Vec<PathBuf>,
}

/// How many periods of its quota a share has had, and in how many of them the quota was used up.
#[derive(Debug, PartialEq)]
pub(crate) struct Periods {
    all: f64,
    throttled: f64,
}

impl Periods {
    /// The percentage of the periods since then in which the quota was used up.
    pub(crate) fn throttled_since(&self, before: &Self) -> f64 {
        let all = self.all - before.all;
        if all > 0.0 { (self.throttled - before.throttled) / all * 100.0 } else { 0.0 }
    }

    fn parse(stat: &str) -> Self {
        let count = |name| {
            let line = stat.lines().find_map(|line| line.strip_prefix(name));
            line.and_then(|value| value.trim().parse().ok()).unwrap_or(0.0)
        };
        Self { all: count("nr_periods "), throttled: count("nr_throttled ") }
    }
}

const ROOT: &str = "/sys/fs/cgroup";

impl Share {
    /// Hundredths of a processor, and mebibytes. `Err` says why this machine gives none.
    pub(crate) fn new(hundredths: u32, mebibytes: u32) -> Result<Self, String> {
        let name = format!("fc-runtime-bench-{}", std::process::id());
        let bytes = (u64::from(mebibytes) << 20).to_string();
        let quota = hundredths * 1000;
        let mut share = Self { folders: Vec::new() };
        let made = if Path::new(ROOT).join("cgroup.controllers").exists() {
            share.set("", &name, &[("cpu.max", &format!("{quota} 100000")), ("memory.max", &bytes)])
        } else {
            let cpu = [("cpu.cfs_period_us", "100000"), ("cpu.cfs_quota_us", &quota.to_string())];
            share
                .set("cpu", &name, &cpu)
                .and_then(|()| share.set("memory", &name, &[("memory.limit_in_bytes", &bytes)]))
        };
        made.map(|()| share).map_err(|error| format!("no control group can be made here: {error}"))
    }

    fn set(&mut self, controller: &str, name: &str, values: &[(&str, &str)]) -> io::Result<()> {
        let folder = Path::new(ROOT).join(controller).join(name);
        fs::create_dir(&folder)?;
        self.folders.push(folder.clone());
        values.iter().try_for_each(|(file, value)| fs::write(folder.join(file), value))
    }

    /// Counted since it was made. Periods in which nothing ran do not count.
    pub(crate) fn periods(&self) -> io::Result<Periods> {
        let folder = self.folders.first().ok_or(io::ErrorKind::NotFound)?;
        Ok(Periods::parse(&fs::read_to_string(folder.join("cpu.stat"))?))
    }

    /// What a command begins with to run inside.
    pub(crate) fn words(&self) -> Vec<OsString> {
        let joins =
            self.folders.iter().map(|folder| format!("echo $$ > {}/cgroup.procs; ", folder.display()));
        let script = joins.collect::<String>() + "exec \"$0\" \"$@\"";
        ["sh", "-c", &script].map(Into::into).to_vec()
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        for folder in &self.folders {
            let _ = fs::remove_dir(folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn periods_without_quota_are_a_percentage() {
        let before = Periods::parse("nr_periods 10\nnr_throttled 2\nthrottled_time 5000\n");
        let after = Periods::parse("nr_periods 30\nnr_throttled 7\nthrottled_usec 9000\n");
        assert_eq!(before, Periods { all: 10.0, throttled: 2.0 });
        assert!((after.throttled_since(&before) - 25.0).abs() < f64::EPSILON);
        assert!(before.throttled_since(&before).abs() < f64::EPSILON, "nothing ran");
    }
}
