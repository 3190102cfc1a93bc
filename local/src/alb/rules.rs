//! The rules of a listener, compiled once and asked for each request.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue, StatusCode};

use super::condition::Test;
use super::decision::{Decision, HeaderChange, ResponseDecision, RuleHit, Target, Terminal, Tried};
use super::order::Order;
use super::pattern::Pattern;
use super::sticky;
use super::template::{Facts, Template, Variable};
use super::view::{RequestView, ResponseView};
use super::why;
use crate::model::alb::{
    ActionKind, AlbCors, Direction, FixedResponse, Forward, GroupId, HeaderSource, Listener,
    ListenerProtocol, LoadBalancer, Rule, SystemValue, TrafficLimit,
};

/// The rules of a listener.
#[derive(Debug)]
pub(crate) struct Rules {
    listener: Listener,
    requests: Vec<Compiled>,
    /// Of the rules for requests.
    order: Order,
    responses: Vec<Compiled>,
    default: End,
    /// Ports of listeners in the cloud, and their ports here: a redirect stays on this machine.
    ports: BTreeMap<u16, u16>,
}

/// A rule, ready to be asked.
#[derive(Debug)]
struct Compiled {
    /// The rule's position in the listener.
    index: usize,
    tests: Vec<Test>,
    limit: Option<TrafficLimit>,
    cors: Option<AlbCors>,
    mirrors: Vec<GroupId>,
    rewrite: Option<Rewrite>,
    headers: Vec<Change>,
    end: Option<End>,
}

#[derive(Debug)]
struct Rewrite {
    host: Template,
    path: Template,
    query: Template,
}

#[derive(Debug)]
enum Change {
    Set(HeaderName, HeaderValue),
    Copy(HeaderName, HeaderName),
    System(HeaderName, SystemValue),
    Remove(HeaderName),
}

#[derive(Debug)]
enum End {
    /// With the names of the groups.
    Forward(Forward, Vec<String>),
    Redirect {
        status: StatusCode,
        protocol: Template,
        host: Template,
        port: Template,
        path: Template,
        query: Template,
    },
    Fixed(FixedResponse),
}

impl Rules {
    /// Compiles the rules of a listener. What does not compile is left out: the readers have refused it.
    pub(crate) fn new(balancer: &LoadBalancer, listener: &Listener) -> Self {
        let mut order: Vec<usize> = (0..listener.rules.len()).collect();
        order.sort_by_key(|index| listener.rules[*index].priority);
        let compile = |direction: Direction| {
            let own = order.iter().filter(|index| listener.rules[**index].direction == direction);
            own.filter_map(|index| Compiled::new(*index, &listener.rules[*index], balancer)).collect()
        };
        let requests: Vec<Compiled> = compile(Direction::Request);
        Rules {
            order: Order::new(requests.iter().map(|rule| &*rule.tests)),
            requests,
            responses: compile(Direction::Response),
            default: End::forward(&listener.default, balancer),
            ports: balancer
                .listeners
                .iter()
                .filter(|other| other.balancer == listener.balancer)
                .map(|other| (other.port, other.local_port))
                .collect(),
            listener: listener.clone(),
        }
    }

    pub(crate) fn listener(&self) -> &Listener {
        &self.listener
    }

    /// What happens to a request. `random` chooses among groups by their weights.
    pub(crate) fn decide(&self, request: &RequestView<'_>, random: u64) -> Decision<'_> {
        let first = self.order.first(request.path, |place| self.requests[place].holds(request, None));
        let Some(found) = first.map(|place| &self.requests[place]) else {
            return Decision {
                rule: None,
                limit: None,
                cors: None,
                mirrors: &[],
                target: None,
                headers: Vec::new(),
                terminal: self.terminal(&self.default, request, &[], random),
            };
        };
        let groups = found.captures(request.path);
        let end = found.end.as_ref().unwrap_or(&self.default);
        Decision {
            rule: Some(self.hit(found)),
            limit: found.limit,
            cors: found.cors.as_ref(),
            mirrors: &found.mirrors,
            target: found.rewrite.as_ref().map(|rewrite| rewrite.target(&self.facts(request, &groups))),
            headers: found.changes(request, &self.listener),
            terminal: self.terminal(end, request, &groups, random),
        }
    }

    /// What happens to a response. The request is the client's.
    pub(crate) fn decide_response(
        &self,
        request: &RequestView<'_>,
        response: &ResponseView<'_>,
    ) -> ResponseDecision<'_> {
        let Some(found) = self.responses.iter().find(|rule| rule.holds(request, Some(response))) else {
            return ResponseDecision { rule: None, headers: Vec::new(), fixed: None };
        };
        let fixed = match &found.end {
            Some(End::Fixed(fixed)) => Some(fixed),
            _ => None,
        };
        ResponseDecision {
            rule: Some(self.hit(found)),
            headers: found.changes(request, &self.listener),
            fixed,
        }
    }

