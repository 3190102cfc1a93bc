//! Settings of an app as a whole.

use std::borrow::Cow;
use std::time::Duration;

use crate::app::App;
use crate::cors::Cors;
use crate::log::{AccessLog, LogMarkers};

/// Settings. Sizes and times have defaults; the platform's own limits stand beside them.
impl<S: Send + Sync + 'static> App<S> {
    /// Listens on this port, whatever the environment says.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = Some(port);
        self
    }

    /// Whether to believe the platform's headers and hooks. By default only when the environment shows that
    /// Function Compute started this process: elsewhere anyone could send `GET /pre-stop`.
    pub fn trust_platform(mut self, trust: bool) -> Self {
        self.settings.trust = Some(trust);
        self
    }

    /// How many proxies in front are trusted to write `X-Forwarded-For`, `-Proto` and `-Host`. Default 0: none of
    /// these headers is believed. One load balancer is 1.
    #[doc(alias = "trust proxy")]
    #[doc(alias = "X-Forwarded-For")]
    pub fn trusted_hops(mut self, hops: usize) -> Self {
        self.settings.trusted_hops = hops;
        self
    }

    /// The prefix that a rule of a load balancer cuts from paths, for [`Exchange::base_path`](crate::Exchange::base_path).
    pub fn base_path(mut self, prefix: impl Into<String>) -> Self {
        self.settings.base_path = Some(prefix.into().trim_end_matches('/').to_owned());
        self
    }

    /// Which other origins may read replies. Without a policy the platform invites all of them: see [`Cors`].
    #[doc(alias = "CorsLayer")]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.routes.settings.cors = Some(cors);
        self
    }

    /// The largest body a reader takes in, where neither the route nor its group says. Default 2 MiB; the platform's most is 32 MiB.
    #[doc(alias = "DefaultBodyLimit")]
    #[doc(alias = "limit")]
    #[doc(alias = "payload")]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.routes.settings.body_limit = Some(bytes);
        self
    }

    /// How long a reader waits for the next piece of a body, where neither the route nor its
    /// group says. Default 30 s, then 408.
    #[doc(alias = "timeout")]
    pub fn body_pause(mut self, pause: Duration) -> Self {
        self.routes.settings.body_pause = Some(pause);
        self
    }

    /// How long a handler may take until its reply begins, where neither the route nor its group says. Then the answer is a 504.
    /// Default: no limit but the platform's.
    #[doc(alias = "timeout")]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.routes.settings.time_limit = Some(limit);
        self
    }

    /// How long the head of a request may take from its first byte on. Default 10 s. A connection on which no head has
    /// begun is never closed: the platform reuses its connections, and loses a `POST` on one that was closed.
    #[doc(alias = "header_read_timeout")]
    #[doc(alias = "client_request_timeout")]
    #[doc(alias = "slowloris")]
    pub fn head_limit(mut self, limit: Duration) -> Self {
        self.settings.head_limit = limit;
        self
    }

    /// How many connections are served at a time; more wait in the kernel. Default 20 000; the platform allows 100 000
    /// descriptors, and opens no more connections than the instance's concurrency (at most 200).
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = connections.max(1);
        self
    }

    /// How many requests are handled at a time; more are answered 503 with `Retry-After` at once. Default: no limit.
    /// On the platform the instance's concurrency (1 by default, at most 200) does this before.
    #[doc(alias = "concurrency_limit")]
    #[doc(alias = "load_shed")]
    pub fn max_in_flight(mut self, requests: u64) -> Self {
        self.settings.max_in_flight = requests.max(1);
        self
    }

    /// How many handlers of places that [finish](crate::HangUpPolicy::Finish) run at a time, whether their clients wait or have left;
    /// more are answered 503 with `Retry-After` at once. Default 1000.
    ///
    /// A client that leaves at once and comes again would otherwise make as many of them as it likes.
    pub fn max_finishing(mut self, handlers: u64) -> Self {
        self.settings.max_finishing = handlers.max(1);
        self
    }

    /// What in-flight requests are given after a signal to stop. Default 10 s.
    #[doc(alias = "shutdown_timeout")]
    #[doc(alias = "graceful")]
    pub fn drain_deadline(mut self, deadline: Duration) -> Self {
        self.settings.drain = deadline;
        self
    }

    /// What all pre-stop hooks together are given. Default 2.5 s; the platform's default for the hook is 3 s.
    pub fn pre_stop_budget(mut self, budget: Duration) -> Self {
        self.settings.pre_stop = budget;
        self
    }

    /// How long a request or the hook waits for initialization, whoever runs it. Default 300 s, the platform's most.
    pub fn initialize_wait(mut self, limit: Duration) -> Self {
        self.settings.initialize = limit;
        self
    }

    /// Which requests get a line. Default: all.
    #[doc(alias = "Logger")]
    #[doc(alias = "TraceLayer")]
    #[doc(alias = "morgan")]
    pub fn access_log(mut self, log: AccessLog) -> Self {
        self.settings.access_log = log;
        self
    }

    /// Whether `FC Invoke Start` and `End` lines are printed. Default: on FC 2.0, which needs them.
    pub fn log_markers(mut self, markers: LogMarkers) -> Self {
        self.settings.markers = markers;
        self
    }

    /// The path of the *live* check, answered before everything else, by a thread that handlers cannot block.
    /// Default `/healthz`. Put it into `customRuntimeConfig.healthCheckConfig.httpGetUrl`.
    ///
    /// It says that the process and its executor work, and nothing about what the app depends on: one database outage
    /// must not make the platform replace every instance. That is what [`ready_check`](Self::ready_check) is for.
    /// Callers inside the instance get details as JSON, others just `ok`.
    #[doc(alias = "liveness")]
    pub fn health_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.settings.health_path = path.into();
        self
    }

    /// Answers `HEAD /` as the live check too: the probe of a load balancer, which may be HTTP/1.0 and name no host.
    ///
    /// Without this, the app's own `/` answers it, `HEAD` from `GET`.
    pub fn answer_load_balancer_probe(mut self) -> Self {
        self.settings.head_root = true;
        self
    }

    /// How long the executor may owe an answer before the live check fails. Default 10 s.
    pub fn heartbeat_limit(mut self, limit: Duration) -> Self {
        self.settings.heartbeat_limit = limit;
        self
    }

    /// The path of the *ready* check. Default `/readyz`; it exists once there is a check.
    pub fn ready_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.settings.ready_path = path.into();
        self
    }

    /// How long one ready check may take. Default 0.9 s; the platform waits 1 to 3 s for a probe.
    pub fn ready_limit(mut self, limit: Duration) -> Self {
        self.settings.ready_limit = limit;
        self
    }

    /// What the live check tells callers inside the instance about this build.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// let app = App::new().build_info(env!("CARGO_PKG_VERSION"), option_env!("GIT_COMMIT").unwrap_or("unknown"));
    /// # let _: App = app;
    /// ```
    pub fn build_info(mut self, version: impl Into<String>, commit: impl Into<String>) -> Self {
        (self.settings.version, self.settings.commit) = (Some(version.into()), Some(commit.into()));
        self
    }
}
