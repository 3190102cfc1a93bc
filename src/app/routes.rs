//! Routes being declared, by an app or by a group.

use std::fmt;
use std::panic::Location;

use http::Method;

use crate::app::at::{At, PlaceSettings};
use crate::app::handler::{self, Handler};
use crate::exchange::{Exchange, Protocol};
use crate::reply::IntoReply;
use crate::route::join;
use crate::sealed::{Around, Endpoint, Next};

/// What has been declared so far. A group's arounds and settings hold for all of it, whatever came first.
pub(crate) struct Routes<S> {
    declared: Vec<Declared<S>>,
    arounds: Vec<Around<S>>,
    pub(crate) settings: PlaceSettings,
}

/// One route as it was declared.
pub(crate) struct Declared<S> {
    /// `None` stands for every method.
    pub(crate) method: Option<Method>,
    pub(crate) pattern: String,
    pub(crate) settings: PlaceSettings,
    /// The outermost first.
    pub(crate) arounds: Vec<Around<S>>,
    /// Whether it takes no arounds: what is ours, as probes are.
    pub(crate) is_bare: bool,
    pub(crate) endpoint: Endpoint<S>,
    /// What is spoken here beside HTTP.
    pub(crate) protocol: Option<&'static Protocol>,
    pub(crate) line: &'static Location<'static>,
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self { declared: Vec::new(), arounds: Vec::new(), settings: PlaceSettings::default() }
    }
}

impl<S: Send + Sync + 'static> Routes<S> {
    pub(crate) fn add<F, R>(
        &mut self,
        method: Option<Method>,
        at: At,
        handler: F,
        line: &'static Location<'static>,
    ) where
        F: Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        self.declare(method, at, handler::endpoint(handler), None, line);
    }

    pub(crate) fn declare(
        &mut self,
        method: Option<Method>,
        at: At,
        endpoint: Endpoint<S>,
        protocol: Option<&'static Protocol>,
        line: &'static Location<'static>,
    ) -> &mut Declared<S> {
        let (pattern, settings, arounds) = (at.pattern.into_owned(), at.settings, Vec::new());
        let is_bare = false;
        let route = Declared { method, pattern, settings, arounds, is_bare, endpoint, protocol, line };
        let at = self.declared.len();
        self.declared.push(route);
        &mut self.declared[at]
    }

    pub(crate) fn around<F, R>(&mut self, around: F)
    where
        F: Handler<(Exchange<S>, Next<S>), R>,
        R: IntoReply + 'static,
    {
        self.arounds.push(handler::around(around));
    }

    pub(crate) fn group(&mut self, at: &At, inner: Self) {
        let inner = Self { settings: at.settings.clone(), ..inner };
        self.declared.extend(inner.finish().map(|mut route| {
            route.pattern = join(&at.pattern, &route.pattern);
            route
        }));
    }

    pub(crate) fn arounds(&self) -> &[Around<S>] {
        &self.arounds
    }

    /// All routes, with what holds for all of them put into each.
    pub(crate) fn finish(self) -> impl Iterator<Item = Declared<S>> {
        let Self { declared, arounds, settings } = self;
        declared.into_iter().map(move |mut route| {
            route.settings = route.settings.or(&settings);
            if !route.is_bare {
                let inner = std::mem::replace(&mut route.arounds, arounds.clone());
                route.arounds.extend(inner);
            }
            route
        })
    }
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.declared.iter().map(|route| (&route.method, &route.pattern))).finish()
    }
}
