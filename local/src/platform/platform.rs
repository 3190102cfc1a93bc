//! A running local platform: its ports, its front, its functions, and its end.

use std::collections::HashMap;
use std::io;
use std::net::{Ipv6Addr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::alb::Opened;
use super::composition::{Composition, account_place};
use super::settings::{GRPC_PORT, GrpcPort, Settings};
use crate::account::Account;
use crate::auth::Gate;
use crate::deploy::{
    Built, BuiltFrom, Deployer, Deployment, FOLDER as STATE_FOLDER, Project, find_other_running, find_running,
};
use crate::event::{Address, Kind, Log, Source};
use crate::front::{
    Balancers, BalancersShared, Console, ConsoleShared, Doctor, Door, Front, Listener, NotBound, Stop,
    console_urls, is_console, reachable,
};
use crate::manifest::Manifest;
use crate::meter::{Meters, TICK};
use crate::model::Function;
use crate::process::{Processes, Runner};
use crate::queue::{Queue, Trackers};
use crate::record::{Limits, Records};
use crate::registry::Registry;
use crate::shell;
use crate::store::Place;
use crate::timers::Timers;
use crate::watch::{self, Follower};
use crate::wire::Identities;

/// The certificates for TLS, if the settings ask for them.
fn identities(settings: &Settings, log: &Log) -> Option<Arc<Identities>> {
    let folder = settings.certificates.as_ref()?;
    let (kind, identities) = match Identities::open(folder) {
        Ok(identities) => {
            (Kind::TlsReady { certificate: identities.file().to_owned() }, Some(Arc::new(identities)))
        }
        Err(error) => (Kind::TlsUnavailable { error: format!("{}: {error}", folder.display()) }, None),
    };
    log.emit(&Source::default(), kind);
    identities
}

/// Ends the intervals of what functions use, until the platform stops.
async fn follow_use(meters: Meters, stop: CancellationToken) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while stop.run_until_cancelled(ticks.tick()).await.is_some() {
        meters.tick(std::time::Instant::now());
    }
}

/// The file of asynchronous calls in the folder of the settings.
const STORE: &str = "store.redb";

/// How many ports after the main port are tried for a function, before the system chooses one.
const PORTS_TRIED: u16 = 200;

/// A local platform that serves functions. [The example of the crate](crate) opens one and stops it.
#[derive(Debug)]
pub struct Platform {
    pub(super) registry: Arc<Registry>,
    pub(super) deployer: Arc<Deployer>,
    pub(super) queue: Arc<Queue>,
    account: Arc<Account>,
    pub(super) composition: Arc<Composition>,
    /// Gives the attempts at asynchronous calls up.
    pub(super) abandon: CancellationToken,
    pub(super) front: Arc<Front>,
    /// The listeners of load balancers.
    pub(super) opened: Mutex<HashMap<Arc<str>, Opened>>,
    pub(super) log: Log,
    pub(super) settings: Settings,
    main: SocketAddr,
    pub(super) stop: Stop,
    pub(super) connections: TaskTracker,
    pub(super) tasks: TaskTracker,
}

impl Platform {
    /// Opens the ports. Functions answer once [`deploy`](Self::deploy) has put them there.
    ///
    /// # Errors
    ///
    /// The main port, or the port that a function asks for, cannot be opened.
    pub async fn open(manifest: &Manifest, settings: Settings, log: Log) -> io::Result<Self> {
        Platform::open_with(manifest, settings, log, Arc::new(Processes)).await
    }

