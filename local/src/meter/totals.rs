//! Sums of what was used.

use std::ops::{AddAssign, Sub};
use std::time::Duration;

/// The nanoseconds of a second.
const SECOND: f64 = 1e9;

/// Sums since a begin. Time is that of instances, not of calls, unless it says otherwise.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    /// Calls that an instance got. The platform counts these as invocations.
    pub(crate) invocations: u64,
    /// Those that were health checks of a load balancer.
    pub(crate) probes: u64,
    /// Calls that got no instance: no start succeeded, or all instances were busy.
    pub(crate) refused: u64,
    /// Calls that failed, or whose reply has a 5xx status.
    pub(crate) errors: u64,
    /// Calls whose client left.
    pub(crate) client_left: u64,
    /// Calls that waited for a start.
    pub(crate) cold_starts: u64,
    /// How long the calls took in all, those at the same time side by side.
    pub(crate) call_nanos: u128,
    /// The bytes of bodies from clients.
    pub(crate) bytes_in: u64,
    /// The bytes of bodies to clients.
    pub(crate) bytes_out: u64,
    pub(crate) time: Time,
}

/// The time of instances, and what of them the platform bills.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Time {
    /// With a call: time in which several calls overlap counts once.
    pub(crate) active_nanos: u128,
    /// Without a call, of instances that are kept.
    pub(crate) idle_nanos: u128,
    /// Thousandths of a vCPU, times nanoseconds.
    pub(crate) active_cpu: u128,
    pub(crate) idle_cpu: u128,
    /// MiB times nanoseconds.
    pub(crate) active_memory: u128,
    pub(crate) idle_memory: u128,
    /// The disk beyond what is free, in MiB times nanoseconds.
    pub(crate) disk: u128,
}

#[expect(clippy::cast_precision_loss, reason = "sums of use are told with a few digits")]
impl Time {
    pub(crate) fn active_seconds(&self) -> f64 {
        self.active_nanos as f64 / SECOND
    }

    pub(crate) fn idle_seconds(&self) -> f64 {
        self.idle_nanos as f64 / SECOND
    }

    pub(crate) fn active_vcpu_seconds(&self) -> f64 {
        self.active_cpu as f64 / 1000.0 / SECOND
    }

    pub(crate) fn idle_vcpu_seconds(&self) -> f64 {
        self.idle_cpu as f64 / 1000.0 / SECOND
    }

    /// The platform's GB are GiB: `memorySize: 1024` is one.
    pub(crate) fn active_gb_seconds(&self) -> f64 {
        self.active_memory as f64 / 1024.0 / SECOND
    }

    pub(crate) fn idle_gb_seconds(&self) -> f64 {
        self.idle_memory as f64 / 1024.0 / SECOND
    }

    pub(crate) fn disk_gb_seconds(&self) -> f64 {
        self.disk as f64 / 1024.0 / SECOND
    }
}

/// What a table of prices is about.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Billable {
    pub(crate) invocations: f64,
    pub(crate) active_vcpu_seconds: f64,
    pub(crate) idle_vcpu_seconds: f64,
    /// Active and idle.
    pub(crate) memory_gb_seconds: f64,
    pub(crate) disk_gb_seconds: f64,
    /// To clients.
    pub(crate) traffic_gb: f64,
}

impl AddAssign for Billable {
    fn add_assign(&mut self, other: Self) {
        self.invocations += other.invocations;
        self.active_vcpu_seconds += other.active_vcpu_seconds;
        self.idle_vcpu_seconds += other.idle_vcpu_seconds;
        self.memory_gb_seconds += other.memory_gb_seconds;
        self.disk_gb_seconds += other.disk_gb_seconds;
        self.traffic_gb += other.traffic_gb;
    }
}

impl Totals {
    #[expect(clippy::cast_precision_loss, reason = "a sum of money has fewer digits")]
    pub(crate) fn billable(&self) -> Billable {
        Billable {
            invocations: self.invocations as f64,
            active_vcpu_seconds: self.time.active_vcpu_seconds(),
            idle_vcpu_seconds: self.time.idle_vcpu_seconds(),
            memory_gb_seconds: self.time.active_gb_seconds() + self.time.idle_gb_seconds(),
            disk_gb_seconds: self.time.disk_gb_seconds(),
            traffic_gb: self.bytes_out as f64 / f64::from(1 << 30),
        }
    }

    pub(crate) fn call_seconds(&self) -> f64 {
        Duration::from_nanos(u64::try_from(self.call_nanos).unwrap_or(u64::MAX)).as_secs_f64()
    }

    /// Whether nothing was used.
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Totals::default()
    }
}

impl AddAssign for Time {
    fn add_assign(&mut self, other: Self) {
        self.active_nanos += other.active_nanos;
        self.idle_nanos += other.idle_nanos;
        self.active_cpu += other.active_cpu;
        self.idle_cpu += other.idle_cpu;
        self.active_memory += other.active_memory;
        self.idle_memory += other.idle_memory;
        self.disk += other.disk;
    }
}

impl AddAssign for Totals {
    fn add_assign(&mut self, other: Self) {
        self.invocations += other.invocations;
        self.probes += other.probes;
        self.refused += other.refused;
        self.errors += other.errors;
        self.client_left += other.client_left;
        self.cold_starts += other.cold_starts;
        self.call_nanos += other.call_nanos;
        self.bytes_in += other.bytes_in;
        self.bytes_out += other.bytes_out;
        self.time += other.time;
    }
}

/// What was used since earlier sums.
impl Sub for Totals {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Totals {
            invocations: self.invocations.saturating_sub(earlier.invocations),
            probes: self.probes.saturating_sub(earlier.probes),
            refused: self.refused.saturating_sub(earlier.refused),
            errors: self.errors.saturating_sub(earlier.errors),
            client_left: self.client_left.saturating_sub(earlier.client_left),
            cold_starts: self.cold_starts.saturating_sub(earlier.cold_starts),
            call_nanos: self.call_nanos.saturating_sub(earlier.call_nanos),
            bytes_in: self.bytes_in.saturating_sub(earlier.bytes_in),
            bytes_out: self.bytes_out.saturating_sub(earlier.bytes_out),
            time: Time {
                active_nanos: self.time.active_nanos.saturating_sub(earlier.time.active_nanos),
                idle_nanos: self.time.idle_nanos.saturating_sub(earlier.time.idle_nanos),
                active_cpu: self.time.active_cpu.saturating_sub(earlier.time.active_cpu),
                idle_cpu: self.time.idle_cpu.saturating_sub(earlier.time.idle_cpu),
                active_memory: self.time.active_memory.saturating_sub(earlier.time.active_memory),
                idle_memory: self.time.idle_memory.saturating_sub(earlier.time.idle_memory),
                disk: self.time.disk.saturating_sub(earlier.time.disk),
            },
        }
    }
}
