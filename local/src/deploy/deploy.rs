//! Deployment: makes new code and settings of a function current.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio_util::task::TaskTracker;

use super::build;
use super::images::Images;
use super::layout::Folders;
use super::sessions::Beginnings;
use super::snapshot::{self, Snapshot};
use super::sources::{BuiltFrom, Files, Sources};
use super::store::{Stamp, Store};
use super::workspace::Workspace;
use crate::event::{BuildFailure, Cause, Kind, Log, Source};
use crate::fault::{Chaos, FaultPlan};
use crate::instance::{Generation, Layout, Networks, Pool, Refusal};
use crate::manifest::Manifest;
use crate::meter::Meters;
use crate::model::{Action, Edition, Function, VersionId};
use crate::process::{Cgroups, Runner};
use crate::registry::{Deployed, Registry};

/// How long instances may take to end once their calls are over, beyond their own limits.
pub(crate) const GONE_MAX: Duration = Duration::from_secs(100);

/// The outcome of a deployment. Errors are in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deployment {
    /// The function answers for the first time.
    New,
    /// The new code has replaced the former code.
    Swapped,
    /// The build has made what was there before.
    Same,
    /// Nothing has changed.
    Refused,
}

/// The build steps that one round has run. A step that several functions share runs once.
/// [The example of the crate](crate) begins a round.
#[derive(Debug, Default)]
pub struct Built {
    actions: Vec<Action>,
}

/// What the deployments of one project have in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Project<'a> {
    /// The folder for what survives.
    pub(crate) state: &'a Path,
    pub(crate) builds_code: bool,
    pub(crate) drain: Duration,
    /// The edition of all functions; `None` is that of the manifest.
    pub(crate) edition: Option<Edition>,
    /// Where functions call the API.
    pub(crate) endpoint: SocketAddr,
}

/// Builds and deploys functions.
#[derive(Debug)]
pub(crate) struct Deployer {
    pub(super) registry: Arc<Registry>,
    pub(super) log: Log,
    pub(super) tasks: TaskTracker,
    /// Whether the manifest's build steps are run.
    builds_code: bool,
    /// How long the calls of a former generation may continue if the former generation has to end before the new one
    /// starts.
    pub(super) drain: Duration,
    pub(super) workspace: Arc<Workspace>,
    pub(super) store: Store,
    /// Changes of versions and aliases come one after the other. Code that may be published is removed in a turn too.
    pub(super) releases_turn: Arc<tokio::sync::Mutex<()>>,
    /// The state of each function as it was last read.
    pub(super) seen: Mutex<HashMap<String, Stamp>>,
    pub(super) beginnings: Beginnings,
    pub(super) edition: Option<Edition>,
    endpoint: SocketAddr,
    pub(super) folders: Folders,
    runner: Arc<dyn Runner>,
    cgroups: Option<Arc<Cgroups>>,
    networks: Option<Arc<Networks>>,
    pub(super) images: Images,
    pub(super) faults: FaultPlan,
    meters: Meters,
    snapshots: Mutex<HashMap<String, Snapshot>>,
    builds: Mutex<HashMap<String, Arc<BuiltFrom>>>,
    /// Every generation that may still have instances.
    pools: Mutex<Vec<Weak<Pool>>>,
}

impl Deployer {
    /// Creates the folder for copies of code, and finds out whether the kernel can enforce memory limits, and whether
    /// instances can have mounts. Entries of `/tmp` with one of the paths `needed` stay visible to instances.
    ///
    /// # Errors
    ///
    /// The folder cannot be made.
    pub(crate) async fn create(
        registry: Arc<Registry>,
        log: Log,
        tasks: TaskTracker,
        Project { state, builds_code, drain, edition, endpoint }: Project<'_>,
        runner: Arc<dyn Runner>,
        needed: &[&Path],
    ) -> io::Result<Self> {
        let workspace = Arc::new(Workspace::create()?);
        let has_processes = runner.has_processes();
        let cgroups = if has_processes { cgroups(&log).await } else { None };
        let networks = has_processes.then(|| Arc::new(Networks::new(log.clone(), tasks.clone())));
        let folders = Folders::create(&workspace, needed, has_processes, &log).await?;
        Ok(Deployer {
            registry,
            log,
            tasks,
            builds_code,
            drain,
            workspace,
            store: Store::of(state),
            releases_turn: Arc::default(),
            seen: Mutex::default(),
            beginnings: Beginnings::default(),
            edition,
            endpoint,
            folders,
            runner,
            cgroups,
            networks,
            images: Images::default(),
            faults: FaultPlan::default(),
            meters: Meters::default(),
            snapshots: Mutex::default(),
            builds: Mutex::default(),
            pools: Mutex::default(),
        })
    }

