//! The target of a request: the function and the way in.

use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Method, Request, Uri};

use super::guard;
use super::local_operation::LocalOperation;
use super::operation::{Operation, ProxyPath, What, object};
use super::visit::Visit;
use crate::domain::Domain;
use crate::failure::Failure;
use crate::model::{Edition, Function, Usage};
use crate::registry::{Callee, Deployed, Functions};
use crate::wire::Seen;
use crate::wire::host::{self, Host};

/// The path of the local API that tells of load balancers.
pub(crate) const BALANCERS: &str = "/_local/v1/alb";

/// fc-local's own operation: how busy the function of an address is.
const USAGE: &str = "/2023-03-30/usage";

/// The port at which a request came in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Door {
    /// The port for all functions and the API.
    Main,
    /// The port for gRPC calls of all functions.
    Grpc,
    /// The port of one function.
    Function(Arc<str>),
    /// A listener of a load balancer, by its key.
    Alb(Arc<str>),
}

/// The name of the port for gRPC calls. No function has a colon in its name.
const GRPC: &str = ":grpc";

/// The begin of the name of a listener's port.
const ALB: &str = ":alb:";

impl Door {
    /// The name of the port, by which its address is known.
    pub(crate) fn name(&self) -> Arc<str> {
        match self {
            Door::Main => Arc::from(""),
            Door::Grpc => Arc::from(GRPC),
            Door::Function(name) => Arc::clone(name),
            Door::Alb(key) => Arc::from(format!("{ALB}{key}")),
        }
    }

    /// The port of this name.
    pub(crate) fn named(name: &Arc<str>) -> Self {
        match (&**name, name.strip_prefix(ALB)) {
            ("", _) => Door::Main,
            (GRPC, _) => Door::Grpc,
            (_, Some(key)) => Door::Alb(Arc::from(key)),
            _ => Door::Function(Arc::clone(name)),
        }
    }
}

/// What leads a client's HTTP request to a function. Its settings say who may call, and how.
#[derive(Debug, Clone)]
pub(crate) enum EntryPoint {
    /// The built-in domain of the function's HTTP trigger: `name.localhost` here.
    BuiltIn,
    /// The port of the function, which stands for the built-in domain.
    Port,
    /// The address of the trigger in edition 2.0, with the part of the path that the function does not see.
    Proxy(String),
    /// A server group of the load balancer.
    Alb,
    /// A route of a custom domain.
    Domain {
        domain: Arc<Domain>,
        /// The number of the route.
        route: usize,
    },
}

/// The function of an HTTP request, and the entry point by which the request came.
#[derive(Debug)]
pub(crate) struct Binding {
    pub(crate) function: Arc<Deployed>,
    /// A version or an alias; `None` is `LATEST`.
    pub(crate) qualifier: Option<Arc<str>>,
    pub(crate) entry: EntryPoint,
}

impl Binding {
    fn new(function: Arc<Deployed>, entry: EntryPoint) -> Self {
        Binding { function, qualifier: None, entry }
    }

    fn with_qualifier(self, qualifier: Option<&str>) -> Self {
        Binding { qualifier: qualifier.map(Arc::from), ..self }
    }

    /// The path of a client's request, as lists of paths mean it: behind the function's address of edition 2.0.
    pub(crate) fn listed_path<'a>(&self, uri: &'a Uri, target: &'a Uri) -> &'a str {
        if matches!(self.entry, EntryPoint::Proxy(_)) { target.path() } else { uri.path() }
    }

    /// The target for the function: the client's, unless the entry point rewrites it.
    pub(crate) fn target(&self, method: &Method, uri: &Uri) -> Result<Uri, Failure> {
        match &self.entry {
            EntryPoint::BuiltIn | EntryPoint::Port | EntryPoint::Alb => origin_form(method, uri),
            EntryPoint::Proxy(base) => {
                let target = origin_form(method, uri)?.to_string();
                let rest = target.strip_prefix(base.as_str()).unwrap_or(&target);
                let rest = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
                rest.parse().map_err(|_| Failure::invalid_argument("the request's target is not a path"))
            }
            EntryPoint::Domain { domain, route } => {
                match domain.route(*route).rewrite(uri.path(), uri.query()) {
                    None => origin_form(method, uri),
                    Some(target) => target
                        .parse()
                        .map_err(|_| Failure::invalid_argument("the rewritten target is not a path")),
                }
            }
        }
    }
}

/// The destination of a request, with the registry's entry of the function.
pub(crate) enum Destination {
    /// To the function as an HTTP request.
    Http(Binding),
    /// To `InvokeFunction`, of a version or an alias.
    Invoke(Arc<Deployed>, Option<String>),
    /// To another operation of the API.
    Manage(Operation),
    /// To an operation on asynchronous calls.
    Async(Operation),
    /// To an object of the account's bucket.
    Bucket(String),
    /// To an operation on the objects of the account.
    Account(Operation),
    /// To a command in an instance.
    Exec(Operation),
    /// To the API, which has no such operation, function or version. Only a caller of the API is told so.
    Refused(Failure),
    /// To what is known of load balancers.
    Balancers,
    /// To the API, which tells how busy a function is.
    Usage,
    /// To an operation of fc-local's own, on recorded calls and on what functions use.
    Local(LocalOperation),
    /// To the page that lists the functions.
    Index,
}

