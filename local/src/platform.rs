//! A running local platform: the gateway, the functions, and how they are built and replaced.

mod invoke;

use std::collections::HashMap;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::call::{Deployed, Registry};
use crate::event::{Address, BuildFailure, Cause, Kind, Log, Source};
use crate::front::{Door, Front, Listener, NotBound};
use crate::instance::{Generation, Pool, Refusal};
use crate::manifest::Manifest;
use crate::model::{Action, Function};
use crate::process::Cgroups;
use crate::watch::{self, BuiltFrom, Files, Snapshot, Workspace};

pub use invoke::Invocation;

/// How long instances may take to end once their calls are over, beyond their own limits.
const GONE_MAX: Duration = Duration::from_secs(100);

/// How a platform is started.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The address to listen on; loopback by default.
    pub listen: IpAddr,
    /// The port for all functions and the API; 0 takes a free one.
    pub port: u16,
    /// Whether the manifest's build steps are run.
    pub build: bool,
    /// How long the calls of a program that keeps to a port of its own may go on when its code is replaced:
    /// the new code cannot start before.
    pub drain: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Settings {
            listen: IpAddr::from([127, 0, 0, 1]),
            port: 8080,
            build: true,
            drain: Duration::from_secs(30),
        }
    }
}

/// A local platform that serves functions.
#[derive(Debug)]
pub struct Platform {
    registry: Arc<Registry>,
    front: Arc<Front>,
    log: Log,
    settings: Settings,
    main: SocketAddr,
    ports: Mutex<HashMap<String, u16>>,
    snapshots: Mutex<HashMap<String, Snapshot>>,
    builds: Mutex<HashMap<String, Arc<BuiltFrom>>>,
    workspace: Arc<Workspace>,
    cgroups: Option<Arc<Cgroups>>,
    /// Every generation that may still have instances.
    pools: Mutex<Vec<Weak<Pool>>>,
    stop: CancellationToken,
    connections: TaskTracker,
    tasks: TaskTracker,
}

