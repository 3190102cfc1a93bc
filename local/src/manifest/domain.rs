//! Reads custom domains: `customDomain` of a function, and resources of component fc3-domain.

use std::path::PathBuf;

use super::function::METHODS;
use super::node::{self, Node, Value};
use super::problem::Problem;
use super::reader::Reader;
use super::{auth, certificate, cors, keys};
use crate::domain::{Rule, check_name, check_path};
use crate::model::{Domain, LATEST, Protocol, Rewrite, RewriteKind, Route};

/// The domains of a manifest, in the order of a deployment.
#[derive(Debug, Default)]
pub(super) struct Reading {
    pub(super) domains: Vec<Domain>,
    /// The files of their certificates.
    pub(super) files: Vec<PathBuf>,
}

/// What the account is that a domain is deployed to. It is a part of the name that `auto` stands for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Account<'a> {
    pub(super) id: &'a str,
    pub(super) region: &'a str,
}

impl Reading {
    /// Reads the `customDomain` of a function.
    pub(super) fn of_function(
        &mut self,
        props: &Node,
        function: &str,
        account: Account<'_>,
        problems: &mut Vec<Problem>,
    ) {
        let Some(node) = props.child("customDomain").filter(|node| !node.entries().is_empty()) else {
            return;
        };
        let mut reader = Reader::new(problems);
        let Some(route) = node.child("route").filter(|route| matches!(route.value, Value::Map(_))) else {
            reader.error(node, "route", "is missing: write a `path` there, such as `/*`");
            return;
        };
        let route = read_route(route, Some(function), &mut reader);
        let routes = route.into_iter().collect();
        let Some(domain) = read_domain(node, routes, account, &mut self.files, &mut reader) else { return };
        self.join(domain, problems);
    }

    /// Reads a resource of component fc3-domain. `id` is the account.
    pub(super) fn of_resource(&mut self, props: &Node, id: &str, problems: &mut Vec<Problem>) {
        let mut props = props.clone();
        keys::correct_domain(&mut props, problems);
        let mut reader = Reader::new(problems);
        let region = reader.required_text(&props, "region").unwrap_or_default();
        let mut routes = Vec::new();
        if let Some(nodes) = props.child("routeConfig").and_then(|config| config.child("routes")) {
            for node in node::items(nodes) {
                routes.extend(read_route(node, None, &mut reader));
            }
        }
        for (at, route) in routes.iter().enumerate() {
            if let Some(former) = routes[..at].iter().find(|former| former.path == route.path) {
                let text = format!("path `{}` has a route already, on line {}", route.path, former.line);
                reader.push(route.line, text);
            }
        }
        let account = Account { id, region: &region };
        let Some(domain) = read_domain(&props, routes, account, &mut self.files, &mut reader) else { return };
        match self.domains.iter_mut().find(|own| is_same_name(own, &domain)) {
            None => self.domains.push(domain),
            Some(former) => {
                let text = format!(
                    "domain `{}` takes the place of the one on line {}, as it does at a deployment",
                    domain.name, former.line
                );
                problems.push(Problem::note(domain.line, text));
                *former = domain;
            }
        }
    }

    /// Adds the route of a function to its domain, as the deployment tool does.
    fn join(&mut self, domain: Domain, problems: &mut Vec<Problem>) {
        let Some(former) = self.domains.iter_mut().find(|own| is_same_name(own, &domain)) else {
            self.domains.push(domain);
            return;
        };
        for route in domain.routes {
            match former.routes.iter().find(|own| own.path == route.path) {
                None => former.routes.push(route),
                Some(own) => {
                    let text = format!(
                        "path `{}` of domain `{}` is used by function `{}`, on line {}",
                        route.path, former.name, own.function, own.line
                    );
                    problems.push(Problem::error(route.line, text));
                }
            }
        }
        former.protocol = match (domain.protocol, former.protocol) {
            (Protocol::Http, Protocol::Https) => Protocol::Both,
            (Protocol::Http, own) => own,
            (asked, _) => asked,
        };
        former.auth = domain.auth.or(former.auth.take());
        former.cors = domain.cors.or(former.cors.take());
        former.certificate = domain.certificate.or(former.certificate.take());
    }

    /// Reports the routes that lead to no function of the file.
    pub(super) fn check_functions<'a>(
        &self,
        names: &(impl Iterator<Item = &'a str> + Clone),
        problems: &mut Vec<Problem>,
    ) {
        for route in self.domains.iter().flat_map(|domain| &domain.routes) {
            if !names.clone().any(|name| name == route.function) {
                let text = format!(
                    "`{}` leads to function `{}`, which this file does not have: calls get FunctionNotFound here",
                    route.path, route.function
                );
                problems.push(Problem::note(route.line, text));
            }
        }
    }
}

