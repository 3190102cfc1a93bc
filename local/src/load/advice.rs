//! What a wanted rate needs: calls at a time by Little's law, instances, their size, and the account's quota.
//!
//! Two bounds hold: how much one instance takes, and how many instances there may be. Both are the platform's own answer to
//! why a load balancer before functions stays below its rate.

use std::time::Duration;

use serde_json::{Value, json};

/// The instances of an account in one region, unless the platform has raised it.
pub(crate) const QUOTA: u32 = 300;

/// Where the platform names its quota, and how fast it starts instances.
const SOURCE: &str = "https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage";

/// The instances that the platform starts in a minute.
const STARTS_PER_MINUTE: f64 = 300.0;

/// The share of the quota that one function can have for itself (`reservedConcurrency`).
const RESERVED_MAX: f64 = 0.9;

/// The platform's limits for `instanceConcurrency`, `cpu` and `memorySize`.
const CONCURRENCY_MAX: u32 = 200;
const CPU_MAX: f64 = 16.0;
const CPU_STEP: f64 = 0.05;
const MEMORY_MIN: u64 = 128;
const MEMORY_MAX: u64 = 32_768;
const MEMORY_STEP: u64 = 64;

/// Memory beyond what was seen.
const HEADROOM: f64 = 1.25;

const MIB: f64 = 1024.0 * 1024.0;

/// What is wanted, and what was measured.
#[derive(Debug, Clone)]
pub(crate) struct Wish {
    /// Requests per second.
    pub(crate) rate: f64,
    /// The instances that the account may have in the region.
    pub(crate) quota: u32,
    /// `instanceConcurrency` as it is set.
    pub(crate) concurrency: u32,
    /// The mean time of a call.
    pub(crate) served: Duration,
    /// The processor time of a call, where it is known.
    pub(crate) cpu: Option<Duration>,
    /// The calls per second of one instance that cannot take more.
    pub(crate) per_instance: Option<f64>,
    /// The memory of an instance without calls and of the largest one, with the calls that it had. In bytes.
    pub(crate) memory: Option<(u64, u64, u64)>,
}

/// What a rate needs with one value of `instanceConcurrency`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Need {
    pub(crate) concurrency: u32,
    /// Calls per second of one instance at most.
    pub(crate) per_instance: f64,
    pub(crate) instances: u64,
    /// In vCPU, where the processor time is known.
    pub(crate) cpu: Option<f64>,
    /// In MiB, where the memory is known.
    pub(crate) memory_mib: Option<u64>,
}

/// What a rate needs.
#[derive(Debug)]
pub(crate) struct Advice {
    wish: Wish,
    /// The calls at a time.
    pub(crate) at_once: f64,
    pub(crate) as_set: Need,
    /// The lowest `instanceConcurrency` with which the quota is enough: what is set, or more.
    pub(crate) enough: Option<Need>,
    /// Other values, to compare.
    pub(crate) table: Vec<Need>,
}

impl Wish {
    /// The calls per second of one instance, at most.
    fn per_instance(&self, concurrency: u32) -> f64 {
        let by_time = f64::from(concurrency) / self.served.as_secs_f64().max(1e-6);
        let by_cpu = self.cpu.map_or(f64::INFINITY, |cpu| CPU_MAX / cpu.as_secs_f64().max(1e-9));
        // More calls at a time than were measured do not make an instance faster than it was at its limit.
        let measured = self.per_instance.filter(|_| concurrency >= self.concurrency);
        by_time.min(by_cpu).min(measured.unwrap_or(f64::INFINITY)).max(f64::MIN_POSITIVE)
    }

