//! The builder functions that `App` and `Group` share: routes by method, middleware (arounds), groups.

/// One builder function for each HTTP method.
macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident => $method:expr,)*) => {$(
        $(#[$doc])*
        #[track_caller]
        pub fn $name<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
        where
            F: AsyncFn(Exchange<S>) -> R
                + Handler<(Exchange<S>,), R>,
            R: IntoReply + 'static,
        {
            self.routes.add($method, at.into(), handler, Location::caller());
            self
        }
    )*};
}

/// The functions that declare routes, for `App` and for `Group`. Functions of a trait would have to be imported, and
/// compiler errors would name the trait. Names in this macro are resolved in the caller's file.
macro_rules! verbs {
    ($builder:ident) => {
        impl<S: Send + Sync + 'static> $builder<S> {
            crate::app::verbs::methods! {
                /// Answers `GET`, and `HEAD` with the same headers, at a pattern such as `/users/{id}` or
                /// `/files/{*rest}`.
                ///
                /// `{name}` matches one segment, `{*name}` the rest of the path, which may not be empty. A fixed
                /// segment wins over a parameter. `/a` and `/a/` are different paths.
                get => Some(Method::GET),

                /// Answers `HEAD`, in place of the automatic reply from `GET`.
                head => Some(Method::HEAD),

                /// Answers `POST`.
                post => Some(Method::POST),

                /// Answers `PUT`.
                put => Some(Method::PUT),

                /// Answers `PATCH`.
                patch => Some(Method::PATCH),

                /// Answers `DELETE`.
                delete => Some(Method::DELETE),

                /// Answers `OPTIONS`, in place of the automatic reply that lists the path's methods.
                options => Some(Method::OPTIONS),

                /// Answers every method that no other route has at this pattern.
                any => None,
            }

            /// Answers a given method, which may be a custom one.
            #[track_caller]
            pub fn on<F, R>(mut self, method: Method, at: impl Into<At>, handler: F) -> Self
            where
                F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
                R: IntoReply + 'static,
            {
                self.routes.add(Some(method), at.into(), handler, Location::caller());
                self
            }

            /// Adds middleware (an around) to every route of this app or group, in any order of declaration. It can
            /// read the exchange, reply itself, or change the reply.
            ///
            /// The first around is the outermost. A 404 or 405 by the runtime does not pass through arounds. A
            /// [`fallback`](crate::App::fallback) replaces the 404, and passes through the arounds of the app.
            ///
            /// ```
            /// use fc_runtime::{App, Error};
            ///
            /// # fc_runtime::testing::run(async {
            /// let app = App::new().get("/", async |_| "secret").around(async |ex, next| {
            ///     if ex.header("x-key") != Some("open") { return Err(Error::unauthorized("no key")); }
            ///     Ok(next.run(ex).await)
            /// });
            /// let client = app.test_client();
            /// client.get("/").await.assert_status(401);
            /// client.get("/").header("x-key", "open").await.assert_status(200).assert_text("secret");
            /// # });
            /// ```
            #[doc(alias = "middleware")]
            #[doc(alias = "layer")]
            #[doc(alias = "wrap")]
            #[doc(alias = "use")]
            #[doc(alias = "interceptor")]
            pub fn around<F, R>(mut self, around: F) -> Self
            where
                F: AsyncFn(Exchange<S>, Next<S>) -> R + Handler<(Exchange<S>, Next<S>), R>,
                R: IntoReply + 'static,
            {
                self.routes.around(around);
                self
            }

            /// Adds routes under a common prefix, with their own settings and middleware (arounds).
            ///
            /// ```
            /// use fc_runtime::{App, at};
            /// use std::time::Duration;
            ///
            /// # fc_runtime::testing::run(async {
            /// let app = App::new().group(at("/admin").time_limit(Duration::from_secs(5)), |admin| {
            ///     admin.get("/", async |_| "overview").get("/stats", async |_| "stats")
            /// });
            /// let client = app.test_client();
            /// client.get("/admin").await.assert_text("overview");
            /// client.get("/admin/stats").await.assert_text("stats");
            /// # });
            /// ```
            #[doc(alias = "nest")]
            #[doc(alias = "scope")]
            #[doc(alias = "Router")]
            #[doc(alias = "prefix")]
            #[doc(alias = "mount")]
            pub fn group<F>(mut self, at: impl Into<At>, build: F) -> Self
            where
                F: FnOnce(Group<S>) -> Group<S>,
            {
                self.routes.group(&at.into(), build(Group::new()).into_routes());
                self
            }
        }
    };
}

pub(super) use {methods, verbs};