impl Destination {
    /// Whether the request is for fc-local itself: what only it has.
    pub(crate) fn is_own(&self) -> bool {
        matches!(
            self,
            Destination::Index | Destination::Balancers | Destination::Usage | Destination::Local(_)
        )
    }

    /// Whether the request changes or reads an account, by settings or code that may hold secrets.
    pub(crate) fn is_of_account(&self) -> bool {
        matches!(self, Destination::Account(_) | Destination::Bucket(_) | Destination::Exec(_))
    }
}

/// The function that answers an address, and how busy it is.
#[derive(Debug)]
pub(crate) struct Answering {
    pub(crate) function: Arc<str>,
    pub(crate) qualifier: Option<Arc<str>>,
    pub(crate) settings: Arc<Function>,
    pub(crate) usage: Vec<Usage>,
}

/// Finds the function that would get a client's request.
///
/// # Errors
///
/// None would.
pub(crate) fn answering(
    functions: &Functions,
    door: &Door,
    request: &Request<()>,
    visit: &mut Visit,
) -> Result<Answering, Failure> {
    let callee = match resolve(
        functions,
        door,
        &host::check(request, Seen::of(request.headers()))?,
        request,
        visit,
    )? {
        Destination::Http(binding) => Callee::choose(binding.function, binding.qualifier.as_deref())?,
        Destination::Invoke(function, qualifier) => Callee::choose(function, qualifier.as_deref())?,
        _ => return Err(Failure::invalid_argument("no function answers at this address")),
    };
    let settings = callee.settings()?;
    let Callee { function, qualifier, .. } = callee;
    Ok(Answering { function: Arc::clone(&function.name), qualifier, settings, usage: function.usage() })
}

/// Resolves port, host and path to a destination. The visit gets the function's name.
pub(crate) fn resolve<B>(
    functions: &Functions,
    door: &Door,
    host: &Host<'_>,
    request: &Request<B>,
    visit: &mut Visit,
) -> Result<Destination, Failure> {
    if let Some(domain) = functions.domains.find(&host.name).filter(|_| !matches!(door, Door::Function(_))) {
        visit.set_domain(&domain.name);
        let binding = by_route(functions, domain, request.uri().path())?;
        visit.set_function(&binding.function);
        return Ok(Destination::Http(binding));
    }
    let mut found = |function: &Arc<Deployed>| {
        visit.set_function(function);
        Arc::clone(function)
    };
    if let Door::Function(name) = door {
        return Ok(Destination::Http(Binding::new(found(functions.find(name)?), EntryPoint::Port)));
    }
    if *door == Door::Main
        && let Some(object) = object(host, request)
    {
        guard::check_site(request.headers())?;
        return Ok(Destination::Bucket(object));
    }
    if let Some(name) = host.name.strip_suffix(".localhost") {
        let (qualifier, name) =
            name.rsplit_once('.').map_or((None, name), |(before, name)| (Some(before), name));
        let function = found(find_by_host(functions, &host.name, name)?);
        let settings = function.settings();
        let qualifier = qualifier.map(|qualifier| {
            // A host has no case, a qualifier has one.
            let mut own = settings.qualified.iter().map(|(own, _)| own.as_str());
            own.find(|own| own.eq_ignore_ascii_case(qualifier)).unwrap_or(qualifier)
        });
        let binding = Binding::new(Arc::clone(&function), EntryPoint::BuiltIn).with_qualifier(qualifier);
        return Ok(Destination::Http(binding));
    }
    if *door == Door::Grpc {
        let function = found(only(functions, &host.name)?);
        return Ok(Destination::Http(Binding::new(function, EntryPoint::BuiltIn)));
    }
    if request.uri().path() == BALANCERS
        && *request.method() == Method::GET
        && guard::is_this_machine(&host.name)
    {
        guard::check(host, request)?;
        return Ok(Destination::Balancers);
    }
    if request.uri().path() == USAGE && request.method() == Method::GET {
        guard::check(host, request)?;
        return Ok(Destination::Usage);
    }
    if let Some(operation) = LocalOperation::parse(request.method(), request.uri()) {
        guard::check(host, request)?;
        return Ok(Destination::Local(operation));
    }
    if let Some(operation) = Operation::parse(request) {
        guard::check(host, request)?;
        return Ok(operation
            .and_then(|operation| {
                if let What::Account(_) = &operation.what {
                    if let Ok(function) = functions.find(&operation.function) {
                        found(function);
                    }
                    return Ok(Destination::Account(operation));
                }
                if let What::Async { what, .. } = &operation.what
                    && what.is_of_all()
                    && operation.service.is_none()
                {
                    return Ok(Destination::Async(operation));
                }
                let function = found(functions.find(&operation.function)?);
                check_service(&function, operation.service.as_deref())?;
                Ok(match &operation.what {
                    What::Invoke { qualifier } => Destination::Invoke(function, qualifier.clone()),
                    What::Async { .. } => Destination::Async(operation),
                    What::Exec(_) => Destination::Exec(operation),
                    _ => Destination::Manage(operation),
                })
            })
            .unwrap_or_else(Destination::Refused));
    }
    if let Some(proxy) = ProxyPath::parse(request.uri()) {
        let function = found(functions.find(&proxy.function)?);
        check_service(&function, Some(&proxy.service))?;
        let binding = Binding::new(function, EntryPoint::Proxy(proxy.base));
        return Ok(Destination::Http(binding.with_qualifier(proxy.qualifier.as_deref())));
    }
    match only(functions, &host.name) {
        Err(_) if is_index(host, request) => Ok(Destination::Index),
        function => Ok(Destination::Http(Binding::new(found(function?), EntryPoint::BuiltIn))),
    }
}