    fn need(&self, concurrency: u32) -> Need {
        let per_instance = self.per_instance(concurrency);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a conversion saturates, and the number is not negative"
        )]
        let instances = ((self.rate / per_instance).ceil() as u64).max(1);
        #[expect(clippy::cast_precision_loss, reason = "numbers of instances are small")]
        let own_rate = self.rate / instances as f64;
        let steps = |cpu: f64| ((cpu / CPU_STEP) - 1e-9).ceil().max(1.0) * CPU_STEP;
        let cpu = self.cpu.map(|cpu| steps(own_rate * cpu.as_secs_f64()).min(CPU_MAX));
        let memory_mib = self.memory.map(|(idle, most, calls)| {
            #[expect(clippy::cast_precision_loss, reason = "an estimate")]
            let (idle, most, calls) = (idle.min(most) as f64, most as f64, calls.max(1) as f64);
            let at_once = (own_rate * self.served.as_secs_f64()).ceil().min(f64::from(concurrency)).max(1.0);
            let bytes = (idle + (most - idle) / calls * at_once).max(most.min(idle * 2.0)) * HEADROOM;
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a conversion saturates, and the number is not negative"
            )]
            let mib = (bytes / MIB).ceil() as u64;
            mib.next_multiple_of(MEMORY_STEP).clamp(MEMORY_MIN, MEMORY_MAX)
        });
        // The platform takes 1 to 4 GiB for each vCPU.
        let memory_mib = memory_mib.map(|mib| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "at most 16 vCPU")]
            let least = (cpu.unwrap_or(CPU_STEP) * 1024.0).ceil() as u64;
            mib.max(least.next_multiple_of(MEMORY_STEP))
        });
        #[expect(clippy::cast_precision_loss, reason = "at most 32768")]
        let cpu = cpu.map(|cpu| cpu.max(steps(memory_mib.unwrap_or(0) as f64 / 4096.0)));
        Need { concurrency, per_instance, instances, cpu, memory_mib }
    }
}

impl Advice {
    pub(crate) fn new(wish: Wish) -> Self {
        let as_set = wish.need(wish.concurrency);
        let at_once = wish.rate * wish.served.as_secs_f64();
        let quota = u64::from(wish.quota);
        let values = wish.concurrency..=CONCURRENCY_MAX.max(wish.concurrency);
        let enough = values.map(|value| wish.need(value)).find(|need| need.instances <= quota);
        let mut others = vec![1, 10, 20, 50, 100, CONCURRENCY_MAX, wish.concurrency];
        others.extend(enough.as_ref().map(|need| need.concurrency));
        others.sort_unstable();
        others.dedup();
        let table = others.into_iter().map(|value| wish.need(value)).collect();
        Advice { wish, at_once, as_set, enough, table }
    }

    /// The rate that the quota allows with `need`.
    fn rate_max(&self, need: &Need) -> f64 {
        need.per_instance * f64::from(self.wish.quota)
    }

