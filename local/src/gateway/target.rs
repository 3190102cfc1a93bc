//! Which function a request is for.

use std::collections::HashMap;
use std::sync::Arc;

use http::uri::PathAndQuery;
use http::{Request, Uri, header};

use super::Door;
use super::api::ApiCall;
use crate::dispatch::Slot;
use crate::failure::Failure;
use crate::wire::host::{self, Host};

/// The functions there are, and those that are to come.
#[derive(Debug, Default, Clone)]
pub(crate) struct Table {
    slots: HashMap<Arc<str>, Arc<Slot>>,
    pending: HashMap<String, &'static str>,
}

impl Table {
    pub(crate) fn insert(&mut self, slot: Arc<Slot>) {
        self.pending.remove(&*slot.name);
        self.slots.insert(Arc::clone(&slot.name), slot);
    }

    pub(crate) fn remove(&mut self, name: &str) -> Option<Arc<Slot>> {
        self.pending.remove(name);
        self.slots.remove(name)
    }

    /// Has no effect on a function that is there: it goes on as it is.
    pub(crate) fn set_pending(&mut self, name: &str, why: &'static str) {
        if !self.slots.contains_key(name) {
            self.pending.insert(name.to_owned(), why);
        }
    }

    pub(crate) fn get(&self, name: &str) -> Option<&Arc<Slot>> {
        self.slots.get(name)
    }

    /// The function, or why it does not answer.
    pub(crate) fn find(&self, name: &str) -> Result<&Arc<Slot>, Failure> {
        match (self.slots.get(name), self.pending.get(name)) {
            (Some(slot), _) => Ok(slot),
            (None, Some(why)) => Err(Failure::unavailable(format!("function '{name}' {why}"))),
            (None, None) => Err(Failure::function_not_found(name)),
        }
    }

    /// The function with this name in a host, where case does not count.
    fn find_by_host(&self, host: &str, name: &str) -> Result<&Arc<Slot>, Failure> {
        let names = self.slots.keys().map(|name| &**name).chain(self.pending.keys().map(String::as_str));
        let mut names = names.filter(|own| own.eq_ignore_ascii_case(name));
        self.find(names.next().ok_or_else(|| self.unknown(host))?)
    }

    /// No function has this host; says which ones there are.
    fn unknown(&self, host: &str) -> Failure {
        let names = self.slots.keys().map(|name| &**name).chain(self.pending.keys().map(String::as_str));
        let mut hosts: Vec<String> = names.map(|name| format!("{name}.localhost")).collect();
        hosts.sort_unstable();
        Failure::domain_not_found(host, &hosts.join(", "))
    }

    /// The function, if there is but one.
    fn only(&self, host: &str) -> Result<&Arc<Slot>, Failure> {
        let mut names = self.slots.keys().map(|name| &**name).chain(self.pending.keys().map(String::as_str));
        match (names.next(), names.next()) {
            (Some(name), None) => self.find(name),
            _ => Err(self.unknown(host)),
        }
    }
}

/// Where a request goes.
pub(crate) enum Destination {
    Trigger(Arc<Slot>),
    Api(ApiCall),
}

/// Finds the destination by the door the request came in, its host and its path.
pub(crate) fn resolve<B>(
    table: &Table,
    door: &Door,
    host: &Host<'_>,
    request: &Request<B>,
) -> Result<Destination, Failure> {
    if let Door::Function(name) = door {
        return Ok(Destination::Trigger(Arc::clone(table.find(name)?)));
    }
    if let Some(name) = host.name.strip_suffix(".localhost") {
        return Ok(Destination::Trigger(Arc::clone(table.find_by_host(&host.name, name)?)));
    }
    if let Some(call) = ApiCall::parse(request.uri()) {
        check_api_caller(host, request)?;
        return Ok(Destination::Api(call?));
    }
    Ok(Destination::Trigger(Arc::clone(table.only(&host.name)?)))
}

/// A page of another site must not be able to call the API through the developer's browser, neither by a
/// name of its own for this address nor from its own origin.
fn check_api_caller<B>(host: &Host<'_>, request: &Request<B>) -> Result<(), Failure> {
    if !is_this_machine(&host.name) {
        return Err(Failure::access_denied(format_args!("host '{}' is not this machine", host.name)));
    }
    for origin in request.headers().get_all(header::ORIGIN) {
        let site = origin.to_str().ok().and_then(|origin| origin.split_once("://"));
        let name = site.and_then(|(_, authority)| host::name_of(authority));
        if !name.is_some_and(|name| is_this_machine(&name)) {
            return Err(Failure::access_denied("the API takes no calls from pages of other sites"));
        }
    }
    if request.headers().get("sec-fetch-site").is_some_and(|site| site == "cross-site") {
        return Err(Failure::access_denied("the API takes no calls from pages of other sites"));
    }
    Ok(())
}

fn is_this_machine(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// The path and query that go to the function.
pub(crate) fn origin_form(uri: &Uri) -> Result<Uri, Failure> {
    if uri.authority().is_none() && uri.path().starts_with('/') {
        return Ok(uri.clone());
    }
    let target = uri.path_and_query().map_or("/", PathAndQuery::as_str);
    if !target.starts_with('/') {
        return Err(Failure::invalid_argument("the request's target must be a path"));
    }
    target.parse().map_err(|_| Failure::invalid_argument("the request's target is not a path"))
}
