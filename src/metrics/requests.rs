//! What the runtime counts itself: requests by route and status, event calls, clients that left.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

use crate::counters::Counters;
use crate::metrics::labelled::Series as _;
use crate::metrics::text::{self, Sample};
use crate::metrics::{Histogram, SECONDS};
use crate::observe::{Ended, Observe};

/// The durations of requests.
pub(crate) struct Requests {
    bounds: Arc<[f64]>,
    http: Mutex<HashMap<u64, Http, BuildHasherDefault<AsItIs>>>,
    /// Event calls that succeeded, failed, and whose caller left.
    events: [Histogram; 3],
}

/// The requests with one method, route and status.
struct Http {
    labels: String,
    durations: Histogram,
}

const OUTCOMES: [&str; 3] = ["success", "failure", "left"];

impl Default for Requests {
    fn default() -> Self {
        let bounds = Arc::from(SECONDS);
        let events = OUTCOMES.map(|_| Histogram::new(&bounds));
        Self { bounds, http: Mutex::default(), events }
    }
}

impl Observe for Requests {
    fn ended(&self, ended: &Ended<'_>) {
        let seconds = ended.lasted.as_secs_f64();
        if ended.is_event {
            let outcome = if ended.status == 499 { 2 } else { usize::from(ended.has_failed) };
            return self.events[outcome].observe(seconds);
        }
        let method = ended.method_name();
        // Routes are the author's, methods and statuses are few: nobody can choose them so that two are one.
        let key = method.bytes().chain(ended.route.unwrap_or_default().bytes());
        let key =
            key.fold(u64::from(ended.status), |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME));
        let mut http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        let of = http.entry(key).or_insert_with(|| {
            let mut labels = String::new();
            text::label(&mut labels, "http_request_method", method);
            text::label(&mut labels, "http_route", ended.route.unwrap_or_default());
            text::label(&mut labels, "http_response_status_code", &ended.status.to_string());
            Http { labels, durations: Histogram::new(&self.bounds) }
        });
        of.durations.observe(seconds);
    }
}

const FNV_PRIME: u64 = 0x0100_0000_01b3;

impl Requests {
    pub(super) fn write(&self, out: &mut String, counters: &Counters) {
        let name = "http_server_request_duration_seconds";
        text::begin(
            out,
            name,
            "Time from a request's head to the end of its reply. 499: the client left.",
            "histogram",
        );
        let http = self.http.lock().unwrap_or_else(PoisonError::into_inner);
        let mut sorted: Vec<_> = http.values().collect();
        sorted.sort_by(|one, other| one.labels.cmp(&other.labels));
        for Http { labels, durations } in sorted {
            durations.write(&mut Sample { out, name, labels });
        }
        let name = "faas_invoke_duration_seconds";
        text::begin(out, name, "Time of an event call.", "histogram");
        for (outcome, durations) in OUTCOMES.iter().zip(&self.events) {
            let labels = format!("outcome=\"{outcome}\"");
            durations.write(&mut Sample { out, name, labels: &labels });
        }
        let name = "http_server_active_requests";
        text::begin(out, name, "Requests and event calls in flight, this scrape included.", "gauge");
        Sample { out, name, labels: "" }.whole("", None, counters.in_flight);
        for (name, help, value) in [
            (
                "fc_clients_left_total",
                "Requests whose client left before the end of the reply.",
                counters.cancelled,
            ),
            ("fc_panics_total", "Handlers that panicked.", counters.panicked),
            ("fc_cut_total", "Requests that a shutdown cut.", counters.cut),
            (
                "fc_refused_for_memory_total",
                "Requests and messages without room.",
                counters.refused_for_memory,
            ),
        ] {
            text::begin(out, name, help, "counter");
            Sample { out, name, labels: "" }.whole("", None, value);
        }
    }
}

/// The hash of a key that is a hash.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0 << 8 | u64::from(*byte);
        }
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}