    /// In plain words, a line each.
    pub(crate) fn lines(&self) -> Vec<String> {
        let Advice { wish, at_once, as_set, enough, table } = self;
        let (rate, quota) = (number(wish.rate), wish.quota);
        let mut lines = vec![
            format!(
                "{rate} requests per second of {} each are {} calls at a time (rate x time, Little's law).",
                time(wish.served),
                number(at_once.ceil()),
            ),
            format!(
                "With instanceConcurrency {} an instance takes {} per second, so {} {} needed; the account has {quota} in the region.",
                as_set.concurrency,
                number(as_set.per_instance),
                as_set.instances,
                if as_set.instances == 1 { "instance is" } else { "instances are" },
            ),
        ];
        lines.push(match enough {
            Some(need) if need.concurrency == as_set.concurrency => format!(
                "This is enough: {} per second with all {quota} instances.",
                number(self.rate_max(as_set))
            ),
            Some(need) => format!(
                "This is not enough: {} per second at most. instanceConcurrency {} needs {} instances, if the program serves so \
                 many calls side by side; or have the quota raised to {}.",
                number(self.rate_max(as_set)),
                need.concurrency,
                need.instances,
                as_set.instances
            ),
            None => {
                let most = table.last().unwrap_or(as_set);
                format!(
                    "This is not enough: {} per second at most, and {} with instanceConcurrency {}. Make the calls faster, or have \
                     the quota raised to {} instances.",
                    number(self.rate_max(as_set)),
                    number(self.rate_max(most)),
                    most.concurrency,
                    most.instances
                )
            }
        });
        let chosen = enough.as_ref().unwrap_or(as_set);
        let size = [
            chosen.memory_mib.map(|mib| format!("memorySize {mib}")),
            chosen.cpu.map(|cpu| format!("cpu {cpu:.2}")),
        ];
        let size: Vec<String> = size.into_iter().flatten().collect();
        if !size.is_empty() {
            lines.push(format!(
                "Size of an instance: {} at least, by what was measured on this machine, whose processor is not the platform's.",
                size.join(" and ")
            ));
        }
        let reserved = f64::from(quota) * RESERVED_MAX;
        #[expect(clippy::cast_precision_loss, reason = "numbers of instances are small")]
        let seconds = (chosen.instances as f64 / STARTS_PER_MINUTE * 60.0).ceil();
        lines.push(format!(
            "From none, the platform starts {STARTS_PER_MINUTE} instances a minute: {} are there after {} s. One function can \
             reserve {} (concurrencyConfig.reservedConcurrency); other functions of the region share the quota.",
            chosen.instances,
            number(seconds),
            number(reserved.floor())
        ));
        lines.push("instanceConcurrency   per instance   instances".to_owned());
        lines.extend(table.iter().map(|need| {
            let is_over = if need.instances > u64::from(quota) { "  more than the quota" } else { "" };
            let (value, own) = (need.concurrency, number(need.per_instance));
            format!("{value:>19}   {own:>10}/s   {:>9}{is_over}", need.instances)
        }));
        lines
    }

    pub(crate) fn document(&self) -> Value {
        let need = |need: &Need| {
            json!({
                "instanceConcurrency": need.concurrency, "ratePerInstance": need.per_instance,
                "instances": need.instances, "cpu": need.cpu, "memorySize": need.memory_mib,
                "maxRate": self.rate_max(need),
            })
        };
        json!({
            "rate": self.wish.rate, "callMs": self.wish.served.as_secs_f64() * 1000.0,
            "callCpuMs": self.wish.cpu.map(|cpu| cpu.as_secs_f64() * 1000.0), "callsAtOnce": self.at_once,
            "quota": self.wish.quota, "quotaSource": SOURCE, "asSet": need(&self.as_set),
            "enough": self.enough.as_ref().map(need), "others": self.table.iter().map(need).collect::<Vec<_>>(),
        })
    }
}

/// A number with as many digits as people read.
pub(super) fn number(value: f64) -> String {
    let text = if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.1}") };
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

