//! The metrics of an app.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::Counters;
use crate::metrics::labelled::{Family, Labelled, Series};
use crate::metrics::requests::Requests;
use crate::metrics::text::{self, Sample};
use crate::metrics::{Counter, Gauge, Histogram};
use crate::platform::Instance;

/// The metrics of an app: those that its author makes, and what the runtime counts itself. Clones share them.
///
/// [`App::metrics`](crate::App::metrics) serves them to Prometheus. Names that Prometheus would not read are mistakes of
/// the app, which [`App::run`](crate::App::run) reports.
///
/// ```
/// use fc_runtime::{App, Metrics};
///
/// # fc_runtime::testing::run(async {
/// let metrics = Metrics::new();
/// let client = App::new().get("/", async |_| "Hello").metrics("/metrics", &metrics).test_client();
/// client.get("/").await.assert_status(200);
/// let text = client.get("/metrics").await.text();
/// let labels = "http_request_method=\"GET\",http_route=\"/\",http_response_status_code=\"200\"";
/// assert!(text.contains(&format!("http_server_request_duration_seconds_count{{{labels}}} 1")), "{text}");
/// # });
/// ```
#[derive(Clone, Default)]
#[doc(alias = "prometheus")]
#[doc(alias = "registry")]
pub struct Metrics(Arc<Registry>);

#[derive(Default)]
struct Registry {
    families: Mutex<Vec<Registered>>,
    mistakes: Mutex<Vec<String>>,
    requests: Arc<Requests>,
}

struct Registered {
    name: &'static str,
    help: &'static str,
    kind: &'static str,
    write: Box<dyn Fn(&mut String) + Send + Sync>,
    /// The family itself, for a second registration.
    family: Box<dyn std::any::Any + Send + Sync>,
}

/// The bounds of durations in seconds that OpenTelemetry advises for requests: see the example of
/// [`Histogram`].
pub const SECONDS: &[f64] =
    &[0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

impl Metrics {
    /// No metrics yet but the runtime's own.
    pub fn new() -> Self {
        Self::default()
    }

    /// A counter. Its name ends in `_total`. The same name again gives the same counter.
    pub fn counter(&self, name: &'static str, help: &'static str) -> Counter {
        self.counter_by(name, help, []).with([])
    }

    /// A counter with labels.
    pub fn counter_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Labelled<Counter, N> {
        if !name.ends_with("_total") {
            self.add_mistake(format!(
                "the counter {name:?} has to end in \"_total\", because some readers rename it"
            ));
        }
        self.register(name, help, labels, ())
    }

    /// A gauge. The same name again gives the same gauge.
    pub fn gauge(&self, name: &'static str, help: &'static str) -> Gauge {
        self.gauge_by(name, help, []).with([])
    }

    /// A gauge with labels.
    pub fn gauge_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
    ) -> Labelled<Gauge, N> {
        self.register(name, help, labels, ())
    }

    /// A histogram with these upper bounds, such as [`SECONDS`]. The same name again gives the same histogram.
    pub fn histogram(&self, name: &'static str, help: &'static str, bounds: &[f64]) -> Histogram {
        self.histogram_by(name, help, bounds, []).with([])
    }

    /// A histogram with labels.
    pub fn histogram_by<const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        bounds: &[f64],
        labels: [&'static str; N],
    ) -> Labelled<Histogram, N> {
        let is_rising = bounds.is_sorted_by(|one, next| one < next);
        if bounds.is_empty() || !is_rising || bounds.iter().any(|bound| !bound.is_finite()) {
            self.add_mistake(format!("the bounds of {name:?} have to be numbers that rise: {bounds:?}"));
        }
        self.register(name, help, labels, bounds.into())
    }

    fn register<T: Series, const N: usize>(
        &self,
        name: &'static str,
        help: &'static str,
        labels: [&'static str; N],
        shape: T::Shape,
    ) -> Labelled<T, N> {
        let mut families = self.families();
        if let Some(before) = families.iter().find(|family| family.name == name) {
            if let Some((known, of)) = before.family.downcast_ref::<(Arc<Family<T, N>>, Arc<T::Shape>)>()
                && known.labels == labels
                && **of == shape
            {
                return Labelled(Arc::clone(known));
            }
            self.add_mistake(format!("two different metrics have the name {name:?}"));
        }
        if !text::is_name(name) {
            self.add_mistake(format!("a metric cannot have the name {name:?}"));
        }
        for label in labels.iter().filter(|label| !text::is_label(label)) {
            self.add_mistake(format!("a label of {name:?} cannot have the name {label:?}"));
        }
        let shape = Arc::new(shape);
        let of = Arc::clone(&shape);
        let family = Arc::new(Family::new(labels, move || T::new(&of)));
        let shown = Arc::clone(&family);
        let write = Box::new(move |out: &mut String| {
            for (values, series) in shown.sorted() {
                let mut labels = String::new();
                for (name, value) in shown.labels.iter().zip(&values) {
                    text::label(&mut labels, name, value);
                }
                series.write(&mut Sample { out, name, labels: &labels });
            }
        });
        let known = Box::new((Arc::clone(&family), shape));
        families.push(Registered { name, help, kind: T::KIND, write, family: known });
        Labelled(family)
    }

    /// All metrics, as Prometheus reads them.
    pub(crate) fn text(&self, counters: &Counters, instance: &Instance) -> String {
        let mut out = String::new();
        for family in self.families().iter() {
            text::begin(&mut out, family.name, family.help, family.kind);
            (family.write)(&mut out);
        }
        self.0.requests.write(&mut out, counters);
        let mut labels = String::new();
        for (name, value) in [
            ("service_name", instance.function_name()),
            ("faas_version", instance.function_version()),
            ("faas_instance", instance.instance_id()),
            ("cloud_region", instance.region()),
        ] {
            if let Some(value) = value {
                text::label(&mut labels, name, value);
            }
        }
        text::begin(&mut out, "target_info", "The instance.", "gauge");
        Sample { out: &mut out, name: "target_info", labels: &labels }.whole("", None, 1);
        out
    }

    /// The content type of [`text`](Self::text).
    pub(crate) const CONTENT_TYPE: &str = text::CONTENT_TYPE;

    pub(crate) fn requests(&self) -> Arc<Requests> {
        Arc::clone(&self.0.requests)
    }

    /// What is wrong with names and bounds.
    pub(crate) fn mistakes(&self) -> Vec<String> {
        self.0.mistakes.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn add_mistake(&self, what: String) {
        self.0.mistakes.lock().unwrap_or_else(PoisonError::into_inner).push(what);
    }

    fn families(&self) -> MutexGuard<'_, Vec<Registered>> {
        self.0.families.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.families().iter().map(|family| family.name).collect();
        f.debug_tuple("Metrics").field(&names).finish()
    }
}
