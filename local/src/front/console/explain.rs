//! What becomes of a request: the listener or domain that takes it, the rule or route, and the function.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use http::{HeaderMap, Method, Uri, header};

use super::data::Functions;
use super::form::Fields;
use super::pages::routes::Step;
use crate::alb::{Decision, HeaderChange, RequestView, Rules, Terminal, without_port};
use crate::front::guard;
use crate::model::alb::{GroupKind, Listener, ListenerProtocol, LoadBalancer, ServerGroup};
use crate::wire::headers::of_line;
use crate::wire::host;

/// Explains the request that the form describes. `None` if the form is empty.
///
/// # Errors
///
/// The form describes no request.
pub(super) fn explain(
    fields: &Fields,
    functions: &Functions,
    balancer: &LoadBalancer,
) -> Option<Result<Vec<Step>, String>> {
    let url = fields.word("url")?;
    Some(read(fields, url).map(|asked| way(&asked, functions, balancer)))
}

/// A request that is not sent.
struct Asked {
    method: Method,
    url: Uri,
    headers: HeaderMap,
}

fn read(fields: &Fields, url: &str) -> Result<Asked, String> {
    let wrong = || format!("`{url}` is no address that begins with http:// or https://");
    let url: Uri = url.parse().map_err(|_| wrong())?;
    if !matches!(url.scheme_str(), Some("http" | "https")) || url.host().is_none() {
        return Err(wrong());
    }
    let method = fields.word("method").unwrap_or("GET");
    let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
        .map_err(|_| format!("`{method}` is no method"))?;
    let mut headers = HeaderMap::new();
    for line in fields.get("headers").unwrap_or_default().lines().filter(|line| !line.trim().is_empty()) {
        let (name, value) = of_line(line)?;
        headers.append(name, value);
    }
    Ok(Asked { method, url, headers })
}

fn step(title: impl Into<String>, text: impl Into<String>, taken: Option<bool>) -> Step {
    Step { title: title.into(), text: text.into(), taken }
}

fn way(asked: &Asked, functions: &Functions, balancer: &LoadBalancer) -> Vec<Step> {
    let protocol = if asked.url.scheme_str() == Some("https") {
        ListenerProtocol::Https
    } else {
        ListenerProtocol::Http
    };
    let usual = if protocol == ListenerProtocol::Https { 443 } else { 80 };
    let port = asked.url.port_u16().unwrap_or(usual);
    let named = asked.headers.get(header::HOST).and_then(|host| host.to_str().ok());
    let host =
        host::name_of(without_port(named.or(asked.url.host()).unwrap_or_default())).unwrap_or_default();
    let mut steps = Vec::new();
    // A domain that is named is meant, whatever port stands there: here all of them are at the main port.
    let domain = functions.domains.find(&host);
    let listener = match domain {
        Some(_) if asked.url.port_u16().is_none() => None,
        _ => balancer.listener(protocol, port),
    };
    if let Some(listener) = listener {
        by_listener(asked, &host, balancer, listener, &mut steps);
        return steps;
    }
    if let Some(domain) = domain {
        by_domain(asked, functions, domain, &mut steps);
        return steps;
    }
    steps.push(step("Custom domain", format!("none is called {host}"), Some(false)));
    by_name(&host, functions, &mut steps);
    steps
}

