//! The listeners of load balancers: opened, and closed, as the manifest says.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::platform::Platform;
use crate::event::{AlbNews, Kind, Source};
use crate::front::{Door, Listener as Bound, Stop, listener_key};
use crate::manifest::Manifest;
use crate::model::alb::{Listener, ListenerProtocol, LoadBalancer, SecurityPolicy};
use crate::wire::{ServerSettings, TlsServer, Versions};

/// How long a closed listener may keep its port.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// A listener that is open.
#[derive(Debug)]
pub(super) struct Opened {
    name: String,
    /// The port that the configuration asks for; 0 takes a free one.
    asked: u16,
    address: SocketAddr,
    stop: Stop,
    /// Ends once the port is free again.
    accepting: JoinHandle<()>,
}

impl Platform {
    /// Uses the load balancers of `manifest` in place of the former ones. A listener that stays is not closed, and requests
    /// under way end by the rules that they began with.
    pub(super) async fn use_balancers(&self, manifest: &Manifest) {
        let config = manifest.load_balancer().clone();
        for own in self.take_gone(&config) {
            // A new listener may ask for the same port.
            drop(timeout(CLOSE_MAX, own.accepting).await);
            self.tell(AlbNews::Closed { listener: own.name });
        }
        self.open_listeners(config);
    }

    /// Begins to close the listeners that are no longer in the configuration.
    fn take_gone(&self, config: &LoadBalancer) -> Vec<Opened> {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let is_gone = |key: &Arc<str>, own: &mut Opened| {
            let is_own =
                |listener: &Listener| listener_key(listener) == *key && listener.local_port == own.asked;
            !config.listeners.iter().any(is_own)
        };
        let gone = opened.extract_if(is_gone).map(|(key, own)| {
            own.stop.begun.cancel();
            self.front.forget_alb(&key);
            own
        });
        gone.collect()
    }

    fn open_listeners(&self, mut config: LoadBalancer) {
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let mut bound = Vec::new();
        for listener in &mut config.listeners {
            let key = listener_key(listener);
            if let Some(own) = opened.get_mut(&key) {
                own.name.clone_from(&listener.name);
                listener.local_port = own.address.port();
                continue;
            }
            let asked = listener.local_port;
            match Bound::bind(SocketAddr::new(self.settings.listen, asked)) {
                Ok(socket) => {
                    // A redirect to this listener has to name the port of this machine.
                    listener.local_port = socket.address.port();
                    bound.push((listener.clone(), key, socket, asked));
                }
                Err(not_bound) => self.tell(AlbNews::NotListening {
                    listener: listener.name.clone(),
                    error: format!("{}: {}", not_bound.address, not_bound.reason()),
                }),
            }
        }
        self.set_balancers(&config);
        for (Listener { name, port, protocol, .. }, key, socket, asked) in bound {
            let scheme = if protocol == ListenerProtocol::Https { "https" } else { "http" };
            let (address, stop) = (socket.address, self.stop.child());
            let url = format!("{scheme}://localhost:{}/", address.port());
            let door = Door::Alb(Arc::clone(&key));
            let accepting = socket.listen(Arc::clone(&self.front), door, stop.clone(), &self.connections);
            opened.insert(key, Opened { name: name.clone(), asked, address, stop, accepting });
            self.tell(AlbNews::Listening { listener: name, port, address, url });
        }
    }

    fn set_balancers(&self, config: &LoadBalancer) {
        self.front.balancers().set(config, |listener| {
            let is_https = listener.protocol == ListenerProtocol::Https;
            is_https.then(|| self.tls_of(listener)).and_then(|made| match made {
                Ok(tls) => Some(tls),
                Err(error) => {
                    let listener = listener.name.clone();
                    self.tell(AlbNews::NotListening { listener, error });
                    None
                }
            })
        });
    }

    fn tls_of(&self, listener: &Listener) -> Result<TlsServer, String> {
        let identities = self.composition.identities.as_ref().ok_or("no TLS is offered here")?;
        let versions = match listener.security_policy {
            SecurityPolicy::Tls12 | SecurityPolicy::Tls12Strict => Versions::Tls12,
            SecurityPolicy::Tls12Strict13 => Versions::Tls12And13,
        };
        let Listener { http2, asks_clients, .. } = *listener;
        identities.server(ServerSettings { versions, http2, asks_clients })
    }

    fn tell(&self, news: AlbNews) {
        self.log.emit(&Source::default(), Kind::Alb(news));
    }
}