    /// The rules in the order in which they are tried, up to the one that matches.
    pub(crate) fn explain(&self, request: &RequestView<'_>) -> Vec<Tried<'_>> {
        let mut tried = Vec::new();
        for compiled in &self.requests {
            let rule = &self.listener.rules[compiled.index];
            let failed = compiled.tests.iter().position(|test| !test.holds(request, None));
            let miss = failed.and_then(|at| rule.conditions.get(at)).map(|own| why::miss(&own.kind, request));
            let is_hit = miss.is_none();
            tried.push(Tried { rule, miss });
            if is_hit {
                break;
            }
        }
        tried
    }

    /// Whether there are rules for responses.
    pub(crate) fn looks_at_responses(&self) -> bool {
        !self.responses.is_empty()
    }

    fn hit(&self, found: &Compiled) -> RuleHit<'_> {
        RuleHit { index: found.index, rule: &self.listener.rules[found.index] }
    }

    fn facts<'a>(&self, request: &RequestView<'a>, groups: &'a [&'a str]) -> Facts<'a> {
        Facts {
            host: request.host,
            protocol: protocol(&self.listener),
            port: self.listener.port,
            path: request.path,
            query: request.query.unwrap_or_default(),
            groups,
        }
    }

    fn terminal<'a>(
        &'a self,
        end: &'a End,
        request: &RequestView<'_>,
        groups: &[&str],
        random: u64,
    ) -> Terminal<'a> {
        match end {
            End::Fixed(fixed) => Terminal::Fixed(fixed),
            End::Forward(forward, names) => {
                if let Some(at) = sticky::remembered(forward, names, request.headers) {
                    return Terminal::Forward { group: forward.groups[at].group, remember: None };
                }
                match choose(forward, random) {
                    Some(group) => Terminal::Forward { group, remember: forward.sticky },
                    None => Terminal::NoGroup,
                }
            }
            End::Redirect { status, protocol, host, port, path, query } => {
                let facts = self.facts(request, groups);
                let protocol = protocol.fill(&facts).to_ascii_lowercase();
                let port: Option<u16> = port.fill(&facts).parse().ok();
                let port = port.map(|port| self.ports.get(&port).copied().unwrap_or(port));
                let usual = if protocol == "https" { 443 } else { 80 };
                let port = port.filter(|port| *port != usual).map(|port| format!(":{port}"));
                let (path, query) = (path.fill(&facts), query.fill(&facts));
                let slash = if path.starts_with('/') { "" } else { "/" };
                let mark = if query.is_empty() { "" } else { "?" };
                let location = format!(
                    "{protocol}://{}{}{slash}{path}{mark}{query}",
                    host.fill(&facts),
                    port.unwrap_or_default()
                );
                Terminal::Redirect { status: *status, location }
            }
        }
    }
}

/// The listener's protocol as variables and headers show it.
fn protocol(listener: &Listener) -> &'static str {
    match listener.protocol {
        ListenerProtocol::Http => "http",
        ListenerProtocol::Https => "https",
    }
}

/// A group by weight.
fn choose(forward: &Forward, random: u64) -> Option<GroupId> {
    let total: u64 = forward.groups.iter().map(|group| u64::from(group.weight)).sum();
    let mut at = random.checked_rem(total)?;
    forward.groups.iter().find_map(|own| match at.checked_sub(u64::from(own.weight)) {
        None => Some(own.group),
        Some(left) => {
            at = left;
            None
        }
    })
}

impl Compiled {
    fn new(index: usize, rule: &Rule, balancer: &LoadBalancer) -> Option<Self> {
        let tests =
            rule.conditions.iter().map(|own| Test::compile(&own.kind)).collect::<Result<_, _>>().ok()?;
        let mut own = Compiled {
            index,
            tests,
            limit: None,
            cors: None,
            mirrors: Vec::new(),
            rewrite: None,
            headers: Vec::new(),
            end: None,
        };
        let mut actions: Vec<_> = rule.actions.iter().collect();
        actions.sort_by_key(|action| action.order);
        for action in actions {
            own.add(&action.kind, balancer)?;
        }
        Some(own)
    }

