//! The gRPC health service, whose status comes from the ready checks.

use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, OnceLock, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_core::Stream;
use tokio::time::{Sleep, sleep};
use tonic::Code;

use crate::app::App;
use crate::error::Result;
use crate::grpc::call::{of_one, with_many, with_one};
use crate::grpc::routes::services;
use crate::grpc::status::of_ours;
use crate::sealed::Sealed;
use crate::task::BoxFuture;

/// The full name.
pub(crate) const SERVICE: &str = "grpc.health.v1.Health";

/// The time between two looks of a watcher. The outcome of a round of checks is valid for a second.
const NEXT_LOOK: Duration = Duration::from_secs(2);

impl<S: Send + Sync + 'static> App<S> {
    /// Answers `grpc.health.v1.Health`: `Check`, `List` and `Watch`, for the empty name and for every service of the
    /// app.
    ///
    /// All services are SERVING while the [ready checks](Self::ready_check) succeed. The rounds of checks are those of
    /// the ready endpoint. Without checks every service is SERVING. As for all probes, middleware (arounds) does not
    /// apply. `Watch` reports a change within about 2 s, and ends with UNAVAILABLE at a stop notice.
    #[track_caller]
    pub fn grpc_health(mut self) -> Self {
        let line = Location::caller();
        let health = Health(Arc::default());
        let (check, list, watch) = (health.clone(), health.clone(), health.clone());
        let check = async move |_, asked: HealthCheckRequest| check.check(&asked.service).await;
        let list = async move |_, _: HealthListRequest| list.list().await;
        let watch = async move |_, asked: HealthCheckRequest| Ok(watch.watch(&asked.service));
        let routes = self.routes_mut();
        for (name, endpoint) in [
            ("Check", of_one(check, with_one)),
            ("List", of_one(list, with_one)),
            ("Watch", of_one(watch, with_many)),
        ] {
            let path = format!("/{SERVICE}/{name}");
            routes.method(path.into(), endpoint, line).is_bare = true;
        }
        self.once_sealed(move |app| {
            // Set only once, because an app is sealed once.
            let _ = health.0.set(Arc::downgrade(app));
        });
        self
    }
}

/// The sealed app. Weak, because the app's own routes hold this value.
struct Health<S>(Arc<OnceLock<Weak<Sealed<S>>>>);

impl<S> Clone for Health<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S: Send + Sync + 'static> Health<S> {
    async fn check(&self, service: &str) -> Result<HealthCheckResponse> {
        if !self.knows(service) {
            return Err(of_ours(Code::NotFound, format!("there is no service {service:?} here")));
        }
        Ok(self.now().await)
    }

    async fn list(&self) -> Result<HealthListResponse> {
        let now = self.now().await;
        let names = self.services().into_iter().chain([String::new()]);
        Ok(HealthListResponse { statuses: names.map(|name| (name, now)).collect() })
    }

    fn watch(&self, service: &str) -> Watch<S> {
        let (health, known) = (self.clone(), self.knows(service));
        Watch { health, known, told: None, step: Step::Look }
    }

    fn app(&self) -> Option<Arc<Sealed<S>>> {
        self.0.get()?.upgrade()
    }

    async fn now(&self) -> HealthCheckResponse {
        let ready = match self.app() {
            None => false,
            Some(app) => match app.handlers.ready {
                None => true,
                Some(ready) => ready(&app).await.is_some_and(|report| report.is_ready()),
            },
        };
        let status = if ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        HealthCheckResponse { status: status.into() }
    }

    fn knows(&self, service: &str) -> bool {
        service.is_empty() || self.services().iter().any(|own| own == service)
    }

    fn services(&self) -> Vec<String> {
        self.app().map(|app| services(&app)).unwrap_or_default()
    }
}

/// A stream of a service's status: the current one, and then each change.
struct Watch<S> {
    health: Health<S>,
    known: bool,
    told: Option<HealthCheckResponse>,
    step: Step,
}

enum Step {
    Look,
    Looking(BoxFuture<HealthCheckResponse>),
    Waiting(Pin<Box<Sleep>>),
}

impl<S: Send + Sync + 'static> Stream for Watch<S> {
    type Item = Result<HealthCheckResponse>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = &mut *self;
        loop {
            let next = match &mut this.step {
                Step::Look if this.known => {
                    let health = this.health.clone();
                    Step::Looking(Box::pin(async move { health.now().await }))
                }
                // A sealed app gets no more services, so the status never changes.
                Step::Look if this.told.is_some() => return Poll::Pending,
                Step::Look => {
                    let unknown = HealthCheckResponse { status: ServingStatus::ServiceUnknown.into() };
                    this.told = Some(unknown);
                    return Poll::Ready(Some(Ok(unknown)));
                }
                Step::Looking(looking) => {
                    let now = ready!(looking.as_mut().poll(cx));
                    this.step = Step::Waiting(Box::pin(sleep(NEXT_LOOK)));
                    if this.told.replace(now) != Some(now) {
                        return Poll::Ready(Some(Ok(now)));
                    }
                    continue;
                }
                Step::Waiting(sleep) => {
                    ready!(sleep.as_mut().poll(cx));
                    Step::Look
                }
            };
            this.step = next;
        }
    }
}

impl<S> fmt::Debug for Watch<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watch").field("told", &self.told).finish_non_exhaustive()
    }
}

// The messages of grpc/health/v1/health.proto.

#[derive(Clone, PartialEq, prost::Message)]
struct HealthCheckRequest {
    #[prost(string, tag = "1")]
    service: String,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct HealthCheckResponse {
    #[prost(enumeration = "ServingStatus", tag = "1")]
    status: i32,
}

#[derive(Clone, Copy, PartialEq, prost::Message)]
struct HealthListRequest {}

#[derive(Clone, PartialEq, prost::Message)]
struct HealthListResponse {
    #[prost(map = "string, message", tag = "1")]
    statuses: HashMap<String, HealthCheckResponse>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
#[repr(i32)]
enum ServingStatus {
    Unknown = 0,
    Serving = 1,
    NotServing = 2,
    ServiceUnknown = 3,
}