/// Refuses a service that is not the function's. Only edition 2.0 has services.
pub(super) fn check_service(function: &Deployed, service: Option<&str>) -> Result<(), Failure> {
    let Some(service) = service else { return Ok(()) };
    let settings = function.settings();
    if settings.local.edition != Edition::Fc2 {
        return Err(Failure::no_services(&settings.name));
    }
    if settings.service == service {
        Ok(())
    } else {
        Err(Failure::service_not_found(service, &settings.service))
    }
}

/// The function that the path leads to, by a route of the domain.
fn by_route(functions: &Functions, domain: &Arc<Domain>, path: &str) -> Result<Binding, Failure> {
    let number = domain.find(path).ok_or_else(|| {
        let paths: Vec<&str> = domain.settings.routes.iter().map(|route| route.path.as_str()).collect();
        Failure::route_not_found(&domain.name, path, &paths.join(", "))
    })?;
    let route = domain.route(number);
    Ok(Binding {
        function: Arc::clone(functions.find(&route.settings.function)?),
        qualifier: route.qualifier.clone(),
        entry: EntryPoint::Domain { domain: Arc::clone(domain), route: number },
    })
}

/// Whether a reader asks for `/` of this machine, without the name of a function.
fn is_index<B>(host: &Host<'_>, request: &Request<B>) -> bool {
    let is_read = matches!(*request.method(), Method::GET | Method::HEAD);
    is_read && request.uri().path() == "/" && guard::is_this_machine(&host.name)
}

/// The function whose name is part of a host, compared without case.
fn find_by_host<'a>(functions: &'a Functions, host: &str, name: &str) -> Result<&'a Arc<Deployed>, Failure> {
    let own = functions.names().find(|own| own.eq_ignore_ascii_case(name));
    functions.find(own.ok_or_else(|| unknown(functions, host))?)
}

/// The function, if there is only one. Beside custom domains an unknown name is a mistake.
fn only<'a>(functions: &'a Functions, host: &str) -> Result<&'a Arc<Deployed>, Failure> {
    if functions.domains.iter().next().is_some() && !guard::is_this_machine(host) {
        return Err(unknown(functions, host));
    }
    let mut names = functions.names();
    match (names.next(), names.next()) {
        (Some(name), None) => functions.find(name),
        _ => Err(unknown(functions, host)),
    }
}

/// The failure for an unknown host. It lists the known ones.
fn unknown(functions: &Functions, host: &str) -> Failure {
    let mut hosts: Vec<String> = functions.names().map(|name| format!("{name}.localhost")).collect();
    hosts.sort_unstable();
    hosts.extend(functions.domains.iter().map(|domain| domain.name.to_string()));
    Failure::domain_not_found(host, &hosts.join(", "))
}

/// The target for the function: a path with a query, or the `*` of `OPTIONS`.
fn origin_form(method: &Method, uri: &Uri) -> Result<Uri, Failure> {
    let is_asterisk = *method == Method::OPTIONS && uri.path() == "*";
    if uri.authority().is_none() && (uri.path().starts_with('/') || is_asterisk) {
        return Ok(uri.clone());
    }
    // As text, an empty path is a slash: `http://a?b` is `/?b`.
    let target = uri.path_and_query().map_or_else(|| "/".to_owned(), PathAndQuery::to_string);
    if !target.starts_with('/') {
        return Err(Failure::invalid_argument("the request's target must be a path"));
    }
    target.parse().map_err(|_| Failure::invalid_argument("the request's target is not a path"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &Method, target: &str, expected: Option<&str>) {
        let origin = origin_form(method, &target.parse().unwrap());
        assert_eq!(origin.ok().map(|uri| uri.to_string()).as_deref(), expected, "{method} {target}");
    }

    #[test]
    fn targets_go_on_as_paths() {
        check(&Method::GET, "/a?b", Some("/a?b"));
        check(&Method::GET, "http://x/a?b", Some("/a?b"));
        check(&Method::GET, "http://x?a", Some("/?a"));
        check(&Method::GET, "http://x", Some("/"));
        check(&Method::OPTIONS, "*", Some("*"));
        check(&Method::GET, "*", None);
    }
}
