//! The load balancers in use: a configuration that can be replaced while requests are under way.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::group::Group;
use super::port::{Port, key};
use super::probe;
use crate::auth::Gate;
use crate::deploy::Deployer;
use crate::event::Log;
use crate::model::alb::{Listener, LoadBalancer};
use crate::queue::Queue;
use crate::record::Records;
use crate::registry::Registry;
use crate::wire::{Ticks, TlsServer};

/// The most copies of requests that are under way at a time.
const MIRRORS_MAX: usize = 64;

/// What requests through load balancers need of the platform.
#[derive(Debug, Clone)]
pub(crate) struct Shared {
    pub(crate) registry: Arc<Registry>,
    pub(crate) deployer: Arc<Deployer>,
    pub(crate) gate: Arc<Gate>,
    pub(crate) queue: Arc<Queue>,
    pub(crate) log: Log,
    pub(crate) records: Records,
    /// For connections to servers beside the functions.
    pub(crate) connections: TaskTracker,
    /// For health checks, which end when the platform stops.
    pub(crate) tasks: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// The load balancers in use.
#[derive(Debug)]
pub(crate) struct Balancers {
    pub(super) shared: Arc<Shared>,
    pub(super) mirrors: Arc<Semaphore>,
    /// The clock of short waits for backends.
    pub(super) ticks: Arc<Ticks>,
    current: RwLock<Current>,
}

#[derive(Debug, Default)]
struct Current {
    ports: BTreeMap<Arc<str>, Arc<Port>>,
    groups: Vec<(Arc<Group>, CancellationToken)>,
    config: Arc<LoadBalancer>,
}

impl Balancers {
    pub(crate) fn new(shared: Shared) -> Self {
        let (mirrors, ticks) = (Arc::new(Semaphore::new(MIRRORS_MAX)), Ticks::new(shared.tasks.clone()));
        Balancers { shared: Arc::new(shared), mirrors, ticks, current: RwLock::default() }
    }

    /// Uses `config` in place of the former one. Groups that stay as they are keep what is known of their health. `tls` makes
    /// the TLS of a listener.
    pub(crate) fn set(&self, config: &LoadBalancer, mut tls: impl FnMut(&Listener) -> Option<TlsServer>) {
        let former = self.read().groups.clone();
        let kept = |settings| former.iter().find(|(group, _)| group.is_same(settings)).cloned();
        let mut all: Vec<(Arc<Group>, CancellationToken)> = Vec::with_capacity(config.groups.len());
        for settings in &config.groups {
            all.push(kept(settings).unwrap_or_else(|| {
                let group = Arc::new(Group::new(settings.clone()));
                let stop = self.shared.stop.child_token();
                probe::start(&self.shared, &group, &stop);
                (group, stop)
            }));
        }
        for (group, stop) in &former {
            if !all.iter().any(|(own, _)| Arc::ptr_eq(own, group)) {
                stop.cancel();
            }
        }
        let groups: Arc<[Arc<Group>]> = all.iter().map(|(group, _)| Arc::clone(group)).collect();
        let port = |listener: &Listener| {
            (key(listener), Arc::new(Port::new(listener, config, &groups, tls(listener))))
        };
        // Expressions and TLS take a while. Requests do not wait for them.
        let ports = config.listeners.iter().map(port).collect();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) =
            Current { ports, groups: all, config: Arc::new(config.clone()) };
    }

    fn read(&self) -> RwLockReadGuard<'_, Current> {
        self.current.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// The configuration in use.
    pub(crate) fn config(&self) -> Arc<LoadBalancer> {
        Arc::clone(&self.read().config)
    }

    /// The listener with this key.
    pub(crate) fn port(&self, key: &str) -> Option<Arc<Port>> {
        self.read().ports.get(key).cloned()
    }

    /// All listeners, by their names, and all groups.
    pub(super) fn all(&self) -> (Vec<Arc<Port>>, Vec<Arc<Group>>) {
        let current = self.read();
        let mut ports: Vec<Arc<Port>> = current.ports.values().cloned().collect();
        ports.sort_by(|one, other| {
            (one.listener().port, &one.name).cmp(&(other.listener().port, &other.name))
        });
        (ports, current.groups.iter().map(|(group, _)| Arc::clone(group)).collect())
    }
}
