//! The routes that an app or a group declares.

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;

#[cfg(feature = "tower")]
use http::HeaderValue;
use http::Method;

use crate::app::at::{At, PlaceSettings};
use crate::app::below::{Below, below};
use crate::app::handler::{self, Handler};
use crate::cors::Cors;
use crate::exchange::{Exchange, Protocol};
use crate::reply::IntoReply;
use crate::route::join;
use crate::sealed::{Around, Endpoint, Next};

/// The routes declared so far. A group's middleware (arounds) and settings apply to all its routes, in any order of
/// declaration.
pub(crate) struct Routes<S> {
    declared: Vec<Declared<S>>,
    arounds: Vec<Around<S>>,
    pub(crate) settings: PlaceSettings,
    /// The CORS policies of groups, by their prefixes. Outer groups first.
    pub(crate) cors_by_prefix: Vec<(String, Box<Cors>)>,
    /// [`below`]. Referred to by groups with a policy alone, so that a function without one does not link its code.
    pub(crate) below: Option<Below<S>>,
    /// The mistakes of the author, each with its line.
    pub(crate) mistakes: Vec<(String, &'static Location<'static>)>,
}

/// One declared route.
pub(crate) struct Declared<S> {
    /// `None` means every method.
    pub(crate) method: Option<Method>,
    pub(crate) pattern: Cow<'static, str>,
    pub(crate) settings: PlaceSettings,
    /// Outermost first.
    pub(crate) arounds: Vec<Around<S>>,
    /// Whether the route takes no middleware (arounds), like the probes of this crate.
    pub(crate) is_bare: bool,
    pub(crate) endpoint: Endpoint<S>,
    /// The protocol that the route speaks besides HTTP, such as gRPC.
    pub(crate) protocol: Option<&'static Protocol>,
    pub(crate) line: &'static Location<'static>,
    /// Whether it answers `OPTIONS` within a layer of tower, unless the author has a route that does.
    pub(crate) yields: bool,
    /// Whether the slash at the pattern's end is kept under a prefix. Such a route yields to one without a slash of its own.
    pub(crate) keeps_slash: bool,
}

impl<S> Declared<S> {
    /// As the field. Only layers set it: without the feature the compiler removes what depends on it.
    pub(crate) fn yields(&self) -> bool {
        cfg!(feature = "tower") && self.yields
    }

    /// As the field, which only mounted services set.
    pub(crate) fn keeps_slash(&self) -> bool {
        cfg!(feature = "tower") && self.keeps_slash
    }
}

impl<S> Default for Routes<S> {
    fn default() -> Self {
        Self {
            declared: Vec::new(),
            arounds: Vec::new(),
            settings: PlaceSettings::default(),
            cors_by_prefix: Vec::new(),
            below: None,
            mistakes: Vec::new(),
        }
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
        let (pattern, settings, arounds) = (at.pattern, at.settings, Vec::new());
        let is_bare = false;
        let route = Declared {
            method,
            pattern,
            settings,
            arounds,
            is_bare,
            endpoint,
            protocol,
            line,
            yields: false,
            keeps_slash: false,
        };
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

    /// Puts a layer around all routes, outside of their middleware (arounds). `OPTIONS` passes through the layer too.
    #[cfg(feature = "tower")]
    pub(crate) fn layer(&mut self, layer: Around<S>, line: &'static Location<'static>) {
        self.arounds.insert(0, layer);
        let mut patterns: Vec<(Cow<'static, str>, PlaceSettings, bool)> = Vec::new();
        for route in &self.declared {
            if route.protocol.is_some() {
                let what = "a gRPC method cannot stand in a layer of tower; declare it outside of `layered`";
                self.mistakes.push((format!("the route {:?}: {what}", route.pattern), route.line));
            }
            let answers = route.method.as_ref().is_none_or(|method| *method == Method::OPTIONS);
            match patterns.iter_mut().find(|(pattern, ..)| *pattern == route.pattern) {
                Some((.., has_options)) => *has_options |= answers,
                None => patterns.push((route.pattern.clone(), route.settings.clone(), answers)),
            }
        }
        for (pattern, settings, has_options) in patterns {
            if !has_options {
                let at = At { pattern, settings };
                self.declare(
                    Some(Method::OPTIONS),
                    at,
                    handler::options(HeaderValue::from_static("")),
                    None,
                    line,
                )
                .yields = true;
            }
        }
    }

    #[cfg(feature = "files")]
    pub(crate) fn add_mistake(&mut self, what: String, line: &'static Location<'static>) {
        self.mistakes.push((what, line));
    }

    pub(crate) fn group(&mut self, at: &At, mut inner: Self) {
        self.mistakes.append(&mut inner.mistakes);
        if let Some(cors) = &at.settings.cors {
            self.cors_by_prefix.push((at.pattern.clone().into_owned(), cors.clone()));
            self.below = Some(below);
        }
        self.below = self.below.or(inner.below);
        for (prefix, cors) in inner.cors_by_prefix.drain(..) {
            self.cors_by_prefix.push((join(&at.pattern, &prefix), cors));
        }
        let inner = Self { settings: at.settings.clone(), ..inner };
        let mut inner = inner.finish();
        for route in &mut inner {
            route.pattern = join(&at.pattern, &route.pattern).into();
            if route.keeps_slash() && !route.pattern.ends_with('/') {
                route.pattern.to_mut().push('/');
            }
        }
        self.declared.append(&mut inner);
    }

    pub(crate) fn arounds(&self) -> &[Around<S>] {
        &self.arounds
    }

    /// All routes, each with the settings and middleware (arounds) of the whole.
    pub(crate) fn finish(self) -> Vec<Declared<S>> {
        let Self { mut declared, arounds, settings, .. } = self;
        for route in &mut declared {
            route.settings.complete(&settings);
            if !route.is_bare {
                let mut all = arounds.clone();
                all.append(&mut route.arounds);
                route.arounds = all;
            }
        }
        declared
    }
}

impl<S> Routes<S> {
    pub(crate) fn list(&self) -> impl Iterator<Item = RouteInfo> + '_ {
        self.declared.iter().map(|route| RouteInfo {
            method: route.method.clone(),
            pattern: route.pattern.clone().into_owned(),
            location: route.line,
        })
    }
}

/// One route of an app, for documents and tests. [`App::routes`](crate::App::routes) gives it, and shows how.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RouteInfo {
    /// The method. `None` means every method that no other route has at this pattern.
    pub method: Option<Method>,
    /// The pattern, such as `/users/{id}`.
    pub pattern: String,
    /// The line of code that declares the route.
    pub location: &'static Location<'static>,
}

impl<S> fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.declared.iter().map(|route| (&route.method, &route.pattern))).finish()
    }
}
