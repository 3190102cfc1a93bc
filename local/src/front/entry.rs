//! The life of a request: its target, the room that answers it, and its record.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use http::{Request, Response};

use super::body::Outgoing;
use super::index::Listed;
use super::opening::Told;
use super::target::{Destination, Door, resolve};
use super::under_way::UnderWay;
use super::visit::Visit;
use super::{api, gateway, refusal};
use crate::auth::Gate;
use crate::deploy::Deployer;
use crate::event::Log;
use crate::registry::Registry;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Identities, host};

/// The data that all connections share.
#[derive(Debug)]
pub(crate) struct Front {
    registry: Arc<Registry>,
    deployer: Arc<Deployer>,
    gate: Gate,
    pub(super) log: Log,
    /// The ports of functions with a port of their own, by name. The main port has the empty name.
    pub(super) ports: Mutex<BTreeMap<Arc<str>, SocketAddr>>,
    /// The certificates. `None` if TLS is not offered.
    pub(super) identities: Option<Arc<Identities>>,
    pub(super) told: Told,
}

impl Front {
    pub(crate) fn new(
        registry: Arc<Registry>,
        deployer: Arc<Deployer>,
        gate: Gate,
        log: Log,
        identities: Option<Arc<Identities>>,
    ) -> Arc<Self> {
        let (ports, told) = (Mutex::default(), Told::default());
        Arc::new(Front { registry, deployer, gate, log, ports, identities, told })
    }

    /// Answers one request.
    pub(super) async fn serve(
        &self,
        door: &Door,
        peer: &Peer,
        request: Request<ClientBody>,
        under_way: &UnderWay,
    ) -> Response<Outgoing> {
        let mut visit = Visit::arrive(&self.log, &request);
        let destination = host::check(&request)
            .and_then(|host| resolve(&self.registry.functions(), door, &host, &request, &mut visit));
        under_way.set_function(visit.function());
        let outcome = match destination {
            Err(failure) => Err(failure),
            Ok(Destination::Index) => {
                let functions = self.registry.functions();
                let list = functions.states().into_iter().map(|state| Listed {
                    name: state.name.to_owned(),
                    text: state.text,
                    has_trigger: state.has_trigger,
                    last_error: state.last_error,
                });
                let list: Vec<Listed> = list.collect();
                let page = self.index(&list, &functions.domains, request.method(), request.headers());
                Ok(page.map(Outgoing::whole))
            }
            Ok(Destination::Invoke(callee)) => api::invoke(callee, &self.gate, &mut visit, request).await,
            Ok(Destination::Manage(operation)) => {
                api::manage(operation, &self.deployer, &self.gate, &visit, request).await
            }
            Ok(Destination::Http(binding)) => {
                return gateway::enter(binding, &self.gate, peer, visit, request).await;
            }
        };
        match outcome {
            Ok(response) => visit.leave_with(response),
            Err(failure) => {
                let (id, edition) = (visit.id(), visit.edition());
                visit.set_cause(&failure);
                visit.leave(refusal::reply(&failure, &id, edition))
            }
        }
    }
}
