//! A platform in this process with fake programs, and a client.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread::{Scope, ScopedJoinHandle};
use std::time::Duration;

use fc_local::clock::{Clock, Hand};
use fc_local::{
    Built, Chaos, Event, Events, GrpcPort, Invocation, Kind, Log, Manifest, Platform, Record, Recorder,
    Settings,
};
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::Function;
use testkit::{Answer, Folder, PATIENCE, until};
use tokio::runtime::Runtime;

use crate::fake::{Fakes, Program};
use crate::function::{Asked, Served, serve};

/// The function `f` with default settings.
pub(crate) fn f() -> Function {
    Function::default()
}

/// The path of the API at which `f` takes events.
const INVOCATIONS: &str = "/2023-03-30/functions/f/invocations";

/// A platform with the function `f`.
#[derive(Debug)]
pub(crate) struct Ring {
    platform: Platform,
    port: u16,
    fakes: Arc<Fakes>,
    seen: Seen,
    folder: Folder,
    // Dropped last: the fields above may still have tasks in the runtime.
    runtime: Runtime,
}

/// The events of the platform so far.
#[derive(Debug)]
pub(crate) struct Seen(Mutex<(Events, Vec<Arc<Event>>)>);

impl Ring {
    /// Opens a platform whose function answers by `handler`. No instance is started yet.
    pub(crate) fn serving<F>(
        function: Function,
        handler: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Served> + Send + 'static,
    {
        Ring::of(function, Fakes::new(move |program| serve(program, handler.clone())), None)
    }

    /// As [`serving`](Self::serving), with a clock of timers that stands at `time` until its hand is moved.
    pub(crate) fn timed<F>(
        time: &str,
        function: Function,
        handler: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
    ) -> (Self, Hand)
    where
        F: Future<Output = Served> + Send + 'static,
    {
        let (hand, clock) = Clock::standing(time);
        let fakes = Fakes::new(move |program| serve(program, handler.clone()));
        (Ring::open(function, fakes, None, clock), hand)
    }

    /// As [`serving`](Self::serving), with faults injected.
    pub(crate) fn chaotic<F>(
        chaos: &str,
        function: Function,
        handler: impl Fn(Asked) -> F + Clone + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Served> + Send + 'static,
    {
        let fakes = Fakes::new(move |program| serve(program, handler.clone()));
        Ring::of(function, fakes, Some(chaos.parse().unwrap()))
    }

    /// Opens a platform whose programs run `main`.
    pub(crate) fn running<F>(function: Function, main: impl Fn(Program) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = i32> + Send + 'static,
    {
        Ring::of(function, Fakes::new(main), None)
    }

    /// As [`running`](Self::running), with faults injected.
    pub(crate) fn upset<F>(
        chaos: &str,
        function: Function,
        main: impl Fn(Program) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = i32> + Send + 'static,
    {
        Ring::of(function, Fakes::new(main), Some(chaos.parse().unwrap()))
    }

    fn of(function: Function, fakes: Arc<Fakes>, chaos: Option<Chaos>) -> Self {
        Ring::open(function, fakes, chaos, Clock::default())
    }

    fn open(function: Function, fakes: Arc<Fakes>, chaos: Option<Chaos>, clock: Clock) -> Self {
        let folder = Folder::new();
        folder.write("code/bootstrap", "never run");
        let manifest = load(&folder, function);
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let (log, events) = Log::new();
        let mut settings = Settings::default();
        settings.port = 0;
        settings.chaos = chaos;
        settings.clock = clock;
        settings.grpc_port = GrpcPort::At(0);
        settings.record = Some(Recorder::default());
        let platform = runtime.block_on(async {
            let runner = Arc::clone(&fakes);
            let platform = Platform::open_with(&manifest, settings, log, runner).await.unwrap();
            assert!(platform.deploy(&manifest, "f", &mut Built::default()).await);
            platform
        });
        let url = platform.addresses(&manifest).remove(0).port_url;
        let port = url.trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap();
        let seen = Seen(Mutex::new((events, Vec::new())));
        Ring { platform, port, fakes, seen, folder, runtime }
    }

    /// Changes the function and deploys it, as a changed file does. `true` if the change was deployed.
    pub(crate) fn redeploy(&self, function: Function) -> bool {
        let manifest = load(&self.folder, function);
        self.runtime.block_on(self.platform.deploy(&manifest, "f", &mut Built::default()))
    }

    /// Starts an instance without a call.
    pub(crate) fn warm(&self) {
        let _inside = self.runtime.enter();
        self.platform.warm("f");
    }

    /// Calls the function with an event, without a client.
    pub(crate) fn invoke(&self, event: &'static str) -> Invocation {
        self.runtime.block_on(self.platform.invoke("f", event.into(), false))
    }

    /// Stops the platform, and gives all events up to its end.
    pub(crate) fn stop(self, drain: Duration) -> Seen {
        self.runtime.block_on(self.platform.stop(drain));
        self.seen
    }

    /// Stops the platform as a second Ctrl-C does, and gives what it told to its end.
    pub(crate) fn stop_at_once(self) -> Seen {
        let stop = self.platform.stop_unless(PATIENCE, std::future::ready(()));
        assert!(!self.runtime.block_on(stop), "it was not in order");
        self.seen
    }

    /// All programs so far, in the order of their starts.
    pub(crate) fn programs(&self) -> Vec<Program> {
        self.fakes.started()
    }

    /// The function's own port.
    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// Sends a request without a body.
    #[track_caller]
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.call("GET", target, b"")
    }

    /// Sends a request.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, target: &str, body: &[u8]) -> Answer {
        exchange(self.port, &request(method, target, "", body))
    }

    /// Asks fc-local itself, by a path behind `/_local/v1/`.
    #[track_caller]
    pub(crate) fn ask_local(&self, method: &str, path: &str) -> serde_json::Value {
        let port = self.main_port();
        let head = format!(
            "{method} /_local/v1/{path} HTTP/1.1\r\nhost: localhost:{port}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        );
        let answer = exchange(port, head.as_bytes());
        answer.assert_status(200);
        answer.json()
    }

    /// Calls the function with an event over HTTP, as clients of the API do.
    #[track_caller]
    pub(crate) fn post_event(&self, event: &[u8]) -> Answer {
        exchange(self.main_port(), &request("POST", INVOCATIONS, "", event))
    }

    /// As [`begin`](Self::begin), with a call of the API.
    #[track_caller]
    pub(crate) fn begin_event(&self) -> Conn {
        let mut conn = Conn::open(self.main_port());
        conn.send(&request("POST", INVOCATIONS, "", b"x"));
        conn
    }

    /// The port of the API.
    pub(crate) fn main_port(&self) -> u16 {
        self.platform.main_address().port()
    }

    /// Sends a request from a thread of its own.
    pub(crate) fn get_beside<'scope>(
        &'scope self,
        scope: &'scope Scope<'scope, '_>,
        target: &'static str,
    ) -> ScopedJoinHandle<'scope, Answer> {
        scope.spawn(move || self.get(target))
    }

    /// Sends a request. The client leaves when the connection is dropped.
    #[track_caller]
    pub(crate) fn begin(&self, target: &str) -> Conn {
        let mut conn = Conn::open(self.port);
        conn.send(&request("GET", target, "", b""));
        conn
    }
}

impl std::ops::Deref for Ring {
    type Target = Seen;

