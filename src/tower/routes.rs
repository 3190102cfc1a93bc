//! The builder's functions for services and layers.

use std::panic::Location;

use bytes::Buf;
use http::{Request, Response};
use http_body::Body;
use tower_layer::Layer;
use tower_service::Service;

use crate::app::{App, At, Group, at};
use crate::error::{BoxError, Error};
use crate::exchange::Payload;
use crate::tower::layered::{Inner, layered};
use crate::tower::mount::mount;

/// The functions for `App` and for `Group`.
macro_rules! builders {
    ($builder:ident) => {
        /// tower: services as routes, and layers around routes. See [`tower`](crate::tower).
        impl<S: Send + Sync + 'static> $builder<S> {
            /// Answers every request at a path and below it by a `tower::Service`, such as an axum `Router` with a state
            /// of its own.
            ///
            /// The service sees the path without the prefix, as in axum's `nest_service`. Routes with fixed segments
            /// win, as over every pattern with a parameter: a service at `/` gets what no other route has.
            /// [`tower::exchange`](crate::tower::exchange) gives the exchange to the service.
            ///
            /// [`tower`](crate::tower) shows how.
            #[track_caller]
            #[doc(alias = "nest_service")]
            #[doc(alias = "axum")]
            #[doc(alias = "Router")]
            #[doc(alias = "tower")]
            pub fn mount<Sv, B>(mut self, at: impl Into<At>, service: Sv) -> Self
            where
                Sv: Service<
                        Request<Payload>,
                        Response = Response<B>,
                        Error: Into<Error>,
                        Future: Send + 'static,
                    > + Clone
                    + Send
                    + 'static,
                B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
            {
                mount(self.routes_mut(), &at.into(), service, Location::caller());
                self
            }

            /// Adds routes with a `tower::Layer` around them, such as those of tower-http.
            ///
            /// The layer stands between the middleware (arounds) of this app or group and that of the routes in it. It is
            /// applied once, so that what its service shares, it shares among all requests. An `OPTIONS` that no route
            /// answers passes through the layer too, because the layer may answer preflights. Refusals by the runtime,
            /// such as a 404 or 405, do not pass through layers. gRPC methods cannot stand in a layer, because it would hand on
            /// another body than the one whose frames and trailers they read and write: middleware (arounds) can.
            ///
            /// ```
            /// use fc_runtime::App;
            ///
            /// # fc_runtime::testing::run(async {
            /// let layer = tower_layer::layer_fn(|inner| inner); // Such as `TraceLayer::new_for_http()`.
            /// let client = App::new()
            ///     .layered(layer, |group| group.get("/items", async |_| "tea"))
            ///     .get("/", async |_| "without the layer")
            ///     .test_client();
            /// client.get("/items").await.assert_text("tea");
            /// # });
            /// ```
            #[track_caller]
            #[doc(alias = "layer")]
            #[doc(alias = "middleware")]
            #[doc(alias = "tower-http")]
            pub fn layered<L, B, F>(mut self, layer: L, build: F) -> Self
            where
                L: Layer<Inner<S>>,
                L::Service: Service<
                        Request<Payload>,
                        Response = Response<B>,
                        Error: Into<Error>,
                        Future: Send + 'static,
                    > + Clone
                    + Send
                    + 'static,
                B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
                F: FnOnce(Group<S>) -> Group<S>,
            {
                let line = Location::caller();
                let mut group = build(Group::new());
                layered(&mut group, &layer, line);
                self.routes_mut().group(&at("/"), group.into_routes());
                self
            }
        }
    };
}

builders!(App);
builders!(Group);