    /// As [`open`](Self::open), with a [`Runner`](crate::runner::Runner) in place of real processes.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    #[doc(hidden)]
    #[expect(clippy::too_many_lines, reason = "one part after the other is opened")]
    pub async fn open_with(
        manifest: &Manifest,
        settings: Settings,
        log: Log,
        runner: Arc<dyn Runner>,
    ) -> io::Result<Self> {
        let listener = Listener::bind(SocketAddr::new(settings.listen, settings.port))?;
        let main = listener.address;
        let (registry, tasks) = (Arc::new(Registry::default()), TaskTracker::new());
        let Settings { build: builds_code, drain, edition, require_signature, .. } = settings;
        let endpoint = reachable(main);
        let state = settings.state.clone().unwrap_or_else(|| manifest.folder().join(STATE_FOLDER));
        let project = Project { state: &state, builds_code, drain, edition, endpoint };
        let gate = Arc::new(Gate::new(state.clone(), require_signature));
        let current = shell::current_folder().unwrap_or_default();
        let search = shell::search_path();
        let needed: Vec<&Path> =
            [manifest.folder(), &current].into_iter().chain(search.iter().map(PathBuf::as_path)).collect();
        let deployer =
            Deployer::create(Arc::clone(&registry), log.clone(), tasks.clone(), project, runner, &needed)
                .await?;
        let meters = Meters::default();
        let records = settings.record.map_or_else(Records::default, |record| {
            Records::new(Limits::of_bodies(record.bodies, record.body))
        });
        let deployer = Arc::new(deployer.with(settings.chaos, meters.clone()));
        let identities = identities(&settings, &log);
        let (stop, connections, abandon) = (Stop::default(), TaskTracker::new(), CancellationToken::new());
        let trackers = Trackers {
            tasks: tasks.clone(),
            calls: connections.clone(),
            stop: stop.begun.clone(),
            abandon: abandon.clone(),
        };
        let place = settings.data.as_ref().map_or(Place::Memory, |data| Place::File(data.join(STORE)));
        let queue = Queue::new(place, Arc::clone(&registry), log.clone(), trackers);
        let balancers = Balancers::new(BalancersShared {
            registry: Arc::clone(&registry),
            deployer: Arc::clone(&deployer),
            gate: Arc::clone(&gate),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: records.clone(),
            connections: connections.clone(),
            tasks: tasks.clone(),
            stop: stop.begun.clone(),
        });
        let name = manifest.folder().file_name().map(|name| name.to_string_lossy().into_owned());
        let console = Console::new(ConsoleShared {
            registry: Arc::clone(&registry),
            queue: Arc::clone(&queue),
            log: log.clone(),
            records: records.clone(),
            meters: meters.clone(),
            stop: stop.begun.clone(),
            gate: Arc::clone(&gate),
            authority: identities.as_ref().map(|identities| identities.file().to_owned()),
            project: name.unwrap_or_default(),
            manifest: manifest.file().to_owned(),
            environment: manifest.environment().map(str::to_owned),
            redactor: RwLock::new(manifest.redactor().clone()),
            effective: settings.effective(),
        });
        let timers = Timers::new(Arc::clone(&queue), log.clone(), settings.clock.clone());
        let own = account_place(manifest, &settings, endpoint);
        let account = Account::new((Arc::clone(&registry), Arc::clone(&deployer)), log.clone(), &state, own);
        let composition = Composition::of(Composition {
            registry: Arc::clone(&registry),
            account: Arc::clone(&account),
            queue: Arc::clone(&queue),
            timers: Arc::clone(&timers),
            has_timers: settings.timers,
            log: log.clone(),
            identities: identities.clone(),
            main,
            ports: Mutex::default(),
            manifest: Mutex::new(manifest.clone()),
            domains: Mutex::default(),
        });
        let platform = Platform {
            front: Front::new(
                Arc::clone(&registry),
                (Arc::clone(&deployer), Arc::clone(&queue), Arc::clone(&account)),
                gate,
                log.clone(),
                identities.clone(),
                (Arc::new(balancers), console),
                (records, meters.clone()),
            ),
            opened: Mutex::default(),
            registry,
            deployer,
            queue,
            account,
            composition,
            abandon,
            log,
            settings,
            main,
            stop,
            connections,
            tasks,
        };
        // Clients wait until it is read: nothing is made in the place of what is kept.
        Box::pin(platform.account.open(manifest)).await;
        platform.listen(listener, Door::Main);
        if main.ip().is_loopback() && main.is_ipv4() {
            // `*.localhost` may lead to either loopback address.
            match Listener::bind(SocketAddr::from((Ipv6Addr::LOCALHOST, main.port()))) {
                Ok(listener) => platform.listen(listener, Door::Main),
                Err(NotBound { error, .. }) if error.kind() == io::ErrorKind::AddrInUse => {
                    platform.log.emit(&Source::default(), Kind::Ipv6PortTaken { port: main.port() });
                }
                // Without IPv6 nobody else can listen there either.
                Err(_) => {}
            }
        }
        let (url, path_url) = console_urls(reachable(main), manifest.names().any(is_console));
        platform.log.emit(&Source::default(), Kind::ConsoleReady([url, path_url]));
        platform.open_grpc_port()?;
        platform.open_ports(manifest)?;
        platform.composition.use_manifest(manifest);
        platform.use_balancers(manifest).await;
        platform.queue.resume().await;
        Box::pin(platform.account.start()).await;
        platform.tasks.spawn(follow_use(meters, platform.stop.begun.clone()));
        if platform.settings.timers {
            platform.tasks.spawn(timers.run(platform.stop.begun.clone()));
        }
        Ok(platform)
    }

