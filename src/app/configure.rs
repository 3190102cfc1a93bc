//! Settings of the whole app.

use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

use crate::app::App;
use crate::cors::Cors;
use crate::log::{AccessLog, LogMarkers};

/// Settings. Each has a default; the docs name the platform's limit beside it.
impl<S: Send + Sync + 'static> App<S> {
    /// Listens on this port, and ignores the port of the environment.
    pub fn port(mut self, port: u16) -> Self {
        self.settings.port = Some(port);
        self
    }

    /// Whether the platform's headers and hooks are trusted. By default they are only if the environment shows that
    /// Function Compute started this process. Elsewhere any client could send `GET /pre-stop`.
    pub fn trust_platform(mut self, trust: bool) -> Self {
        self.settings.trust = Some(trust);
        self
    }

    /// How many proxies in front may set `X-Forwarded-For`, `-Proto` and `-Host`. Default: 0, which ignores these
    /// headers. For one load balancer use 1.
    #[doc(alias = "trust proxy")]
    #[doc(alias = "X-Forwarded-For")]
    pub fn trusted_hops(mut self, hops: usize) -> Self {
        self.settings.trusted_hops = hops;
        self
    }

    /// The prefix that a load balancer's rule cuts from paths, for [`Exchange::base_path`](crate::Exchange::base_path).
    /// It starts with a slash; one at its end is cut.
    #[track_caller]
    pub fn base_path(mut self, prefix: impl Into<String>) -> Self {
        self.settings.base_path_line = Some(Location::caller());
        self.settings.base_path = Some(prefix.into().trim_end_matches('/').to_owned());
        self
    }

    /// The CORS policy: which other origins may read replies. Without one the platform lets every origin read: see
    /// [`Cors`].
    #[track_caller]
    #[doc(alias = "CorsLayer")]
    pub fn cors(mut self, cors: Cors) -> Self {
        self.settings.cors_line = Some(Location::caller());
        self.routes.settings.cors = Some(Box::new(cors));
        self
    }

    /// The largest body that a reader accepts, in bytes, where neither the route nor its group sets one. Default: 2
    /// MiB. The platform passes at most 32 MiB.
    #[doc(alias = "DefaultBodyLimit")]
    #[doc(alias = "limit")]
    #[doc(alias = "payload")]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.routes.settings.body_limit = Some(bytes);
        self
    }

    /// How long a reader waits for the next piece of a body before it gives a 408, where neither the route nor its
    /// group sets one. Default: 30 s.
    #[doc(alias = "timeout")]
    pub fn body_pause(mut self, pause: Duration) -> Self {
        self.routes.settings.body_pause = Some(pause);
        self
    }

    /// How long a handler may take until its reply begins, where neither the route nor its group sets one. After that
    /// the reply is a 504. Default: no limit but the platform's.
    #[doc(alias = "timeout")]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.routes.settings.time_limit = Some(limit);
        self
    }

    /// How long the head of a request may take, from its first byte on. Default: 10 s. Beyond the limit the client gets
    /// a 408, and the connection closes.
    ///
    /// A connection on which no head has begun is never closed. The platform reuses connections, and would lose a
    /// `POST` on a closed one.
    #[doc(alias = "header_read_timeout")]
    #[doc(alias = "client_request_timeout")]
    #[doc(alias = "slowloris")]
    pub fn head_limit(mut self, limit: Duration) -> Self {
        self.settings.head_limit = limit;
        self
    }

    /// The most memory that clients may make the process hold, in bytes. Default: a third of the instance's memory, or
    /// of 1 GiB if the environment names no size. The platform's instances have 128 MiB to 32 GiB. One connection may
    /// hold three quarters of the budget.
    ///
    /// Counted are replies that an HTTP/2 client does not read, heads over 8 KiB, what readers of bodies have taken in,
    /// and messages of gRPC and WebSocket with their inflated size; of generated services as they were sent, until they are
    /// decoded. A body or message up to 64 KiB is free where few of them can be there at once, and one up to 4 KiB always;
    /// a head from 3 KiB counts where connections are many.
    /// Streams wait until there is room, and every connection has 64 KiB of its own for them. Whole replies never wait,
    /// because their memory is there already. Everything else is refused: a request or a body with a 503 and
    /// `Retry-After`, a gRPC message with `UNAVAILABLE`, a WebSocket message with a close (1013).
    ///
    /// Not counted are event calls, and what handlers make and keep. Nor is what each of the
    /// [connections](Self::max_connections) may have beside the budget: a head that is not complete, up to 64 KiB for as
    /// long as [`head_limit`](Self::head_limit), and 48 KiB of an unsent reply of HTTP/1. The streams and windows of HTTP/2
    /// follow from the budget: a client may have 256 streams, and fewer where many clients have connections.
    ///
    /// [`Counters::refused_for_memory`](crate::Counters::refused_for_memory) counts the refusals.
    #[doc(alias = "memory")]
    #[doc(alias = "backpressure")]
    pub fn client_memory(mut self, bytes: usize) -> Self {
        // With none at all a stream would wait for ever.
        self.settings.client_memory = Some(bytes.max(1));
        self
    }

    /// The most connections at a time. Default: 20 000, and no more than 4 for each MiB of the instance's memory. The
    /// platform allows 100 000 file descriptors, and opens no more connections than the instance's concurrency (at most
    /// 200).
    ///
    /// Where all are taken, one that is idle gives way to a new one, else one whose client has not read its reply for
    /// 5 s. A connection with a request in flight keeps its place, and new ones wait in the kernel.
    pub fn max_connections(mut self, connections: usize) -> Self {
        self.settings.max_connections = Some(connections.max(1));
        self
    }

    /// The most requests in flight; one more gets a 503 with `Retry-After` at once. Default: no limit. The platform
    /// sends no more than the instance's concurrency (1 by default, at most 200).
    #[doc(alias = "concurrency_limit")]
    #[doc(alias = "load_shed")]
    pub fn max_in_flight(mut self, requests: u64) -> Self {
        self.settings.max_in_flight = requests.max(1);
        self
    }

    /// The most running handlers of places with [`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish), with and without
    /// a client. Default: 1000; the platform sends an instance at most 200 requests at a time.
    ///
    /// Beyond the bound a request gets a 503 with `Retry-After` at once. The closure of a WebSocket counts from the
    /// time when its client has left. Beyond the bound the closure gets 10 s to end, as without the policy.
    ///
    /// Without this bound, a client that leaves and comes again could start any number of handlers.
    pub fn max_finishing(mut self, handlers: u64) -> Self {
        self.settings.max_finishing = handlers.max(1);
        self
    }

    /// How long requests in flight may go on after a signal to stop. Default: 10 s.
    #[doc(alias = "shutdown_timeout")]
    #[doc(alias = "graceful")]
    pub fn drain_deadline(mut self, deadline: Duration) -> Self {
        self.settings.drain = deadline;
        self
    }

    /// The time for all pre-stop hooks together. Default: 2.5 s. The platform's time-out for the hook is 3 s by
    /// default, and at most 90 s.
    pub fn pre_stop_budget(mut self, budget: Duration) -> Self {
        self.settings.pre_stop = budget;
        self
    }

    /// How long a request or the hook waits for the initialization to end. Default: 300 s, the platform's limit for the
    /// hook.
    pub fn initialize_wait(mut self, limit: Duration) -> Self {
        self.settings.initialize = limit;
        self
    }

    /// Which requests get a line in the log. Default: all.
    #[doc(alias = "Logger")]
    #[doc(alias = "TraceLayer")]
    #[doc(alias = "morgan")]
    pub fn access_log(mut self, log: AccessLog) -> Self {
        self.settings.access_log = log;
        self
    }

    /// Whether `FC Invoke Start` and `End` lines are printed. Default: only on FC 2.0, which needs them.
    pub fn log_markers(mut self, markers: LogMarkers) -> Self {
        self.settings.markers = markers;
        self
    }

    /// The path of the *live* check. Default: `/healthz`. The check is answered before everything else, by a thread
    /// that handlers cannot block. Set the path in `customRuntimeConfig.healthCheckConfig.httpGetUrl`.
    ///
    /// The check shows that the process and its executor work. It does not cover the services that the app depends on:
    /// one database outage must not make the platform replace every instance. [`ready_check`](Self::ready_check) is for
    /// those. Callers inside the instance get details as JSON, others get `ok`.
    #[track_caller]
    #[doc(alias = "liveness")]
    pub fn health_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.settings.health_line = Some(Location::caller());
        self.settings.health_path = path.into();
        self
    }

    /// Answers `HEAD /` as the live check too, which is the probe of a load balancer. It may be HTTP/1.0 without a
    /// host.
    ///
    /// Without this setting the app's own `/` answers `HEAD`, from its `GET`.
    pub fn answer_load_balancer_probe(mut self) -> Self {
        self.settings.head_root = true;
        self
    }

    /// How long the executor may take to answer before the live check fails. Default: 10 s.
    pub fn heartbeat_limit(mut self, limit: Duration) -> Self {
        self.settings.heartbeat_limit = limit;
        self
    }

    /// The path of the *ready* check. Default: `/readyz`. The path is answered only if there is a check.
    #[track_caller]
    pub fn ready_path(mut self, path: impl Into<Cow<'static, str>>) -> Self {
        self.settings.ready_line = Some(Location::caller());
        self.settings.ready_path = path.into();
        self
    }

    /// How long one ready check may take. Default: 0.9 s. The platform waits 1 to 3 s for a probe.
    pub fn ready_limit(mut self, limit: Duration) -> Self {
        self.settings.ready_limit = limit;
        self
    }

    /// The version and commit that the live check shows to callers inside the instance.
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
