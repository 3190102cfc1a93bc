//! The life of a request: its target, the room that answers it, and its record.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode};

use super::alb::Balancers;
use super::body::{Outgoing, plain};
use super::console::{self, Around, Console};
use super::index::Listed;
use super::listen::reachable;
use super::opening::Told;
use super::target::{Destination, Door, answering, resolve};
use super::under_way::UnderWay;
use super::visit::Visit;
use super::{api, gateway, refusal, rpc};
use crate::account::Account;
use crate::auth::Gate;
use crate::deploy::Deployer;
use crate::event::Log;
use crate::failure::Failure;
use crate::meter::Meters;
use crate::model::{LATEST, VersionId};
use crate::queue::Queue;
use crate::record::Records;
use crate::registry::{Callee, Registry};
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Identities, host};

/// The data that all connections share.
#[derive(Debug)]
pub(crate) struct Front {
    registry: Arc<Registry>,
    deployer: Arc<Deployer>,
    queue: Arc<Queue>,
    account: Arc<Account>,
    gate: Arc<Gate>,
    pub(super) log: Log,
    /// The ports of functions with a port of their own, by name. The main port has the empty name.
    pub(super) ports: Mutex<BTreeMap<Arc<str>, SocketAddr>>,
    /// The certificates. `None` if TLS is not offered.
    pub(super) identities: Option<Arc<Identities>>,
    pub(super) told: Told,
    pub(super) records: Records,
    pub(super) meters: Meters,
    pub(super) balancers: Arc<Balancers>,
    console: Console,
}

impl Front {
    pub(crate) fn new(
        registry: Arc<Registry>,
        (deployer, queue, account): (Arc<Deployer>, Arc<Queue>, Arc<Account>),
        gate: Arc<Gate>,
        log: Log,
        identities: Option<Arc<Identities>>,
        (balancers, console): (Arc<Balancers>, Console),
        (records, meters): (Records, Meters),
    ) -> Arc<Self> {
        let (ports, told) = (Mutex::default(), Told::default());
        Arc::new(Front {
            registry,
            deployer,
            queue,
            account,
            gate,
            log,
            ports,
            identities,
            told,
            records,
            meters,
            balancers,
            console,
        })
    }

    /// The pages that show what happens.
    pub(crate) fn console(&self) -> &Console {
        &self.console
    }

    /// The load balancers in use.
    pub(crate) fn balancers(&self) -> &Balancers {
        &self.balancers
    }

    /// Answers one request. The request is boxed, because each future on its way would have room for it twice.
    pub(super) async fn serve(
        &self,
        door: &Door,
        peer: &Peer,
        mut request: Box<Request<ClientBody>>,
        under_way: &UnderWay,
    ) -> Response<Outgoing> {
        let begin = under_way.begin(&request);
        if let Door::Alb(key) = door {
            // Its rules may lead to no function.
            under_way.set_function(None);
            let note = |visit: &Visit| under_way.set_function(visit.function());
            return Box::pin(self.balancers.serve(key, (peer, begin), request, note)).await;
        }
        if *door == Door::Main
            && let Some(base) =
                console::base(&request, || self.registry.functions().names().any(console::is_own_name))
        {
            under_way.set_function(None);
            return Box::pin(self.show(base, peer, *request)).await;
        }
        let mut visit = Visit::arrive(&self.log, &request, begin);
        if self.records.limits().is_some() {
            visit.record(&self.records, door.name(), peer, &mut request);
        }
        let is_rpc = rpc::is_call(&request);
        let destination = self
            .check_door(door, is_rpc)
            .and_then(|()| host::check(&request, request.body().seen()))
            .and_then(|host| resolve(&self.registry.functions(), door, &host, &request, &mut visit));
        under_way.set_function(visit.function());
        if destination.as_ref().is_ok_and(Destination::is_own) {
            visit.is_own();
        } else if destination.as_ref().is_ok_and(Destination::is_of_account) {
            visit.record_no_bodies();
        }
        let outcome = match destination {
            Err(failure) => Err(failure),
            Ok(Destination::Index) => Ok(self.list(&request).map(Outgoing::whole)),
            // The future of a request is moved several times, and as large as its largest branch: rare ones are boxed.
            Ok(Destination::Invoke(function, qualifier)) => {
                if qualifier.is_some() {
                    Box::pin(self.deployer.refresh(&function)).await;
                }
                match Callee::choose(function, qualifier.as_deref()) {
                    Ok(callee) => {
                        Box::pin(api::invoke(callee, (&self.gate, peer), &self.queue, &mut visit, *request))
                            .await
                    }
                    Err(failure) => Err(Box::pin(api::refuse(failure, &self.gate, peer, *request)).await),
                }
            }
            Ok(Destination::Manage(operation)) => {
                let objects = (&self.deployer, &self.account);
                Box::pin(api::manage(operation, objects, (&self.gate, peer), &visit, *request)).await
            }
            Ok(Destination::Exec(operation)) => {
                api::exec(operation, &self.account, (&self.gate, peer), &visit, *request)
            }
            Ok(Destination::Account(operation)) => {
                let objects = (&self.account, &self.deployer, &self.queue);
                Box::pin(api::account(operation, objects, (&self.gate, peer), &visit, *request)).await
            }
            Ok(Destination::Bucket(object)) => {
                Ok(Box::pin(api::bucket(&object, &self.account, (&self.gate, peer), &mut visit, *request))
                    .await)
            }
            Ok(Destination::Async(operation)) => {
                Box::pin(api::tasks(operation, &self.queue, (&self.gate, peer), &visit, *request)).await
            }
            Ok(Destination::Balancers) => Ok(self.balancers_state().map(Outgoing::whole)),
            Ok(Destination::Usage) => Box::pin(self.usage(peer, &mut visit, *request)).await,
            Ok(Destination::Local(operation)) => {
                let ports = self.ports().into_iter().map(|(name, own)| (name, reachable(own))).collect();
                let site = self.site(&ports);
                Box::pin(api::local(operation, site, (&self.gate, peer), &visit, *request)).await
            }
            Ok(Destination::Refused(failure)) => {
                Err(Box::pin(api::refuse(failure, &self.gate, peer, *request)).await)
            }
            Ok(Destination::Http(binding)) => {
                if binding.qualifier.is_some() {
                    Box::pin(self.deployer.refresh(&binding.function)).await;
                }
                return gateway::enter(binding, (&self.gate, &self.queue), peer, visit, request).await;
            }
        };
        match outcome {
            Ok(response) => visit.leave_with(response),
            Err(failure) => {
                let (id, edition) = (visit.id(), visit.edition());
                visit.set_cause(&failure);
                let reply =
                    if is_rpc { rpc::reply(&failure, &id) } else { refusal::reply(&failure, &id, edition) };
                visit.set_grpc_status(rpc::code_of(reply.headers()));
                visit.leave(reply)
            }
        }
    }

