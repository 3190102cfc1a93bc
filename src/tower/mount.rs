//! Services as routes.

use std::panic::Location;
use std::sync::Arc;

use bytes::Buf;
use http::uri::PathAndQuery;
use http::{Request, Uri};
use http_body::Body;

use crate::app::{At, Routes, join};
use crate::error::{BoxError, Error, StatusError};
use crate::exchange::Exchange;
use crate::sealed::Endpoint;
use crate::tower::calling::{Calling, Original, Routable, request};
use crate::tower::hop;

/// The exchange of a request in a [mounted](crate::App::mount) service: state, invocation, request id, client address,
/// values of middleware (arounds), hang-up. The service has the body.
///
/// ```
/// use fc_runtime::{App, tower};
/// use fc_runtime::http::{Request, Response};
///
/// # fc_runtime::testing::run(async {
/// # #[derive(Clone)]
/// # struct Greets;
/// # impl<B> tower_service::Service<Request<B>> for Greets {
/// #     type Response = Response<String>;
/// #     type Error = fc_runtime::StatusError;
/// #     type Future = std::future::Ready<Result<Response<String>, Self::Error>>;
/// #     fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Self::Error>> { Ok(()).into() }
/// #     fn call(&mut self, request: Request<B>) -> Self::Future { std::future::ready(greet(&request)) }
/// # }
/// fn greet<B>(request: &Request<B>) -> Result<Response<String>, fc_runtime::StatusError> {
///     let ex = tower::exchange::<&str, _>(request)?;
///     Ok(Response::new(format!("{} at {}", ex.state(), request.uri())))
/// }
///
/// let client = App::with_state("hello").mount("/greeter", Greets).test_client();
/// client.get("/greeter/you").await.assert_text("hello at /you");
/// # });
/// ```
///
/// # Errors
/// 500 for a request that did not come through an app with this state.
#[track_caller]
pub fn exchange<S, B>(request: &Request<B>) -> Result<Arc<Exchange<S>>, StatusError>
where
    S: Send + Sync + 'static,
{
    let Some(exchange) = request.extensions().get::<Arc<Exchange<S>>>() else {
        let what = format!("no exchange of an App<{}>", std::any::type_name::<S>());
        return Err(Error::internal(what).into_std());
    };
    Ok(Arc::clone(exchange))
}

/// Adds the routes of a mounted service: the path itself, with and without a slash at its end, and everything below.
pub(super) fn mount<S, Sv, B>(routes: &mut Routes<S>, at: &At, service: Sv, line: &'static Location<'static>)
where
    S: Send + Sync + 'static,
    Sv: Routable<B>,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let prefix = at.pattern.trim_end_matches('/');
    let service = Arc::new(Original::new(service));
    for (pattern, keeps_slash) in
        [(join(prefix, "/"), false), (format!("{prefix}/"), true), (join(prefix, "/{*mounted}"), false)]
    {
        let pattern = if pattern.is_empty() { "/".to_owned() } else { pattern };
        let at = At { pattern: pattern.into(), settings: at.settings.clone() };
        routes.declare(None, at, endpoint(Arc::clone(&service)), None, line).keeps_slash = keeps_slash;
    }
}

fn endpoint<S, Sv, B>(service: Arc<Original<Sv>>) -> Endpoint<S>
where
    S: Send + Sync + 'static,
    Sv: Routable<B>,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    Box::new(move |ex: Exchange<S>| {
        let mut request = request(ex.call());
        let depth = depth(ex.pattern());
        if depth > 0
            && let Some(below) = below(request.uri(), depth)
        {
            *request.uri_mut() = below;
        }
        let (call, shared) = (Arc::clone(ex.call()), Arc::clone(ex.shared()));
        request.extensions_mut().insert(Arc::new(ex));
        if hop::asks_for_upgrade(&call) {
            return Box::pin(hop::upgrade(service.copy(), request, call, shared));
        }
        Box::pin(Calling::new(service.copy(), request, shared))
    })
}

/// How many segments of the path are above the service, with the prefixes of groups.
fn depth(pattern: &str) -> usize {
    let above = pattern.strip_suffix("{*mounted}").unwrap_or(pattern);
    above.strip_suffix('/').unwrap_or(above).matches('/').count()
}

/// The URI without so many segments of its path.
fn below(uri: &Uri, depth: usize) -> Option<Uri> {
    let target = uri.path_and_query()?.as_str();
    let path = uri.path();
    let cut = path.match_indices('/').nth(depth).map_or(path.len(), |(at, _)| at);
    let rest = &target[cut..];
    let rest = if rest.starts_with('/') { rest.parse() } else { format!("/{rest}").parse() };
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(rest.ok().unwrap_or_else(|| PathAndQuery::from_static("/")));
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mounted_service_sees_the_path_below_its_own() {
        for (target, depth, expected) in [
            ("/api/items/7?a=b", 1, "/items/7?a=b"),
            ("/api", 1, "/"),
            ("/api/", 1, "/"),
            ("/api?a=/b", 1, "/?a=/b"),
            ("/v1/api//x", 2, "//x"),
            ("http://shop.example/api/x", 1, "http://shop.example/x"),
        ] {
            assert_eq!(below(&target.parse().unwrap(), depth).unwrap(), expected, "{target}");
        }
    }
}
