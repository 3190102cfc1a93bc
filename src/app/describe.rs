//! What an app says of itself, for tools that have its program and not its sources.

use crate::app::builder::App;
use crate::json::Object;
use crate::platform::Instance;

/// The type that an event handler takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct EventType {
    pub(crate) name: &'static str,
    /// The `triggerType`s of `s.yaml` that send it.
    pub(crate) triggers: &'static [&'static str],
}

/// The variable that has [`App::run`](crate::App::run) print the description in place of serving. The platform lets nobody set a variable with
/// this prefix.
const VARIABLE: &str = "FC_RUNTIME_DESCRIBE";

impl<S: Send + Sync + 'static> App<S> {
    /// What the app takes, as one line of JSON: its routes, the type of its events, and its hooks. The state is not opened.
    ///
    /// A program prints it in place of serving where `FC_RUNTIME_DESCRIBE=1` is set, so that tools can compare it with an `s.yaml`. It tells patterns
    /// and names of types, and nothing of the environment. The platform reserves names that begin with `FC_`, so no setting of a deployed function
    /// turns it on.
    ///
    /// | member | is |
    /// |---|---|
    /// | `runtime`, `version` | `fc-runtime`, and its version |
    /// | `routes` | objects with `pattern` and `method`; no method means every one |
    /// | `event` | `null`, or the event handler's `type` if it is known, and the `triggers` that send it, by the names of `triggerType` |
    /// | `eventAsHttp` | whether requests that come as events are answered by the routes |
    /// | `hooks` | of `initialize`, `pre-stop` and `pre-freeze` those that there are |
    /// | `healthPath` | the path of the live check |
    /// | `preStopBudget` | the seconds of [`App::pre_stop_budget`] |
    /// | `drainDeadline` | the seconds of [`App::drain_deadline`] |
    ///
    /// ```
    /// let app = fc_runtime::App::new().get("/", async |_| "home").event(async |event| event.bytes().clone());
    /// let told: serde_json::Value = serde_json::from_str(&app.describe()).unwrap();
    /// assert_eq!(told["routes"][0]["pattern"], "/");
    /// assert_eq!(told["event"]["type"], serde_json::Value::Null); // it takes any payload
    /// assert_eq!(told["healthPath"], "/healthz");
    /// ```
    pub fn describe(&self) -> String {
        let mut out = Object::new();
        out.text("runtime", env!("CARGO_PKG_NAME"));
        out.text("version", env!("CARGO_PKG_VERSION"));
        let routes = self.routes().map(|route| {
            let mut out = Object::new();
            out.text("pattern", &route.pattern);
            if let Some(method) = &route.method {
                out.text("method", method.as_str());
            }
            out.end()
        });
        out.value("routes", format_args!("[{}]", routes.collect::<Vec<_>>().join(",")));
        out.value("event", self.event.as_ref().map_or("null".to_owned(), |_| described(self.event_type)));
        out.value("eventAsHttp", self.doors.is_some());
        let hooks = [
            ("initialize", &self.on_initialize),
            ("pre-stop", &self.on_pre_stop),
            ("pre-freeze", &self.on_pre_freeze),
        ];
        out.texts("hooks", hooks.iter().filter(|(_, hooks)| !hooks.is_empty()).map(|(name, _)| *name));
        let settings = self.settings();
        out.text("healthPath", &settings.health_path);
        out.value("preStopBudget", settings.pre_stop.as_secs_f64());
        out.value("drainDeadline", settings.drain.as_secs_f64());
        out.end()
    }

    /// The description, if the environment asks for it in place of a run.
    pub(crate) fn asked_to_describe(&self, instance: &Instance) -> Option<String> {
        (instance.var_opt(VARIABLE) == Some("1")).then(|| self.describe())
    }
}

fn described(takes: Option<EventType>) -> String {
    let mut out = Object::new();
    if let Some(EventType { name, triggers }) = takes {
        out.text("type", name);
        out.texts("triggers", triggers.iter().copied());
    }
    out.end()
}
