//! gRPC methods and services as routes of an app or a group.

use std::panic::Location;

use http::Method;
use prost::Message;

use crate::app::{App, At, Declared, Group, Handler, Routes};
use crate::error::Result;
use crate::exchange::{Exchange, Protocol};
use crate::grpc::call::{of_many, of_one, with_many, with_one};
use crate::grpc::message::{IntoMessage, IntoMessages};
use crate::grpc::messages::Messages;
use crate::grpc::service::{Generated, endpoint, path};
use crate::grpc::status::say_error;
use crate::grpc::wire::{Wire, patience};
use crate::platform::limits::MESSAGE_MAX;
use crate::sealed::{Endpoint, Sealed};

static GRPC: Protocol = Protocol {
    message_max: MESSAGE_MAX,
    path_mistake,
    is_spoken: |headers| Wire::of(headers).is_some(),
    patience,
    say_error,
};

/// Clients call `/package.Service/Method`, some behind a prefix.
fn path_mistake(pattern: &str) -> Option<&'static str> {
    let names = pattern.trim_start_matches('/').split_once('/');
    let is_path = names.is_some_and(|(service, method)| !service.is_empty() && !method.is_empty());
    (!is_path).then_some("a gRPC method is at a path such as \"/package.Service/Method\"")
}

impl<S: Send + Sync + 'static> Routes<S> {
    pub(crate) fn method(
        &mut self,
        at: At,
        endpoint: Endpoint<S>,
        line: &'static Location<'static>,
    ) -> &mut Declared<S> {
        self.declare(Some(Method::POST), at, endpoint, Some(&GRPC), line)
    }
}

/// The services of an app in order, from the routes of their methods.
pub(crate) fn services<S>(app: &Sealed<S>) -> Vec<String> {
    let methods = app.table.endpoints().filter(|place| place.scope.protocol.is_some());
    let services = methods.filter_map(|place| place.scope.pattern.split('/').nth(1).map(str::to_owned));
    let mut services: Vec<_> = services.collect();
    services.sort_unstable();
    services.dedup();
    services
}

/// The builder's functions for gRPC methods, for `App` and for `Group`.
macro_rules! methods {
    ($builder:ident) => {
        /// gRPC: methods as closures, and generated services. See [`grpc`](crate::grpc).
        impl<S: Send + Sync + 'static> $builder<S> {
            /// Answers a method that takes one message and returns one: `/package.Service/Method`.
            ///
            /// ```
            /// use fc_runtime::{App, Error};
            ///
            /// #[derive(Clone, PartialEq, prost::Message)]
            /// struct HelloRequest { #[prost(string, tag = "1")] name: String }
            /// #[derive(Clone, PartialEq, prost::Message)]
            /// struct HelloReply { #[prost(string, tag = "1")] message: String }
            ///
            /// # fc_runtime::testing::run(async {
            /// let app = App::new().unary("/greeter.Greeter/SayHello", async |_, request: HelloRequest| {
            ///     if request.name.is_empty() { return Err(Error::bad_request("a name, please")); }
            ///     Ok(HelloReply { message: format!("Hello {}", request.name) })
            /// });
            /// let client = app.test_client();
            /// let reply = client.grpc("/greeter.Greeter/SayHello", [HelloRequest { name: "you".into() }]).await;
            /// assert_eq!(reply.messages::<HelloReply>()[0].message, "Hello you");
            /// let refused = client.grpc("/greeter.Greeter/SayHello", [HelloRequest::default()]).await;
            /// refused.assert_code(tonic::Code::InvalidArgument);
            /// # });
            /// ```
            #[track_caller]
            pub fn unary<F, M, R>(mut self, at: impl Into<At>, handler: F) -> Self
            where
                F: AsyncFn(Exchange<S>, M) -> Result<R> + Handler<(Exchange<S>, M), Result<R>>,
                M: Message + Default + 'static,
                R: IntoMessage + 'static,
            {
                self.routes_mut().method(at.into(), of_one(handler, with_one), Location::caller());
                self
            }

            /// Answers a method that takes one message and returns a stream of messages.
            ///
            /// The stream ends with OK, or with the status of the error that it yields. A panic ends it with
            /// `INTERNAL`, the call's [deadline](Exchange::deadline) with `DEADLINE_EXCEEDED`. After a
            /// [stop notice](Exchange::stop_notice) it ends with `UNAVAILABLE`, unless it ends by itself.
            #[track_caller]
            pub fn server_stream<F, M, St>(mut self, at: impl Into<At>, handler: F) -> Self
            where
                F: AsyncFn(Exchange<S>, M) -> Result<St> + Handler<(Exchange<S>, M), Result<St>>,
                M: Message + Default + 'static,
                St: IntoMessages + 'static,
            {
                self.routes_mut().method(at.into(), of_one(handler, with_many), Location::caller());
                self
            }

            /// Answers a method that takes [a stream of messages](Messages) and returns one message.
            #[track_caller]
            pub fn client_stream<F, M, R>(mut self, at: impl Into<At>, handler: F) -> Self
            where
                F: AsyncFn(Exchange<S>, Messages<M>) -> Result<R>
                    + Handler<(Exchange<S>, Messages<M>), Result<R>>,
                M: Message + Default + 'static,
                R: IntoMessage + 'static,
            {
                self.routes_mut().method(at.into(), of_many(handler, with_one), Location::caller());
                self
            }

            /// Answers a method that takes [a stream of messages](Messages) and returns one, which ends as in
            /// [`server_stream`](Self::server_stream).
            #[track_caller]
            pub fn bidi<F, M, St>(mut self, at: impl Into<At>, handler: F) -> Self
            where
                F: AsyncFn(Exchange<S>, Messages<M>) -> Result<St>
                    + Handler<(Exchange<S>, Messages<M>), Result<St>>,
                M: Message + Default + 'static,
                St: IntoMessages + 'static,
            {
                self.routes_mut().method(at.into(), of_many(handler, with_many), Location::caller());
                self
            }

            /// Answers all methods of a service that `tonic-build` generated.
            ///
            /// Middleware (arounds), time limits, the access log, hang-ups and the panic guard apply as for closures.
            /// The service gets the exchange, and the state with it, from [`exchange`](crate::grpc::exchange). Limits
            /// of messages and compression are set on the service: `max_decoding_message_size` is 4 MiB by default.
            ///
            /// A group's prefix has to be `/`, because a generated service has fixed paths.
            #[track_caller]
            pub fn grpc<T: Generated>(mut self, service: T) -> Self {
                self.routes_mut().method(path::<T>().into(), endpoint(service), Location::caller());
                self
            }
        }
    };
}

methods!(App);
methods!(Group);
