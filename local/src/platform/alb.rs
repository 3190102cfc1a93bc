//! The listeners of load balancers: opened, and closed, as the manifest says.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};

use super::platform::Platform;
use crate::event::{AlbNews, Kind, Source};
use crate::front::{Door, Listener as Bound, Stop, listener_key};
use crate::manifest::Manifest;
use crate::model::alb::{Listener, ListenerProtocol, LoadBalancer, SecurityPolicy};
use crate::wire::{ServerSettings, TlsServer, Versions};

/// A listener that is open.
#[derive(Debug)]
pub(super) struct Opened {
    name: String,
    /// The port that the configuration asks for; 0 takes a free one.
    asked: u16,
    address: SocketAddr,
    stop: Stop,
}

impl Platform {
    /// Uses the load balancers of `manifest` in place of the former ones. A listener that stays is not closed, and requests
    /// under way end by the rules that they began with.
    pub(super) fn use_balancers(&self, manifest: &Manifest) {
        let mut config = manifest.load_balancer().clone();
        let mut opened = self.opened.lock().unwrap_or_else(PoisonError::into_inner);
        let stays = |key: &Arc<str>, own: &Opened| {
            config
                .listeners
                .iter()
                .any(|listener| listener_key(listener) == *key && listener.local_port == own.asked)
        };
        let gone: Vec<Arc<str>> =
            opened.iter().filter(|(key, own)| !stays(key, own)).map(|(key, _)| Arc::clone(key)).collect();
        for key in gone {
            let Some(own) = opened.remove(&key) else { continue };
            own.stop.begun.cancel();
            self.front.forget_alb(&key);
            self.tell(AlbNews::Closed { listener: own.name });
        }
        let mut bound = Vec::new();
        for listener in &mut config.listeners {
            let key = listener_key(listener);
            if let Some(own) = opened.get(&key) {
                listener.local_port = own.address.port();
                continue;
            }
            match Bound::bind(SocketAddr::new(self.settings.listen, listener.local_port)) {
                Ok(socket) => {
                    let (name, asked) = (listener.name.clone(), listener.local_port);
                    let (address, stop) = (socket.address, self.stop.child());
                    // A redirect to this listener has to name the port of this machine.
                    listener.local_port = address.port();
                    opened.insert(Arc::clone(&key), Opened { name, asked, address, stop: stop.clone() });
                    bound.push((listener.clone(), key, socket, stop));
                }
                Err(not_bound) => self.tell(AlbNews::NotListening {
                    listener: listener.name.clone(),
                    error: format!("{}: {}", not_bound.address, not_bound.reason()),
                }),
            }
        }
        self.set_balancers(&config);
        for (listener, key, socket, stop) in bound {
            let scheme = if listener.protocol == ListenerProtocol::Https { "https" } else { "http" };
            let address = socket.address;
            let (name, url) = (listener.name, format!("{scheme}://localhost:{}/", address.port()));
            socket.listen(Arc::clone(&self.front), Door::Alb(key), stop, &self.connections);
            self.tell(AlbNews::Listening { listener: name, port: listener.port, address, url });
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
        let identities = self.identities.as_ref().ok_or("no TLS is offered here")?;
        let certificates: Vec<(&str, &str)> =
            listener.certificates.iter().map(|own| (own.chain.as_str(), own.key.as_str())).collect();
        let versions = match listener.security_policy {
            SecurityPolicy::Tls12 | SecurityPolicy::Tls12Strict => Versions::Tls12,
            SecurityPolicy::Tls12Strict13 => Versions::Tls12And13,
        };
        identities.server(ServerSettings {
            certificates: &certificates,
            versions,
            http2: listener.http2,
            client_authority: listener.client_authority.as_deref(),
        })
    }

    fn tell(&self, news: AlbNews) {
        self.log.emit(&Source::default(), Kind::Alb(news));
    }
}