fn by_domain(
    asked: &Asked,
    functions: &Functions,
    domain: &Arc<crate::domain::Domain>,
    steps: &mut Vec<Step>,
) {
    steps.push(step(
        format!("Custom domain {}", domain.name),
        format!("speaks {}", domain.settings.protocol.name()),
        Some(true),
    ));
    let path = asked.url.path();
    let found = domain.find(path);
    for (number, route) in domain.settings.routes.iter().enumerate() {
        let is_taken = found == Some(number);
        let methods =
            if route.methods.is_empty() { "all methods".to_owned() } else { route.methods.join(", ") };
        let target =
            format!("{}, {}; {methods}", route.function, route.qualifier.as_deref().unwrap_or("LATEST"));
        steps.push(step(format!("Route {}", route.path), target, Some(is_taken)));
    }
    let Some(number) = found else {
        steps.push(step("404", format!("no route of {} is for {path}", domain.name), None));
        return;
    };
    let route = domain.route(number);
    let settings = &route.settings;
    let method = asked.method.as_str();
    if !settings.methods.is_empty() && !settings.methods.iter().any(|own| own == method) {
        steps.push(step("Refused", format!("the route does not take {method}"), None));
        return;
    }
    if let Some(target) = route.rewrite(path, asked.url.query()) {
        steps.push(step("Rewrite", format!("the function sees {target}"), None));
    }
    to_function(&settings.function, settings.qualifier.as_deref(), functions, steps);
}

fn by_name(host: &str, functions: &Functions, steps: &mut Vec<Step>) {
    let mut names: Vec<&str> = functions.names().collect();
    names.sort_unstable();
    if let Some(own) = host.strip_suffix(".localhost") {
        let (qualifier, name) =
            own.rsplit_once('.').map_or((None, own), |(before, name)| (Some(before), name));
        match names.iter().find(|own| own.eq_ignore_ascii_case(name)) {
            Some(name) => {
                steps.push(step(
                    format!("Built-in domain of {name}"),
                    format!("{host} stands for it here"),
                    Some(true),
                ));
                to_function(name, qualifier, functions, steps);
            }
            None => steps.push(step(
                "404",
                format!("there is no function {name}; there are: {}", names.join(", ")),
                None,
            )),
        }
        return;
    }
    match names[..] {
        [name] if functions.domains.iter().next().is_none() || guard::is_this_machine(host) => {
            steps.push(step("The only function", "the main port leads to it by any host", Some(true)));
            to_function(name, None, functions, steps);
        }
        _ => steps.push(step(
            "404",
            format!("{host} leads to no function; there are: {}", names.join(", ")),
            None,
        )),
    }
}

fn to_function(name: &str, qualifier: Option<&str>, functions: &Functions, steps: &mut Vec<Step>) {
    let qualifier = qualifier.unwrap_or("LATEST");
    match functions.find(name) {
        Ok(function) => {
            let settings = function.settings();
            let text = match &settings.trigger_of(Some(qualifier).filter(|own| *own != "LATEST")) {
                Some(_) => "it has an HTTP trigger".to_owned(),
                None => "it has no HTTP trigger of this version: only a custom domain or the API reaches it"
                    .to_owned(),
            };
            steps.push(step(format!("Function {name}, {qualifier}"), text, None));
        }
        Err(failure) => steps.push(step(format!("Function {name}"), failure.told(), Some(false))),
    }
}

fn by_listener(
    asked: &Asked,
    host: &str,
    balancer: &LoadBalancer,
    listener: &Listener,
    steps: &mut Vec<Step>,
) {
    let text = format!(
        "{} {}, here {} ({})",
        listener.protocol.name(),
        listener.port,
        listener.local_port,
        listener.place
    );
    steps.push(step(format!("Listener {}", listener.name), text, Some(true)));
    let rules = Rules::new(balancer, listener);
    let request = RequestView {
        method: &asked.method,
        host,
        path: asked.url.path(),
        query: asked.url.query(),
        headers: &asked.headers,
        source: IpAddr::V4(Ipv4Addr::LOCALHOST),
        source_port: 40_000,
    };
    for tried in rules.explain(&request) {
        let why = tried.miss.as_deref().unwrap_or("all conditions hold");
        let title = format!("Rule {} {}", tried.rule.priority, tried.rule.name);
        steps.push(step(title, format!("{why} ({})", tried.rule.place), Some(tried.miss.is_none())));
    }
    let decision = rules.decide(&request, 0);
    if decision.rule.is_none() {
        steps.push(step("Default action", "no rule matches", Some(true)));
    }
    outcome(&decision, balancer, listener, steps);
}