/// A time in milliseconds, or in seconds from ten on.
pub(super) fn time(time: Duration) -> String {
    let ms = time.as_secs_f64() * 1000.0;
    match ms {
        10_000.0.. => format!("{} s", number(ms / 1000.0)),
        10.0.. => format!("{ms:.0} ms"),
        _ => format!("{ms:.2} ms"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wish(rate: f64, concurrency: u32, served_ms: u64) -> Wish {
        let served = Duration::from_millis(served_ms);
        Wish { rate, quota: QUOTA, concurrency, served, cpu: None, per_instance: None, memory: None }
    }

    #[test]
    fn calls_at_a_time_are_rate_by_time() {
        let advice = Advice::new(wish(1000.0, 10, 120));
        assert!((advice.at_once - 120.0).abs() < 1e-9);
        assert_eq!((advice.as_set.instances, advice.as_set.per_instance.round()), (12, 83.0));
        assert_eq!(advice.enough.as_ref().map(|need| need.concurrency), Some(10));
        assert!(advice.lines()[2].starts_with("This is enough"), "{:?}", advice.lines());
        // One call at a time: 100 ms are ten calls a second of each instance, 3000 of all.
        let advice = Advice::new(wish(3000.0, 1, 100));
        assert_eq!((advice.as_set.instances, advice.enough.unwrap().concurrency), (300, 1));
    }

    #[test]
    fn beyond_the_quota_more_calls_of_an_instance_or_more_instances_are_needed() {
        let advice = Advice::new(wish(3001.0, 1, 100));
        assert_eq!(advice.as_set.instances, 301);
        assert_eq!(advice.enough.as_ref().map(|need| (need.concurrency, need.instances)), Some((2, 151)));
        let text = advice.lines().join("\n");
        assert!(text.contains("3000 per second at most") && text.contains("quota raised to 301"), "{text}");
        // Too much even for 200 calls of each of 300 instances.
        let advice = Advice::new(wish(700_000.0, 1, 100));
        assert_eq!(advice.enough, None);
        let text = advice.lines().join("\n");
        assert!(
            text.contains("600000 with instanceConcurrency 200") && text.contains("raised to 350"),
            "{text}"
        );
        assert_eq!(advice.document()["enough"], Value::Null);
    }

    #[test]
    fn an_instance_is_no_faster_than_it_was_at_its_limit() {
        let limited = Wish { per_instance: Some(40.0), ..wish(400.0, 10, 100) };
        let advice = Advice::new(limited);
        assert_eq!((advice.as_set.instances, advice.as_set.per_instance), (10, 40.0));
        let of = |value| advice.table.iter().find(|need| need.concurrency == value).unwrap().per_instance;
        // Fewer calls at a time than were measured: by their time.
        assert_eq!((of(1), of(200)), (10.0, 40.0));
    }

    #[test]
    fn the_size_follows_processor_time_and_memory() {
        const M: u64 = 1024 * 1024;
        let advice = Advice::new(Wish {
            cpu: Some(Duration::from_millis(10)),
            memory: Some((40 * M, 140 * M, 10)),
            ..wish(90.0, 10, 100)
        });
        // 90 calls of 10 ms a second are 0.9 vCPU; 9 calls at a time, 10 MiB each, beside 40 MiB: 130, and a quarter more.
        assert_eq!(advice.as_set.instances, 1);
        assert!((advice.as_set.cpu.unwrap() - 0.9).abs() < 1e-9, "{advice:?}");
        // At least 1 GiB for each vCPU.
        assert_eq!(advice.as_set.memory_mib, Some(960));
        let small = Advice::new(Wish { memory: Some((40 * M, 140 * M, 10)), ..wish(90.0, 10, 100) });
        assert_eq!((small.as_set.memory_mib, small.as_set.cpu), (Some(192), None));
        let large = Advice::new(Wish {
            cpu: Some(Duration::from_millis(1)),
            memory: Some((4000 * M, 4000 * M, 1)),
            ..wish(1.0, 1, 100)
        });
        // At most 4 GiB for each vCPU.
        assert_eq!(large.as_set.memory_mib, Some(5056));
        assert!((large.as_set.cpu.unwrap() - 1.25).abs() < 1e-9, "{large:?}");
        // No instance has more than 16 vCPU.
        let heavy = Advice::new(Wish { cpu: Some(Duration::from_secs(1)), ..wish(100.0, 200, 1000) });
        assert_eq!((heavy.as_set.instances, heavy.as_set.per_instance), (7, 16.0));
    }

    #[test]
    fn numbers_and_times_are_short() {
        for (value, text) in [(0.25, "0.2"), (3.0, "3"), (83.33, "83.3"), (1234.5, "1234"), (100.0, "100")] {
            assert_eq!(number(value), text);
        }
        for (micros, text) in
            [(350, "0.35 ms"), (12_000, "12 ms"), (1_500_000, "1500 ms"), (12_000_000, "12 s")]
        {
            assert_eq!(time(Duration::from_micros(micros)), text);
        }
    }
}