    fn deref(&self) -> &Seen {
        &self.seen
    }
}

impl Seen {
    /// All events so far.
    pub(crate) fn all(&self) -> Vec<Arc<Event>> {
        let (events, seen) = &mut *self.0.lock().unwrap();
        while events.take(seen, 1000) > 0 {}
        seen.clone()
    }

    /// The number of `wanted` events so far.
    pub(crate) fn count(&self, wanted: impl Fn(&Kind) -> bool) -> usize {
        self.all().iter().filter(|event| wanted(&event.kind)).count()
    }

    /// Waits for the `nth` wanted event, from 1.
    #[track_caller]
    pub(crate) fn nth(&self, nth: usize, what: &str, wanted: impl Fn(&Kind) -> bool) -> Arc<Event> {
        until(&format!("{what} ({nth})"), || {
            self.all().into_iter().filter(|event| wanted(&event.kind)).nth(nth - 1)
        })
    }

    /// Waits for the first wanted event.
    #[track_caller]
    pub(crate) fn first(&self, what: &str, wanted: impl Fn(&Kind) -> bool) -> Arc<Event> {
        self.nth(1, what, wanted)
    }

    /// The only record of a request. The record comes after the reply.
    #[track_caller]
    pub(crate) fn record(&self, id: &str) -> Record {
        let of_request = |event: &Event| event.request.as_deref() == Some(id);
        let records = |all: Vec<Arc<Event>>| -> Vec<Record> {
            let own = all.iter().filter(|event| of_request(event));
            own.filter_map(
                |event| if let Kind::Request(record) = &event.kind { Some(record.clone()) } else { None },
            )
            .collect()
        };
        until("a record", || records(self.all()).pop());
        let mut found = records(self.all());
        assert_eq!(found.len(), 1, "{id}: {found:?}");
        found.remove(0)
    }

    /// The name of a call's failure.
    #[track_caller]
    pub(crate) fn failure(&self, id: &str) -> &'static str {
        until("a failed call", || {
            self.all().iter().find_map(|event| match &event.kind {
                Kind::CallFailed(cause) if event.request.as_deref() == Some(id) => Some(cause.failure),
                _ => None,
            })
        })
    }

    /// The started instances, in order.
    pub(crate) fn instances(&self) -> Vec<String> {
        let started =
            self.all().into_iter().filter(|event| matches!(event.kind, Kind::InstanceStarted { .. }));
        started.map(|event| event.instance.as_deref().expect("it has an id").to_owned()).collect()
    }
}

fn load(folder: &Folder, function: Function) -> Manifest {
    let file: PathBuf = folder.write("s.yaml", &testkit::manifest::Manifest::from(function).to_string());
    Manifest::load(&file).expect("the manifest is good")
}