    /// Injects faults into functions that are deployed from now on, and counts what they use.
    pub(crate) fn with(self, chaos: Option<Chaos>, meters: Meters) -> Self {
        Deployer { faults: FaultPlan::new(chaos), meters, ..self }
    }

    /// Builds and deploys a function.
    pub(crate) async fn deploy(
        &self,
        function: &Function,
        manifest: &Manifest,
        done: &mut Built,
    ) -> Deployment {
        let name = function.name.as_str();
        let source = Source::function(&Arc::from(name));
        self.registry.set_pending(name, "is being built");
        // Taken before the build, so that a change during the build is seen.
        let files = Sources::of(function, manifest).files_apart().await;
        self.keep_files(name, files.clone(), files.clone());
        if self.builds_code && !function.actions.is_empty() {
            let outcome = self.build(function, manifest, &source, done).await;
            let after = Sources::of(function, manifest).files_apart().await;
            self.keep_files(name, files, after);
            if let Err(failure) = outcome {
                self.log.emit(&source, Kind::BuildFailed(failure));
                self.registry.set_pending(name, "could not be built; see fc-local's output");
                return Deployment::Refused;
            }
        }
        let mut function = function.clone();
        if let Err(fault) = Box::pin(self.settle_image(&mut function)).await {
            self.log.emit(&source, Kind::ImageMissing(fault));
            self.registry.set_pending(name, "has no image; see fc-local's output");
            return Deployment::Refused;
        }
        let snapshot = match self.snapshot(&function).await {
            Ok(snapshot) => snapshot,
            Err(error) => {
                self.log.emit(&source, Kind::CodeMissing { code: function.code.clone(), error });
                self.registry.set_pending(name, "has no code; see fc-local's output");
                return Deployment::Refused;
            }
        };
        let layout = match self.folders.layout(&function, &snapshot.folder, &self.workspace, &self.log).await
        {
            Ok(layout) => layout,
            Err((code, error)) => {
                self.log.emit(&source, Kind::CodeMissing { code, error });
                self.registry.set_pending(name, "has a layer that cannot be read; see fc-local's output");
                return Deployment::Refused;
            }
        };
        function.local.edition = self.edition.unwrap_or(function.local.edition);
        let functions = self.registry.functions();
        let current = functions.get(name).map(|deployed| deployed.pool());
        let is_same =
            |generation: &Generation| generation.function.is_same(&function) && generation.layout == layout;
        // What the manifest names to be watched, the program may read itself. And of code that runs in place nobody knows
        // the former state.
        let is_known = function.local.watch.is_empty() && snapshot.is_copy();
        if is_known && current.is_some_and(|pool| is_same(&pool.generation)) {
            return Deployment::Same;
        }
        self.put(function, snapshot, layout, &source).await
    }

    async fn build(
        &self,
        function: &Function,
        manifest: &Manifest,
        source: &Source,
        done: &mut Built,
    ) -> Result<(), BuildFailure> {
        let follows = build::follows_target_folder(&function.actions);
        for action in &function.actions {
            if !done.actions.contains(action) {
                let manifest = (manifest, follows);
                build::run(action, source, &self.log, manifest, &*self.runner, &self.tasks).await?;
                done.actions.push(action.clone());
            }
        }
        Ok(())
    }