    fn add(&mut self, action: &ActionKind, balancer: &LoadBalancer) -> Option<()> {
        let template = |text: &str| Template::parse(text).ok();
        match action {
            ActionKind::Forward(forward) => self.end = Some(End::forward(forward, balancer)),
            ActionKind::Fixed(fixed) => self.end = Some(End::Fixed(fixed.clone())),
            ActionKind::Redirect(own) => {
                self.end = Some(End::Redirect {
                    status: StatusCode::from_u16(own.status).ok()?,
                    protocol: template(&own.protocol)?,
                    host: template(&own.host)?,
                    port: template(&own.port)?,
                    path: template(&own.path)?,
                    query: template(&own.query)?,
                });
            }
            ActionKind::Rewrite(own) => {
                self.rewrite = Some(Rewrite {
                    host: template(&own.host)?,
                    path: template(&own.path)?,
                    query: template(&own.query)?,
                });
            }
            ActionKind::InsertHeader { name, value } => {
                let name = HeaderName::try_from(name).ok()?;
                self.headers.push(match value {
                    HeaderSource::UserDefined(text) => Change::Set(name, HeaderValue::try_from(text).ok()?),
                    HeaderSource::Reference(other) => Change::Copy(name, HeaderName::try_from(other).ok()?),
                    HeaderSource::System(value) => Change::System(name, *value),
                });
            }
            ActionKind::RemoveHeader { name } => {
                self.headers.push(Change::Remove(HeaderName::try_from(name).ok()?));
            }
            ActionKind::Limit(limit) => self.limit = Some(*limit),
            ActionKind::Mirror(groups) => self.mirrors.extend(groups),
            ActionKind::Cors(cors) => self.cors = Some(cors.clone()),
        }
        Some(())
    }

    fn holds(&self, request: &RequestView<'_>, response: Option<&ResponseView<'_>>) -> bool {
        self.tests.iter().all(|test| test.holds(request, response))
    }

    /// What the groups of the path's expression took, if a text uses them.
    fn captures<'t>(&self, path: &'t str) -> Vec<&'t str> {
        if !self.uses_groups() {
            return Vec::new();
        }
        let expressions = self.tests.iter().filter_map(|test| match test {
            Test::Path(values) => Some(values),
            _ => None,
        });
        expressions
            .flatten()
            .filter(|own| matches!(own, Pattern::Expression(_)))
            .find_map(|own| own.captures(path))
            .unwrap_or_default()
    }

    fn uses_groups(&self) -> bool {
        let of_rewrite = self.rewrite.iter().flat_map(|own| [&own.host, &own.path, &own.query]);
        let of_end = self.end.iter().flat_map(|end| match end {
            End::Redirect { path, query, .. } => vec![path, query],
            _ => Vec::new(),
        });
        of_rewrite.chain(of_end).any(|template| template.groups() > 0)
    }

    fn changes(&self, request: &RequestView<'_>, listener: &Listener) -> Vec<HeaderChange> {
        self.headers.iter().filter_map(|change| change.resolve(request, listener)).collect()
    }
}

impl Change {
    fn resolve(&self, request: &RequestView<'_>, listener: &Listener) -> Option<HeaderChange> {
        Some(match self {
            Change::Set(name, value) => HeaderChange::Insert(name.clone(), value.clone()),
            // A header that the client did not send is not made up.
            Change::Copy(name, other) => {
                HeaderChange::Insert(name.clone(), request.headers.get(other)?.clone())
            }
            Change::Remove(name) => HeaderChange::Remove(name.clone()),
            Change::System(name, value) => {
                let text = match value {
                    SystemValue::ClientSrcPort => request.source_port.to_string(),
                    SystemValue::ClientSrcIp => request.source.to_string(),
                    SystemValue::Protocol => protocol(listener).to_owned(),
                    SystemValue::SlbId => listener.balancer.clone(),
                    SystemValue::SlbPort => listener.port.to_string(),
                };
                HeaderChange::Insert(name.clone(), HeaderValue::try_from(text).ok()?)
            }
        })
    }
}

impl Rewrite {
    fn target(&self, facts: &Facts<'_>) -> Target {
        let mut path = self.path.fill(facts);
        if !path.starts_with('/') {
            path.insert(0, '/');
        }
        Target {
            host: (!self.host.is_only(Variable::Host)).then(|| self.host.fill(facts)),
            path,
            query: Some(self.query.fill(facts)).filter(|query| !query.is_empty()),
        }
    }
}

impl End {
    fn forward(forward: &Forward, balancer: &LoadBalancer) -> Self {
        let name = |id: GroupId| balancer.group(id).map(|group| group.name.clone()).unwrap_or_default();
        End::Forward(forward.clone(), forward.groups.iter().map(|own| name(own.group)).collect())
    }
}