impl Platform {
    /// Opens the ports. Functions answer once [`deploy`](Self::deploy) has put them there.
    ///
    /// # Errors
    ///
    /// The main port, or the port that a function asks for, cannot be opened.
    pub async fn open(manifest: &Manifest, settings: Settings, log: Log) -> io::Result<Self> {
        let workspace = Arc::new(Workspace::create()?);
        let listener = Listener::bind(SocketAddr::new(settings.listen, settings.port)).await?;
        let main = listener.address;
        let cgroups = cgroups(&log).await;
        let registry = Arc::new(Registry::default());
        let platform = Platform {
            front: Front::new(Arc::clone(&registry), log.clone()),
            registry,
            log,
            settings,
            main,
            ports: Mutex::default(),
            snapshots: Mutex::default(),
            builds: Mutex::default(),
            workspace,
            cgroups,
            pools: Mutex::default(),
            stop: CancellationToken::new(),
            connections: TaskTracker::new(),
            tasks: TaskTracker::new(),
        };
        platform.listen(listener, Door::Main);
        if main.ip().is_loopback() && main.is_ipv4() {
            // `*.localhost` may lead to either loopback address.
            match Listener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, main.port()))).await {
                Ok(listener) => platform.listen(listener, Door::Main),
                Err(NotBound { error, .. }) if error.kind() == io::ErrorKind::AddrInUse => {
                    platform.log.emit(&Source::default(), Kind::Ipv6PortTaken { port: main.port() });
                }
                // Without IPv6 nobody else can listen there either.
                Err(_) => {}
            }
        }
        for function in manifest.functions() {
            platform.open_port(function).await?;
            platform.registry.set_pending(&function.name, "is being built");
        }
        Ok(platform)
    }

    fn listen(&self, listener: Listener, door: Door) {
        listener.listen(Arc::clone(&self.front), door, self.stop.clone(), &self.connections);
    }

    /// A function's own port: the one it asks for, else the next one after the main port that is free.
    async fn open_port(&self, function: &Function) -> Result<(), NotBound> {
        let bind = |port| Listener::bind(SocketAddr::new(self.settings.listen, port));
        let taken = self.lock_ports().len();
        let listener = match function.local.port {
            Some(port) => bind(port).await?,
            None if self.settings.port == 0 => bind(0).await?,
            None => {
                let next = u16::try_from(taken + 1).ok().and_then(|step| self.main.port().checked_add(step));
                match bind(next.unwrap_or(0)).await {
                    Ok(bound) => bound,
                    Err(_) => bind(0).await?,
                }
            }
        };
        self.lock_ports().insert(function.name.clone(), listener.address.port());
        self.listen(listener, Door::Function(Arc::from(function.name.as_str())));
        Ok(())
    }

    fn lock_ports(&self) -> std::sync::MutexGuard<'_, HashMap<String, u16>> {
        self.ports.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn log(&self) -> &Log {
        &self.log
    }

    /// The main address that is bound.
    pub fn main_address(&self) -> SocketAddr {
        self.main
    }

    /// Where the functions of `manifest` answer.
    pub fn addresses(&self, manifest: &Manifest) -> Vec<Address> {
        manifest.functions().iter().map(|function| self.address(function)).collect()
    }

    fn address(&self, function: &Function) -> Address {
        let port = self.lock_ports().get(&function.name).copied().unwrap_or(0);
        Address {
            function: function.name.clone(),
            host_url: format!("http://{}.localhost:{}/", function.name, self.main.port()),
            port_url: format!("http://{}/", SocketAddr::new(self.main.ip(), port)),
            has_trigger: function.trigger.is_some(),
        }
    }

    /// Builds a function and puts it in its place. What goes wrong is in the log; `false` then.
    pub async fn deploy(&self, manifest: &Manifest, name: &str, done: &mut Built) -> bool {
        let Some(function) = manifest.functions().iter().find(|function| function.name == name) else {
            return false;
        };
        let source = Source::function(&Arc::from(name));
        self.registry.set_pending(name, "is being built");
        // Taken before the build, so that a change during it is seen.
        let files = watch::Sources::of(function, manifest.folder()).files_apart().await;
        self.keep_files(name, files.clone(), files.clone());
        if self.settings.build && !function.actions.is_empty() {
            let outcome = self.build(function, manifest, &source, done).await;
            let after = watch::Sources::of(function, manifest.folder()).files_apart().await;
            self.keep_files(name, files, after);
            if let Err(failure) = outcome {
                self.log.emit(&source, Kind::BuildFailed(failure));
                self.registry.set_pending(name, "could not be built; see fc-local's output");
                return false;
            }
        }
        let snapshot = match self.snapshot(function).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.log.emit(&source, Kind::CodeMissing { code: function.code.clone(), error });
                self.registry.set_pending(name, "has no code; see fc-local's output");
                return false;
            }
        };
        let is_new = self.registry.functions().get(name).is_none();
        let is_put = self.put(function, snapshot, &source).await;
        if is_new && is_put {
            self.log.emit(&source, Kind::Ready(self.address(function)));
        }
        is_put
    }

    async fn build(
        &self,
        function: &Function,
        manifest: &Manifest,
        source: &Source,
        done: &mut Built,
    ) -> Result<(), BuildFailure> {
        for action in &function.actions {
            if !done.actions.contains(action) {
                watch::run_action(action, source, &self.log, manifest, &self.tasks).await?;
                done.actions.push(action.clone());
            }
        }
        Ok(())
    }

    async fn snapshot(&self, function: &Function) -> Result<Snapshot, String> {
        let workspace = Arc::clone(&self.workspace);
        let (code, name) = (function.code.clone(), function.name.clone());
        let copying = tokio::task::spawn_blocking(move || workspace.snapshot(&code, &name));
        match copying.await {
            Ok(Ok(snapshot)) => {
                if !snapshot.is_copy {
                    let kind = Kind::CodeRunInPlace { code: function.code.clone() };
                    self.log.emit(&Source::function(&Arc::from(function.name.as_str())), kind);
                }
                Ok(snapshot)
            }
            Ok(Err(error)) => Err(error.to_string()),
            Err(error) => Err(error.to_string()),
        }
    }

    /// Makes this generation of the function the current one, without a moment in which none is.
    async fn put(&self, function: &Function, snapshot: Snapshot, source: &Source) -> bool {
        let folder = snapshot.folder.clone();
        let generation = Generation::new(
            Arc::new(function.clone()),
            folder,
            self.log.clone(),
            self.tasks.clone(),
            self.cgroups.clone(),
        );
        let generation = Arc::new(generation);
        let functions = self.registry.functions();
        let Some(deployed) = functions.get(&function.name) else {
            let pool = self.pool(generation, None, true);
            self.keep(&function.name, snapshot);
            self.registry.add(Arc::new(Deployed::new(pool)));
            return true;
        };
        let former = deployed.pool();
        let ignores_port = former.ignores_port();
        let pool = self.pool(generation, ignores_port, ignores_port != Some(true));
        if ignores_port == Some(true) {
            // Both cannot listen on the same port: calls wait while the former one finishes.
            deployed.swap(Arc::clone(&pool));
            former.close();
            self.end(&former, source).await;
            pool.open();
        } else {
            if former.is_in_use()
                && let Err(Refusal::Failed(failure)) = pool.warm().await
            {
                self.log.emit(source, Kind::SwapRefused(Cause::from(&failure)));
                pool.close();
                self.tasks.spawn(async move {
                    pool.gone().await;
                    watch::remove(snapshot).await;
                });
                return false;
            }
            deployed.swap(pool);
            former.close();
        }
        self.log.emit(source, Kind::Swapped);
        let old = self.keep(&function.name, snapshot);
        self.tasks.spawn(async move {
            former.gone().await;
            if let Some(old) = old {
                watch::remove(old).await;
            }
        });
        true
    }

    fn pool(&self, generation: Arc<Generation>, ignores_port: Option<bool>, is_open: bool) -> Arc<Pool> {
        let pool = Pool::new(generation, ignores_port, is_open);
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        pool
    }

    /// Waits until a closed generation is gone; its calls get the drain time.
    async fn end(&self, former: &Arc<Pool>, source: &Source) {
        let drain = self.settings.drain;
        if tokio::time::timeout(drain, former.gone()).await.is_ok() {
            return;
        }
        self.log.emit(source, Kind::DrainExceeded { limit: drain });
        former.abort();
        if tokio::time::timeout(GONE_MAX, former.gone()).await.is_err() {
            self.log.emit(source, Kind::FormerCodeRemains);
        }
    }

    fn keep(&self, name: &str, snapshot: Snapshot) -> Option<Snapshot> {
        self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), snapshot)
    }

    fn keep_files(&self, name: &str, before: Files, after: Files) {
        let mut builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        builds.insert(name.to_owned(), Arc::new(BuiltFrom { before, after }));
    }

    /// The sources of a function's last build.
    pub(crate) fn built_from(&self, name: &str) -> Arc<BuiltFrom> {
        let builds = self.builds.lock().unwrap_or_else(PoisonError::into_inner);
        builds.get(name).cloned().unwrap_or_default()
    }

    /// Follows a changed manifest: functions that changed are swapped, new ones added, others removed.
    pub(crate) async fn reload(&self, former: &Manifest, manifest: &Manifest) {
        self.log.emit(&Source::default(), Kind::ManifestChanged);
        for note in manifest.notes() {
            let (file, note) = (manifest.file().to_owned(), note.remark());
            self.log.emit(&Source::default(), Kind::ManifestNote { file, note });
        }
        let mut done = Built::default();
        for function in manifest.functions() {
            let before = former.functions().iter().find(|other| other.name == function.name);
            if before == Some(function) {
                continue;
            }
            if before.is_some_and(|before| before.local.port != function.local.port) {
                self.log.emit(&Source::function(&Arc::from(function.name.as_str())), Kind::PortChangeIgnored);
            }
            let has_port = self.lock_ports().contains_key(&function.name);
            if !has_port && let Err(NotBound { address, error }) = self.open_port(function).await {
                let kind = Kind::PortNotOpened { address, error: error.to_string() };
                self.log.emit(&Source::function(&Arc::from(function.name.as_str())), kind);
                continue;
            }
            self.deploy(manifest, &function.name, &mut done).await;
        }
        for gone in former.functions().iter().filter(|old| !manifest.names().any(|name| name == old.name)) {
            if let Some(deployed) = self.registry.remove(&gone.name) {
                deployed.pool().close();
                self.log.emit(&Source::function(&deployed.name), Kind::FunctionRemoved);
            }
        }
    }

    /// Has an instance of the function started, so that the first call finds one. The log tells if it fails.
    pub fn warm(&self, name: &str) {
        let functions = self.registry.functions();
        if let Some(deployed) = functions.get(name) {
            let pool = deployed.pool();
            // Nobody waits for it, and what goes wrong is in the log.
            self.tasks.spawn(async move { drop(pool.warm().await) });
        }
    }

    /// Follows changes of the manifest and the sources until the future is dropped.
    ///
    /// # Errors
    ///
    /// The system offers no way to watch files.
    pub async fn follow(&self, manifest: Manifest) -> Result<(), String> {
        watch::follow(self, manifest).await.map_err(|error| error.to_string())
    }

    /// Stops: no new connection, the calls under way get `drain` to end, then every instance is stopped.
    pub async fn stop(self, drain: Duration) {
        let deadline = Instant::now() + drain;
        self.stop.cancel();
        self.connections.close();
        let is_drained = timeout_at(deadline, self.connections.wait()).await.is_ok();
        // Those of former generations and of functions that were removed too.
        let pools = std::mem::take(&mut *self.pools.lock().unwrap_or_else(PoisonError::into_inner));
        let pools: Vec<_> = pools.iter().filter_map(Weak::upgrade).collect();
        for pool in &pools {
            pool.close();
        }
        if !is_drained {
            self.log.emit(&Source::default(), Kind::CallsEnded);
            for pool in &pools {
                pool.abort();
            }
        }
        self.tasks.close();
        if timeout_at(deadline, self.tasks.wait()).await.is_err() {
            for pool in &pools {
                pool.abort();
            }
            // What does not end now is ended by its guard when this process does.
            _ = tokio::time::timeout(GONE_MAX, self.tasks.wait()).await;
        }
    }
}

/// The build steps that one round has run, so that a step which several functions name runs once.
#[derive(Debug, Default)]
pub struct Built {
    actions: Vec<Action>,
}

/// Where the kernel can hold memory limits. Where it cannot, that is said once.
async fn cgroups(log: &Log) -> Option<Arc<Cgroups>> {
    let found = tokio::task::spawn_blocking(Cgroups::find).await;
    match found.unwrap_or_else(|error| Err(error.to_string())) {
        Ok(cgroups) => Some(Arc::new(cgroups)),
        Err(reason) => {
            log.emit(&Source::default(), Kind::MemoryLimitsSampled { reason });
            None
        }
    }
}
