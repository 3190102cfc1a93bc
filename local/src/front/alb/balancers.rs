//! The load balancers in use: a configuration that can be replaced while requests are under way.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

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
use crate::registry::Registry;
use crate::wire::TlsServer;

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
    current: RwLock<Current>,
}

#[derive(Debug, Default)]
struct Current {
    ports: HashMap<Arc<str>, Arc<Port>>,
    groups: Vec<(Arc<Group>, CancellationToken)>,
}

impl Balancers {
    pub(crate) fn new(shared: Shared) -> Self {
        let (shared, mirrors) = (Arc::new(shared), Arc::new(Semaphore::new(MIRRORS_MAX)));
        Balancers { shared, mirrors, current: RwLock::default() }
    }

    /// Uses `config` in place of the former one. Groups that stay as they are keep what is known of their health. `tls` makes
    /// the TLS of a listener.
    pub(crate) fn set(&self, config: &LoadBalancer, mut tls: impl FnMut(&Listener) -> Option<TlsServer>) {
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        let mut former = std::mem::take(&mut current.groups);
        for settings in &config.groups {
            let kept = former.iter().position(|(group, _)| group.is_same(settings));
            let group = if let Some(kept) = kept {
                former.swap_remove(kept)
            } else {
                let group = Arc::new(Group::new(settings.clone()));
                let stop = self.shared.stop.child_token();
                probe::start(&self.shared, &group, &stop);
                (group, stop)
            };
            current.groups.push(group);
        }
        for (_, stop) in former {
            stop.cancel();
        }
        let groups: Arc<[Arc<Group>]> = current.groups.iter().map(|(group, _)| Arc::clone(group)).collect();
        let port = |listener: &Listener| {
            (key(listener), Arc::new(Port::new(listener, config, &groups, tls(listener))))
        };
        current.ports = config.listeners.iter().map(port).collect();
    }

    /// The listener with this key.
    pub(crate) fn port(&self, key: &str) -> Option<Arc<Port>> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).ports.get(key).cloned()
    }

    /// All listeners, by their names, and all groups.
    pub(super) fn all(&self) -> (Vec<Arc<Port>>, Vec<Arc<Group>>) {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let mut ports: Vec<Arc<Port>> = current.ports.values().cloned().collect();
        ports.sort_by(|one, other| {
            (one.listener().port, &one.name).cmp(&(other.listener().port, &other.name))
        });
        (ports, current.groups.iter().map(|(group, _)| Arc::clone(group)).collect())
    }
}