    fn open_ports(&self, manifest: &Manifest) -> Result<(), NotBound> {
        for function in manifest.functions() {
            self.open_port(function, manifest)?;
            self.registry.set_pending(&function.name, "is being built");
        }
        Ok(())
    }

    fn listen(&self, listener: Listener, door: Door) {
        listener.listen(Arc::clone(&self.front), door, self.stop.clone(), &self.connections);
    }

    fn open_grpc_port(&self) -> Result<(), NotBound> {
        let bind = |port| Listener::bind(SocketAddr::new(self.settings.listen, port));
        let listener = match self.settings.grpc_port {
            GrpcPort::Closed => return Ok(()),
            GrpcPort::Usual => bind(GRPC_PORT).or_else(|_| bind(0))?,
            GrpcPort::At(port) => bind(port)?,
        };
        self.log.emit(&Source::default(), Kind::GrpcReady { address: listener.address });
        self.listen(listener, Door::Grpc);
        Ok(())
    }

    /// Opens a function's own port: the declared port, or else the next free port after the main port.
    fn open_port(&self, function: &Function, manifest: &Manifest) -> Result<(), NotBound> {
        let bind = |port| Listener::bind(SocketAddr::new(self.settings.listen, port));
        let listener = match function.local.port {
            Some(port) => bind(port)?,
            None if self.settings.port == 0 => bind(0)?,
            None => {
                let functions = manifest.functions().iter().filter_map(|other| other.local.port);
                let listeners = manifest.load_balancer().listeners.iter().map(|own| own.local_port);
                let declared: Vec<u16> = functions.chain(listeners).collect();
                let next = (1..=PORTS_TRIED).filter_map(|step| self.main.port().checked_add(step));
                let mut free =
                    next.filter(|port| !declared.contains(port)).filter_map(|port| bind(port).ok());
                match free.next() {
                    Some(bound) => bound,
                    None => bind(0)?,
                }
            }
        };
        self.composition.lock_ports().insert(function.name.clone(), listener.address.port());
        self.listen(listener, Door::Function(Arc::from(function.name.as_str())));
        Ok(())
    }

    /// The main address that is bound.
    pub fn main_address(&self) -> SocketAddr {
        self.main
    }

    /// Publishes the address of this platform for [`running`](Self::running), until the process ends.
    ///
    /// # Errors
    ///
    /// The file in the folder for temporary files cannot be written.
    pub fn announce(&self, manifest: &Manifest) -> io::Result<()> {
        if let Some(address) = find_other_running(manifest.file(), self.main) {
            self.log.emit(&Source::default(), Kind::ProjectShared { address });
        }
        self.deployer.announce(manifest, self.main)
    }

