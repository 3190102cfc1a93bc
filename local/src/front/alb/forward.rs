//! From a server group to its backend: a function by the gateway, or a server beside the functions.

use std::sync::Arc;

use http::{Request, Response};

use super::balancers::Shared;
use super::group::Group;
use super::upstream;
use crate::event::Maker;
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::target::{Binding, EntryPoint, check_service};
use crate::front::visit::Visit;
use crate::front::{gateway, refusal};
use crate::model::Edition;
use crate::model::alb::GroupKind;
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// A group with what a request to it needs.
pub(super) struct Backed<'a> {
    pub(super) shared: &'a Arc<Shared>,
    pub(super) group: &'a Group,
    pub(super) peer: &'a Peer,
}

/// The reply of a backend and who made it, or the status of the load balancer's own.
pub(super) type Answered = Result<(Response<Outgoing>, Maker), u16>;

impl Backed<'_> {
    /// Sends a request to the group.
    pub(super) async fn answer(
        &self,
        visit: &mut Visit,
        request: Box<Request<ClientBody>>,
        note: impl Fn(&Visit),
    ) -> Answered {
        match &self.group.settings.kind {
            GroupKind::Ip { .. } => Box::pin(upstream::answer(self.group, self.shared, *request)).await,
            GroupKind::Fc { function: None, .. } => Err(503),
            GroupKind::Fc { function: Some(function), qualifier, service } => {
                let binding = self.bind(function, qualifier.as_deref(), service.as_deref(), visit);
                note(visit);
                let response = match binding {
                    Ok(binding) => {
                        let Shared { deployer, gate, queue, .. } = &**self.shared;
                        if binding.qualifier.is_some() {
                            Box::pin(deployer.refresh(&binding.function)).await;
                        }
                        gateway::answer(binding, (gate, queue), self.peer, visit, request).await
                    }
                    Err(failure) => {
                        visit.set_cause(&failure);
                        refusal::reply(&failure, &visit.id(), visit.edition()).map(Outgoing::whole)
                    }
                };
                let by = if visit.is_by_platform() { Maker::FunctionCompute } else { Maker::Function };
                Ok((response, by))
            }
        }
    }

    fn bind(
        &self,
        function: &str,
        qualifier: Option<&str>,
        service: Option<&str>,
        visit: &mut Visit,
    ) -> Result<Binding, Failure> {
        let function = self.shared.registry.find(function)?;
        visit.set_function(&function);
        // Edition 3.0 has no services, and an ARN with one may have outlived a migration.
        if function.settings().local.edition == Edition::Fc2 {
            check_service(&function, service)?;
        }
        Ok(Binding { function, qualifier: qualifier.map(Arc::from), entry: EntryPoint::Alb })
    }
}