    async fn snapshot(&self, function: &Function) -> Result<Snapshot, String> {
        let workspace = Arc::clone(&self.workspace);
        let (code, name) = (self.code_of(function)?, function.name.clone());
        let former = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).get(&name).cloned();
        let source = Source::function(&Arc::from(name.as_str()));
        let (log, source_of_copy) = (self.log.clone(), source.clone());
        let copying = tokio::task::spawn_blocking(move || {
            let tell = |copied, bytes| {
                log.emit(&source_of_copy, Kind::CodeCopying { code: code.clone(), copied, bytes });
            };
            Snapshot::take(&workspace, &code, &name, former.as_ref(), &tell)
        });
        let snapshot =
            copying.await.map_err(|error| error.to_string())?.map_err(|error| error.to_string())?;
        if !snapshot.is_copy() {
            self.log.emit(&source, Kind::CodeRunInPlace { code: function.code.clone() });
        }
        Ok(snapshot)
    }

    /// Makes this generation of the function current. At every moment exactly one generation is current.
    async fn put(
        &self,
        function: Function,
        snapshot: Snapshot,
        layout: Layout,
        source: &Source,
    ) -> Deployment {
        let name = function.name.clone();
        let generation = self.generation(function, None, layout);
        let functions = self.registry.functions();
        let Some(deployed) = functions.get(&name) else {
            let pool = self.pool(generation, None, true);
            self.keep(&name, snapshot);
            let deployed = Deployed::new(pool, self.faults.of(&name));
            self.restore(&deployed).await;
            self.registry.add(Arc::new(deployed));
            return Deployment::New;
        };
        let former = deployed.pool();
        generation.learn_from(&former.generation);
        let ignores_port = former.ignores_port();
        let pool = self.pool(generation, ignores_port, ignores_port != Some(true));
        let replaced;
        if ignores_port == Some(true) {
            // Both cannot listen on the same port: calls wait while the former one finishes.
            replaced = self.make_current(deployed, &pool).await;
            self.end(&replaced, source).await;
            pool.open();
        } else {
            if former.is_in_use()
                && let Err(Refusal::Failed(failure)) = pool.warm().await
            {
                self.log.emit(source, Kind::SwapRefused(Cause::from(&failure)));
                pool.close();
                self.tasks.spawn(async move {
                    pool.gone().await;
                    snapshot::remove(snapshot).await;
                });
                return Deployment::Refused;
            }
            replaced = self.make_current(deployed, &pool).await;
        }
        self.log.emit(source, Kind::Swapped);
        let old = self.keep(&name, snapshot);
        self.remove_after(replaced, old);
        Deployment::Swapped
    }

    pub(super) fn generation(
        &self,
        function: Function,
        version: Option<VersionId>,
        layout: Layout,
    ) -> Arc<Generation> {
        let (log, tasks) = (self.log.clone(), self.tasks.clone());
        let runner = Arc::clone(&self.runner);
        let faults = self.faults.of(&function.name);
        let engine = self.engine_for(&function);
        let meter = self.meters.of(&function.name);
        let generation =
            Generation::new(Arc::new(function), version, layout, log, tasks, runner, self.cgroups.clone());
        let generation =
            generation.with_meter(meter).with_faults(faults).with_endpoint(self.endpoint).with_engine(engine);
        Arc::new(generation.with_networks(self.networks.clone()))
    }

    pub(super) fn pool(
        &self,
        generation: Arc<Generation>,
        ignores_port: Option<bool>,
        is_open: bool,
    ) -> Arc<Pool> {
        let pool = Pool::new(generation, ignores_port, is_open);
        let mut pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.retain(|pool| pool.strong_count() > 0);
        pools.push(Arc::downgrade(&pool));
        drop(pools);
        if pool.generation.has_schedules() {
            self.tasks.spawn(Arc::clone(&pool).follow_schedules());
        }
        pool
    }

    pub(super) fn keep(&self, name: &str, snapshot: Snapshot) -> Option<Snapshot> {
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

    /// Starts an instance of the function for the first call. A failure is in the log.
    pub(crate) fn warm(&self, name: &str) {
        let functions = self.registry.functions();
        if let Some(deployed) = functions.get(name).filter(|deployed| deployed.disabled().is_none()) {
            let pool = deployed.pool();
            // Nobody waits for the result; errors are in the log.
            self.tasks.spawn(async move { drop(pool.warm().await) });
        }
    }

    /// Takes a function of the manifest out; its calls under way finish.
    pub(crate) fn remove(&self, name: &str) {
        if let Some(name) = self.remove_stored(name) {
            self.log.emit(&Source::function(&name), Kind::FunctionRemoved);
        }
    }

    /// Takes a function out; its calls under way finish.
    pub(crate) fn remove_stored(&self, name: &str) -> Option<Arc<str>> {
        self.builds.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let code = self.snapshots.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
        let deployed = self.registry.remove(name)?;
        let pool = deployed.pool();
        pool.close();
        deployed.releases(|releases| releases.versions.values().for_each(|release| release.pool.close()));
        self.remove_after(pool, code);
        Some(Arc::clone(&deployed.name))
    }

    /// Every generation that may still have instances, including those of removed functions.
    pub(crate) fn generations(&self) -> Vec<Arc<Pool>> {
        let pools = self.pools.lock().unwrap_or_else(PoisonError::into_inner);
        pools.iter().filter_map(Weak::upgrade).collect()
    }
}

/// The control groups, if the kernel can enforce memory limits. Otherwise one line in the log says so.
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