fn outcome(decision: &Decision<'_>, balancer: &LoadBalancer, listener: &Listener, steps: &mut Vec<Step>) {
    if let Some(limit) = decision.limit {
        let told = [(limit.qps, "a second"), (limit.per_ip_qps, "a second of one address")];
        let told = told.into_iter().filter_map(|(count, whose)| Some(format!("{} {whose}", count?)));
        steps.push(step("Limit", format!("{}; more get 503", told.collect::<Vec<_>>().join(", ")), None));
    }
    if let Some(target) = &decision.target {
        let host = target.host.as_deref().map(|host| format!("host {host}, ")).unwrap_or_default();
        let query = target.query.as_deref().map(|query| format!("?{query}")).unwrap_or_default();
        steps.push(step("Rewrite", format!("{host}{}{query}", target.path), None));
    }
    for change in &decision.headers {
        steps.push(match change {
            HeaderChange::Insert(name, value) => {
                step("Header set", format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())), None)
            }
            HeaderChange::Remove(name) => step("Header removed", name.to_string(), None),
        });
    }
    match &decision.terminal {
        Terminal::Redirect { status, location } => {
            steps.push(step(format!("Redirect {}", status.as_u16()), location.clone(), None));
        }
        Terminal::Fixed(fixed) => {
            steps.push(step(format!("Answer {}", fixed.status), fixed.content.clone(), None));
        }
        Terminal::NoGroup => steps.push(step("Answer 503", "no group has a weight", None)),
        Terminal::Forward { .. } => {
            let groups = decision.forward(listener).map(|own| own.groups.as_slice()).unwrap_or_default();
            for own in groups {
                let Some(group) = balancer.group(own.group) else { continue };
                let weight =
                    if groups.len() > 1 { format!(", weight {}", own.weight) } else { String::new() };
                steps.push(step(format!("Group {}{weight}", group.name), leads_to(group), None));
            }
        }
    }
}

fn leads_to(group: &ServerGroup) -> String {
    match &group.kind {
        GroupKind::Fc { function: None, .. } => "it has no function yet: 503".to_owned(),
        GroupKind::Fc { function: Some(function), qualifier, service } => {
            let service = service.as_ref().map(|service| format!("{service}/")).unwrap_or_default();
            format!("function {service}{function}, {}", qualifier.as_deref().unwrap_or("LATEST"))
        }
        GroupKind::Ip { servers } => {
            let servers: Vec<String> =
                servers.iter().map(|own| format!("{}:{}", own.host, own.port)).collect();
            if servers.is_empty() { "it has no servers: 503".to_owned() } else { servers.join(", ") }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(query: &str) -> Option<Result<Vec<Step>, String>> {
        explain(&Fields::read(query.as_bytes()), &Functions::default(), &LoadBalancer::default())
    }

    #[test]
    fn a_form_that_is_no_request_says_so() {
        assert_eq!(told("method=GET"), None);
        for (query, part) in [
            ("url=/a", "`/a` is no address"),
            ("url=ftp://a/", "no address"),
            ("url=http://a/&method=G%20T", "`G T` is no method"),
            ("url=http://a/&headers=nothing", "`nothing` is no header"),
        ] {
            let wrong = told(query).unwrap().unwrap_err();
            assert!(wrong.contains(part), "{query}: {wrong}");
        }
    }

    #[test]
    fn without_a_function_everything_ends_in_404() {
        for (query, part) in [
            ("url=http://api.example.com/", "api.example.com leads to no function"),
            ("url=http://shop.localhost:8080/x", "there is no function shop"),
        ] {
            let steps = told(query).unwrap().unwrap();
            let last = steps.last().unwrap();
            assert!(last.title == "404" && last.text.contains(part), "{steps:?}");
        }
    }
}
