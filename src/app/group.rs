//! Routes under a common prefix.

use std::fmt;
use std::panic::Location;

use http::Method;

use crate::app::at::At;
use crate::app::handler::Handler;
use crate::app::routes::Routes;
use crate::exchange::Exchange;
use crate::reply::IntoReply;
use crate::sealed::Next;

/// Routes under a common prefix, with settings and arounds of their own: see [`App::group`](crate::App::group).
///
/// Groups nest. A function that takes a group and gives it back is a module of routes.
#[must_use = "a group does nothing unless it is given back"]
pub struct Group<S = ()> {
    routes: Routes<S>,
}

impl<S: Send + Sync + 'static> Group<S> {
    pub(crate) fn new() -> Self {
        Self { routes: Routes::default() }
    }

    /// As [`App::get`](crate::App::get).
    #[track_caller]
    pub fn get<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::GET), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::head`](crate::App::head).
    #[track_caller]
    pub fn head<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::HEAD), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::post`](crate::App::post).
    #[track_caller]
    pub fn post<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::POST), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::put`](crate::App::put).
    #[track_caller]
    pub fn put<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::PUT), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::patch`](crate::App::patch).
    #[track_caller]
    pub fn patch<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::PATCH), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::delete`](crate::App::delete).
    #[track_caller]
    pub fn delete<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::DELETE), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::options`](crate::App::options).
    #[track_caller]
    pub fn options<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(Method::OPTIONS), at.into(), handler, Location::caller());
        self
    }

    /// As [`App::any`](crate::App::any).
    #[track_caller]
    pub fn any<F, R>(mut self, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(None, at.into(), handler, Location::caller());
        self
    }

    /// As [`App::on`](crate::App::on).
    #[track_caller]
    pub fn on<F, R>(mut self, method: Method, at: impl Into<At>, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.routes.add(Some(method), at.into(), handler, Location::caller());
        self
    }

    /// Wraps every route of this group, whichever comes first, inside the arounds of the app.
    pub fn around<F, R>(mut self, around: F) -> Self
    where
        F: AsyncFn(Exchange<S>, Next<S>) -> R + Handler<(Exchange<S>, Next<S>), R>,
        R: IntoReply + 'static,
    {
        self.routes.around(around);
        self
    }

    /// A group inside this one.
    pub fn group<F>(mut self, at: impl Into<At>, build: F) -> Self
    where
        F: FnOnce(Group<S>) -> Group<S>,
    {
        self.routes.group(&at.into(), build(Group::new()).into_routes());
        self
    }

    #[cfg(feature = "grpc")]
    pub(crate) fn routes_mut(&mut self) -> &mut Routes<S> {
        &mut self.routes
    }

    pub(crate) fn into_routes(self) -> Routes<S> {
        self.routes
    }
}

impl<S> fmt::Debug for Group<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Group").field("routes", &self.routes).finish()
    }
}