    /// How the load balancers and their backends stand.
    fn balancers_state(&self) -> Response<Bytes> {
        let port = |key: &str| self.alb_address(key).map(|address| address.to_string());
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        plain(StatusCode::OK, headers, self.balancers.state(port).to_string())
    }

    /// How busy the function is that a request would reach.
    async fn usage(
        &self,
        peer: &Peer,
        visit: &mut Visit,
        request: Request<ClientBody>,
    ) -> Result<Response<Outgoing>, Failure> {
        let functions = self.registry.functions();
        let find =
            |door: &Door, asked: &Request<()>, visit: &mut Visit| answering(&functions, door, asked, visit);
        api::usage(find, &self.ports(), (&self.gate, peer), visit, request).await
    }

    /// Answers with a page of the console.
    async fn show(
        &self,
        base: &'static str,
        peer: &Peer,
        request: Request<ClientBody>,
    ) -> Response<Outgoing> {
        let ports = self.ports();
        let around = Around {
            ports: ports.iter().map(|(name, address)| (Arc::clone(name), reachable(*address))).collect(),
            replay: self.replay(&ports),
            balancer: self.balancers.config(),
        };
        self.console.serve(base, around, peer, request).await
    }

    /// The page that lists the functions.
    fn list<B>(&self, request: &Request<B>) -> Response<Bytes> {
        let functions = self.registry.functions();
        let list = functions.states().into_iter().map(|state| Listed {
            name: state.name.to_owned(),
            text: state.text,
            has_trigger: state.has_trigger,
            is_signed: state.is_signed,
            last_error: state.last_error,
        });
        let list: Vec<Listed> = list.collect();
        self.index(&list, &functions.domains, request.method(), request.headers())
    }

    /// How the console sends a recorded request once more.
    fn replay<'a>(&'a self, ports: &'a BTreeMap<Arc<str>, SocketAddr>) -> console::Replay<'a> {
        Box::new(move |id, to| {
            Box::pin(async move {
                api::replay_of(&id, to.as_deref(), self.site(ports), &self.gate)
                    .await
                    .map_err(|failure| failure.told())
            })
        })
    }

    /// What fc-local's own operations are on.
    fn site<'a>(&'a self, ports: &'a BTreeMap<Arc<str>, SocketAddr>) -> api::Site<'a> {
        api::Site {
            records: &self.records,
            meters: &self.meters,
            ports,
            identities: self.identities.as_deref(),
            log: &self.log,
            known: self,
            stop: self.console.stop(),
        }
    }

    /// gRPC has a port of its own, as on the platform. The port of a function takes everything.
    fn check_door(&self, door: &Door, is_rpc: bool) -> Result<(), Failure> {
        match door {
            Door::Main if is_rpc => Err(Failure::invalid_argument(match self.port(&Door::Grpc.name()) {
                Some(port) => format!("gRPC calls come in at port {port}"),
                None => "gRPC calls do not come in at this port".to_owned(),
            })),
            Door::Grpc if !is_rpc => Err(Failure::invalid_argument(
                "this port takes gRPC calls alone: HTTP/2 with the content type application/grpc",
            )),
            _ => Ok(()),
        }
    }
}

impl api::Known for Front {
    fn has_function(&self, name: &str) -> bool {
        self.registry.functions().names().any(|own| own == name)
    }

    fn versions(&self, function: &str, qualifier: &str) -> Result<Vec<Option<VersionId>>, Failure> {
        if qualifier == LATEST {
            return Ok(vec![None]);
        }
        // A version may be gone whose lines are still there.
        if let Ok(version) = qualifier.parse() {
            return Ok(vec![Some(version)]);
        }
        let function = self.registry.find(function)?;
        function.releases(|releases| Ok(releases.alias(qualifier)?.versions().map(Some).collect()))
    }
}