    /// The main address of this user's running platform for `manifest`, in any process. `None` if there is none.
    pub fn running(manifest: &Manifest) -> Option<SocketAddr> {
        find_running(manifest.file())
    }

    /// Lets the console show what `doctor` finds in the project.
    pub(crate) fn set_doctor(&self, doctor: Doctor) {
        self.front.console().set_doctor(doctor);
    }

    /// Where the functions of `manifest` answer.
    pub fn addresses(&self, manifest: &Manifest) -> Vec<Address> {
        manifest.functions().iter().map(|function| self.composition.address(function)).collect()
    }

    /// Builds and deploys a function. `false` after an error; the error is in the log.
    pub async fn deploy(&self, manifest: &Manifest, name: &str, done: &mut Built) -> bool {
        let Some(function) = manifest.functions().iter().find(|function| function.name == name) else {
            return false;
        };
        let deployment = self.deployer.deploy(function, manifest, done).await;
        if deployment == Deployment::New {
            self.composition.tell_ready(function);
        }
        deployment != Deployment::Refused
    }

    /// Starts an instance of the function for the first call. A failure is in the log.
    pub fn warm(&self, name: &str) {
        self.deployer.warm(name);
    }

    /// Follows a changed manifest: functions that changed are swapped, new ones added, others removed.
    async fn follow_manifest(&self, former: &Manifest, manifest: &Manifest) {
        self.log.emit(&Source::default(), Kind::ManifestChanged);
        self.front.console().set_redactor(manifest.redactor().clone());
        for note in manifest.notes() {
            let (file, note) = (manifest.file().to_owned(), note.remark());
            self.log.emit(&Source::default(), Kind::ManifestNote { file, note });
        }
        for name in manifest.names().filter(|name| !former.names().any(|old| old == *name)) {
            // A route may lead to a function that is not built yet.
            self.registry.set_pending(name, "is being built");
        }
        self.composition.use_manifest(manifest);
        self.use_balancers(manifest).await;
        let mut done = Built::default();
        for function in manifest.functions() {
            let before = former.functions().iter().find(|other| other.name == function.name);
            // The build steps see the variables of `.env` files.
            let builds_alike = former.variables() == manifest.variables() || function.actions.is_empty();
            if builds_alike && before.is_some_and(|before| before.is_same(function)) {
                continue;
            }
            if before.is_some_and(|before| before.local.port != function.local.port) {
                self.log.emit(&Source::function(&Arc::from(function.name.as_str())), Kind::PortChangeIgnored);
            }
            let has_port = self.composition.lock_ports().contains_key(&function.name);
            if !has_port && let Err(not_bound) = self.open_port(function, manifest) {
                let kind = Kind::PortNotOpened { address: not_bound.address, error: not_bound.reason() };
                self.log.emit(&Source::function(&Arc::from(function.name.as_str())), kind);
                continue;
            }
            self.deploy(manifest, &function.name, &mut done).await;
        }
        for gone in former.functions().iter().filter(|old| !manifest.names().any(|name| name == old.name)) {
            self.deployer.remove(&gone.name);
        }
        // A function of the account may have been hidden by one of the manifest.
        self.account.start().await;
        self.composition.tell_domains(|function| manifest.names().any(|name| name == function));
    }

    /// Follows changes of the manifest and the sources until the future is dropped.
    ///
    /// # Errors
    ///
    /// The system offers no way to watch files.
    pub async fn follow(&self, manifest: Manifest) -> Result<(), String> {
        watch::follow(self, manifest).await.map_err(|error| error.to_string())
    }
}

impl Follower for Platform {
    fn log(&self) -> &Log {
        &self.log
    }

    fn built_from(&self, name: &str) -> Arc<BuiltFrom> {
        self.deployer.built_from(name)
    }

    async fn sources_changed(&self, manifest: &Manifest, name: &str, done: &mut Built) {
        self.deploy(manifest, name, done).await;
    }

    async fn manifest_changed(&self, former: &Manifest, manifest: &Manifest) {
        self.follow_manifest(former, manifest).await;
    }
}
