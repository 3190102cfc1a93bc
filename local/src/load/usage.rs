//! What fc-local says of the function meanwhile: instances, their calls and memory, starts, and calls that were refused.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Value, json};

/// How busy a function is at one moment, all of its versions together.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Usage {
    pub(crate) function: String,
    /// `instanceConcurrency` of the version that is called.
    pub(crate) concurrency: u32,
    /// `memorySize` of the version that is called.
    pub(crate) memory_mib: u32,
    /// The most instances that are started here.
    pub(crate) instances_max: u64,
    instances: Vec<Instance>,
    waiting: u64,
    starts: u64,
    refused: u64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Instance {
    id: String,
    calls: u64,
    memory_bytes: u64,
    cpu_ms: u64,
}

/// The same over time.
#[derive(Debug, Default)]
pub(crate) struct Course {
    /// `starts` and `refused` at the begin.
    first: Option<(u64, u64)>,
    pub(crate) latest: Option<Usage>,
    /// The processor time of each instance when it was first and last seen, in milliseconds.
    cpu: BTreeMap<String, (u64, u64)>,
    pub(crate) points: Vec<Point>,
    /// The memory of an instance without calls, the least that was seen.
    idle_bytes: Option<u64>,
}

/// A moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) elapsed: Duration,
    pub(crate) instances: u64,
    /// The calls of the busiest instance.
    pub(crate) calls_max: u64,
    pub(crate) calls: u64,
    pub(crate) waiting: u64,
    /// The memory of the largest instance.
    pub(crate) memory_bytes: u64,
    /// Since the begin.
    pub(crate) starts: u64,
    /// Since the begin.
    pub(crate) refused: u64,
}

impl Usage {
    /// Reads the answer of fc-local. `None` if it is none.
    pub(crate) fn parse(document: &Value) -> Option<Self> {
        let versions = document["versions"].as_array()?;
        let sum = |key: &str| versions.iter().map(|version| version[key].as_u64().unwrap_or(0)).sum();
        let instance = |instance: &Value| {
            Some(Instance {
                id: instance["instanceId"].as_str()?.to_owned(),
                calls: instance["calls"].as_u64()?,
                memory_bytes: instance["memoryBytes"].as_u64()?,
                cpu_ms: instance["cpuMs"].as_u64()?,
            })
        };
        let instances = versions.iter().filter_map(|version| version["instances"].as_array()).flatten();
        let number = |key: &str| document[key].as_u64().and_then(|number| u32::try_from(number).ok());
        Some(Usage {
            function: document["function"].as_str()?.to_owned(),
            concurrency: number("instanceConcurrency")?,
            memory_mib: number("memorySize")?,
            instances_max: versions.iter().filter_map(|version| version["maxInstances"].as_u64()).max()?,
            instances: instances.map(instance).collect::<Option<_>>()?,
            waiting: sum("waiting"),
            starts: sum("starts"),
            refused: sum("refused"),
        })
    }
}

impl Course {
    pub(crate) fn note(&mut self, elapsed: Duration, usage: &Usage) {
        // New code begins to count anew.
        let (starts, refused) = *self.first.get_or_insert((usage.starts, usage.refused));
        for instance in &usage.instances {
            let cpu = self.cpu.entry(instance.id.clone()).or_insert((instance.cpu_ms, instance.cpu_ms));
            cpu.1 = cpu.1.max(instance.cpu_ms);
            if instance.calls == 0 && instance.memory_bytes > 0 {
                let least = self.idle_bytes.unwrap_or(u64::MAX).min(instance.memory_bytes);
                self.idle_bytes = Some(least);
            }
        }
        let all = || usage.instances.iter();
        self.points.push(Point {
            elapsed,
            instances: usage.instances.len() as u64,
            calls_max: all().map(|instance| instance.calls).max().unwrap_or(0),
            calls: all().map(|instance| instance.calls).sum(),
            waiting: usage.waiting,
            memory_bytes: all().map(|instance| instance.memory_bytes).max().unwrap_or(0),
            starts: usage.starts.saturating_sub(starts),
            refused: usage.refused.saturating_sub(refused),
        });
        self.latest = Some(usage.clone());
    }

