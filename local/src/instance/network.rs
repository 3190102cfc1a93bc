//! Which programs get a network of their own: those that keep to the declared port. And the way to an instance's port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::net::TcpStream;
use tokio::sync::OnceCell;
use tokio_util::task::TaskTracker;

use super::generation::Generation;
use crate::event::{Kind, Log, Source};
use crate::failure::Failure;
use crate::process::Network;

/// The address at which instances are called. Not 127.0.0.1: a program that listens on 127.0.0.1 alone is unreachable,
/// as on the platform.
const ADDRESS: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// The networks of instances, if this machine can make some.
#[derive(Debug)]
pub(crate) struct Networks {
    log: Log,
    tasks: TaskTracker,
    /// Known once a program needs a network.
    are_there: OnceCell<bool>,
}

impl Networks {
    pub(crate) fn new(log: Log, tasks: TaskTracker) -> Self {
        Networks { log, tasks, are_there: OnceCell::new() }
    }

    /// Whether networks can be made. The first call makes one, and says if that fails.
    async fn are_there(&self, port: u16) -> bool {
        let trying = async || match Network::create(port, &self.tasks).await {
            Ok(_) => true,
            Err(reason) => {
                self.log.emit(&Source::default(), Kind::NetworksUnavailable(reason));
                false
            }
        };
        *self.are_there.get_or_init(trying).await
    }
}

impl Generation {
    /// With networks for programs that keep to the declared port.
    pub(crate) fn with_networks(mut self, networks: Option<Arc<Networks>>) -> Self {
        self.networks = networks.filter(|_| self.function.local.network && self.function.container.is_none());
        self
    }

    /// Takes over what is known of the program from a former generation.
    pub(crate) fn learn_from(&self, former: &Generation) {
        self.keeps_port.store(former.keeps_port(), Ordering::Relaxed);
    }

    /// Whether the program keeps to the declared port, and its instances get networks.
    pub(super) fn keeps_port(&self) -> bool {
        self.keeps_port.load(Ordering::Relaxed)
    }

    /// Notes that the program keeps to the declared port. True if its instances get networks from now on.
    pub(super) async fn notes_kept_port(&self) -> bool {
        let port = self.function.port;
        let Some(networks) = &self.networks else { return false };
        if !networks.are_there(port).await {
            return false;
        }
        if !self.keeps_port.swap(true, Ordering::Relaxed) {
            self.log.emit(&self.source(), Kind::NetworkOwn(port));
        }
        true
    }

    /// A network for the next instance, if the program is known to keep to the declared port.
    pub(super) async fn network(&self) -> Result<Option<Arc<Network>>, Failure> {
        let Some(networks) = self.networks.as_ref().filter(|_| self.keeps_port()) else {
            return Ok(None);
        };
        let made = Network::create(self.function.port, &networks.tasks).await;
        let failed = |why| Failure::unavailable(format!("no network can be made for the instance: {why}"));
        made.map(|network| Some(Arc::new(network))).map_err(failed)
    }
}

/// The way to a port of an instance: within its own network, or this machine's.
#[derive(Debug, Clone)]
pub(crate) struct Reach {
    pub(super) port: u16,
    pub(super) network: Option<Arc<Network>>,
}

impl Reach {
    pub(super) fn address(&self) -> SocketAddr {
        SocketAddr::from((ADDRESS, self.port))
    }

    /// Connects to the port. The caller bounds the time.
    pub(super) async fn connect(&self) -> io::Result<TcpStream> {
        match &self.network {
            Some(network) => network.connect(self.address()).await,
            None => TcpStream::connect(self.address()).await,
        }
    }
}