fn is_same_name(one: &Domain, other: &Domain) -> bool {
    one.name.eq_ignore_ascii_case(&other.name)
}

/// Reads what `customDomain` and fc3-domain have in common. `None` after a fatal problem.
fn read_domain(
    node: &Node,
    routes: Vec<Route>,
    account: Account<'_>,
    files: &mut Vec<PathBuf>,
    reader: &mut Reader<'_>,
) -> Option<Domain> {
    let line = node.entry("domainName").map_or(node.line, |entry| entry.line);
    let mut name = reader.required_text(node, "domainName")?;
    if name.eq_ignore_ascii_case("auto") {
        // Without a route there is no function to name the domain after; that is reported.
        name = automatic(routes.first()?, account);
    } else if let Err(why) = check_name(&name) {
        reader.error(node, "domainName", why);
        return None;
    }
    let protocol = match reader.required_text(node, "protocol")?.as_str() {
        "HTTP" => Protocol::Http,
        "HTTPS" => Protocol::Https,
        "HTTP,HTTPS" => Protocol::Both,
        // The check of the keys has reported other values.
        _ => return None,
    };
    if protocol != Protocol::Http && node.child("certConfig").is_none() && !node.is_failed("certConfig") {
        let line = node.entry("protocol").map_or(node.line, |entry| entry.line);
        let text =
            "without `certConfig`, the deployment takes `HTTPS` only if the domain has a certificate already";
        reader.note(line, text.to_owned());
    }
    let auth = match node.child("authConfig") {
        // A problem is reported, and nothing is served open by mistake.
        Some(config) => Some(auth::read(config, "authInfo", reader)?),
        None if node.is_failed("authConfig") => return None,
        None => None,
    };
    let certificate = certificate::read(node, files, reader);
    let cors = cors::read(node, reader);
    if let Some(entry) = node.entry("corsConfig").filter(|_| cors.is_some()) {
        let text = "`corsConfig` of a domain takes effect here, but the deployment tool does not pass it on: set it in the console";
        reader.note(entry.line, text.to_owned());
    }
    Some(Domain { name, line, protocol, routes, auth, cors, certificate })
}

/// The domain that the deployment tool asks for in place of `auto`.
fn automatic(route: &Route, account: Account<'_>) -> String {
    let function = route.function.replace('_', "-").to_ascii_lowercase();
    format!("{function}.fcv3.{}.{}.fc.devsapp.net", account.id, account.region)
}

/// Reads a route. `function` is the function that it belongs to, if the route cannot name one.
fn read_route(node: &Node, function: Option<&str>, reader: &mut Reader<'_>) -> Option<Route> {
    let path = reader.required_text(node, "path")?;
    if let Err(why) = check_path(&path) {
        reader.error(node, "path", why);
        return None;
    }
    let function = match function {
        Some(function) => function.to_owned(),
        None => reader.required_text(node, "functionName")?,
    };
    let methods = reader.texts(node, "methods");
    for method in methods.iter().filter(|method| !METHODS.contains(&method.as_str())) {
        reader.error(
            node,
            "methods",
            &format!("`{method}` cannot be let through; there are {}", METHODS.join(", ")),
        );
    }
    let qualifier = reader.text(node, "qualifier").filter(|name| !name.is_empty() && name != LATEST);
    let rewrites =
        node.child("rewriteConfig").map(|config| read_rewrites(config, reader)).unwrap_or_default();
    Some(Route { path, line: node.line, function, qualifier, methods, rewrites })
}

/// Reads the rules of a route, in the order in which they are tried.
fn read_rewrites(config: &Node, reader: &mut Reader<'_>) -> Vec<Rewrite> {
    let kinds = [
        ("equalRules", RewriteKind::Equal),
        ("wildcardRules", RewriteKind::Wildcard),
        ("regexRules", RewriteKind::Regex),
    ];
    let mut rewrites = Vec::new();
    for (key, kind) in kinds {
        for node in config.child(key).map(node::items).unwrap_or_default() {
            let pattern = reader.required_text(node, "match");
            let (Some(pattern), Some(replacement)) = (pattern, reader.required_text(node, "replacement"))
            else {
                continue;
            };
            let rewrite = Rewrite { kind, pattern, replacement };
            match Rule::compile(&rewrite) {
                Ok(_) => rewrites.push(rewrite),
                Err(why) => {
                    let key = if why.starts_with("`replacement`") { "replacement" } else { "match" };
                    reader.push(node.entry(key).map_or(node.line, |entry| entry.line), why);
                }
            }
        }
    }
    rewrites
}