    fn most(&self, of: impl Fn(&Point) -> u64) -> u64 {
        self.points.iter().map(of).max().unwrap_or(0)
    }

    /// The most instances at a time; 0 if nothing is known.
    pub(crate) fn instances(&self) -> u64 {
        self.most(|point| point.instances)
    }

    /// The most calls of one instance at a time that were seen.
    pub(crate) fn calls_max(&self) -> u64 {
        self.most(|point| point.calls_max)
    }

    /// The most memory of one instance.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.most(|point| point.memory_bytes)
    }

    /// The memory of an instance without calls, if one was seen.
    pub(crate) fn idle_bytes(&self) -> Option<u64> {
        self.idle_bytes
    }

    /// The starts.
    pub(crate) fn starts(&self) -> u64 {
        self.most(|point| point.starts)
    }

    /// The calls that found no instance.
    pub(crate) fn refused(&self) -> u64 {
        self.most(|point| point.refused)
    }

    /// The processor time that all instances have used.
    pub(crate) fn cpu(&self) -> Duration {
        Duration::from_millis(self.cpu.values().map(|(first, last)| last - first).sum())
    }

    /// `None` if nothing is known.
    pub(crate) fn document(&self) -> Option<Value> {
        let latest = self.latest.as_ref()?;
        let points = self.points.iter().map(|point| {
            json!({
                "seconds": point.elapsed.as_secs_f64(), "instances": point.instances, "calls": point.calls,
                "waiting": point.waiting, "memoryBytes": point.memory_bytes, "starts": point.starts,
                "refused": point.refused,
            })
        });
        Some(json!({
            "function": latest.function, "instanceConcurrency": latest.concurrency, "memorySize": latest.memory_mib,
            "maxInstances": latest.instances_max, "instances": self.instances(), "callsPerInstance": self.calls_max(),
            "memoryBytes": self.memory_bytes(), "starts": self.starts(), "refused": self.refused(),
            "cpuMs": u64::try_from(self.cpu().as_millis()).unwrap_or(u64::MAX),
            "overTime": points.collect::<Vec<_>>(),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn usage(starts: u64, refused: u64, instances: &[(&str, u64, u64, u64)]) -> Usage {
        let instances = instances.iter().map(|(id, calls, memory, cpu)| {
            json!({ "instanceId": id, "calls": calls, "memoryBytes": memory, "cpuMs": cpu })
        });
        let version = json!({
            "versionId": "LATEST", "maxInstances": 10, "starting": 0, "waiting": 2, "starts": starts,
            "refused": refused, "instances": instances.collect::<Vec<_>>(),
        });
        let document = json!({
            "function": "f", "qualifier": "LATEST", "instanceConcurrency": 5, "memorySize": 512, "versions": [version],
        });
        Usage::parse(&document).unwrap()
    }

    #[test]
    fn what_changed_since_the_begin_is_told() {
        let mut course = Course::default();
        course.note(Duration::ZERO, &usage(3, 10, &[("a", 0, 40, 100)]));
        course.note(Duration::from_secs(1), &usage(5, 14, &[("a", 5, 70, 250), ("b", 2, 50, 90)]));
        course.note(Duration::from_secs(2), &usage(5, 15, &[("b", 4, 55, 190)]));
        assert_eq!((course.instances(), course.calls_max(), course.memory_bytes()), (2, 5, 70));
        assert_eq!((course.starts(), course.refused(), course.idle_bytes()), (2, 5, Some(40)));
        // The time of a start, before an instance was seen, is no time of calls.
        assert_eq!(course.cpu(), Duration::from_millis(150 + 100));
        let document = course.document().unwrap();
        assert_eq!((&document["instances"], &document["refused"]), (&json!(2), &json!(5)));
        assert_eq!(document["overTime"][1]["calls"], 7);
    }

    #[test]
    fn what_is_no_answer_of_fc_local_is_none() {
        assert_eq!(Usage::parse(&Value::Null), None);
        assert_eq!(Usage::parse(&json!({ "versions": [] })), None);
        assert!(Course::default().document().is_none());
    }
}
