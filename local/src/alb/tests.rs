//! Rules as tables.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};

use super::{HeaderChange, RequestView, ResponseView, Rules, Target, Terminal};
use crate::model::alb::{
    Action, ActionKind, AlbEdition, BackendProtocol, Cidr, Condition, ConditionKind, Direction,
    FixedResponse, Forward, GroupId, GroupKind, HeaderSource, Listener, ListenerProtocol, LoadBalancer, Pair,
    Place, Redirect, RewriteTo, Rule, SecurityPolicy, ServerGroup, SystemValue, TrafficLimit, WeightedGroup,
    XForwarded,
};

fn place() -> Place {
    Place { file: Arc::from(Path::new("alb.tf")), line: 1 }
}

pub(super) fn to(groups: &[(usize, u8)]) -> Forward {
    let group = |(group, weight): &(usize, u8)| WeightedGroup { group: GroupId(*group), weight: *weight };
    Forward { groups: groups.iter().map(group).collect(), sticky: None }
}

pub(super) fn rule(priority: u16, conditions: Vec<ConditionKind>, actions: Vec<ActionKind>) -> Rule {
    let condition = |kind| Condition { kind, place: place() };
    let action = |(at, kind)| Action { order: u16::try_from(at).unwrap() + 1, kind, place: place() };
    Rule {
        name: format!("rule-{priority}"),
        place: place(),
        priority,
        direction: Direction::Request,
        conditions: conditions.into_iter().map(condition).collect(),
        actions: actions.into_iter().enumerate().map(action).collect(),
    }
}

pub(super) fn rules(own: Vec<Rule>) -> Rules {
    let group = |name: &str| ServerGroup {
        name: name.to_owned(),
        place: place(),
        kind: GroupKind::Ip { servers: Vec::new() },
        protocol: BackendProtocol::Http,
        health_check: None,
        sticky_session: None,
    };
    let listener = Listener {
        name: "web".to_owned(),
        balancer: "alb-1".to_owned(),
        edition: AlbEdition::Standard,
        place: place(),
        protocol: ListenerProtocol::Http,
        port: 80,
        local_port: 10080,
        default: to(&[(0, 100)]),
        idle_timeout: Duration::from_secs(15),
        request_timeout: Duration::from_secs(60),
        gzip: true,
        http2: false,
        security_policy: SecurityPolicy::default(),
        asks_clients: false,
        x_forwarded: XForwarded::default(),
        tracing: None,
        acl: None,
        rules: own,
    };
    let tls = Listener { port: 443, local_port: 10443, rules: Vec::new(), ..listener.clone() };
    let balancer = LoadBalancer {
        listeners: vec![listener, tls],
        groups: ["default", "one", "two", "three"].map(group).to_vec(),
        acls: Vec::new(),
    };
    Rules::new(&balancer, &balancer.listeners[0])
}

/// A request as text: `GET host/path?query`, and headers as pairs.
pub(super) struct Asked {
    method: Method,
    host: String,
    path: String,
    query: Option<String>,
    headers: HeaderMap,
    source: IpAddr,
}

impl Asked {
    pub(super) fn new(text: &str, headers: &[(&str, &str)]) -> Self {
        let (method, rest) = text.split_once(' ').unwrap();
        let (rest, query) = rest.split_once('?').map_or((rest, None), |(rest, query)| (rest, Some(query)));
        let (host, path) = rest.split_at(rest.find('/').unwrap());
        let header = |(name, value): &(&str, &str)| {
            (HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap())
        };
        let mut map = HeaderMap::new();
        map.extend(headers.iter().map(header).map(|(name, value)| (Some(name), value)));
        Asked {
            method: method.parse().unwrap(),
            host: host.to_owned(),
            path: path.to_owned(),
            query: query.map(str::to_owned),
            headers: map,
            source: "203.0.113.9".parse().unwrap(),
        }
    }

    pub(super) fn view(&self) -> RequestView<'_> {
        RequestView {
            method: &self.method,
            host: &self.host,
            path: &self.path,
            query: self.query.as_deref(),
            headers: &self.headers,
            source: self.source,
            source_port: 40000,
        }
    }
}

pub(super) fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|text| (*text).to_owned()).collect()
}

fn pairs(own: &[(&str, &str)]) -> Vec<Pair> {
    own.iter().map(|(key, value)| Pair { key: (*key).to_owned(), value: Some((*value).to_owned()) }).collect()
}

/// A request, its headers, and whether the condition holds.
type Case<'a> = (&'a str, &'a [(&'a str, &'a str)], bool);

#[track_caller]
fn check(condition: ConditionKind, cases: &[Case<'_>]) {
    let own = rules(vec![rule(1, vec![condition], vec![ActionKind::Forward(to(&[(1, 100)]))])]);
    for (text, headers, matches) in cases {
        let asked = Asked::new(text, headers);
        let decision = own.decide(&asked.view(), 0);
        assert_eq!(decision.rule.is_some(), *matches, "{text} {headers:?}");
        let group = GroupId(usize::from(*matches));
        assert_eq!(decision.terminal, Terminal::Forward { group, remember: None }, "{text}");
        let tried = own.explain(&asked.view());
        assert_eq!(tried[0].miss.is_none(), *matches, "{text}: {tried:?}");
    }
}

#[test]
fn each_condition_has_its_words() {
    check(
        ConditionKind::Host(texts(&["a.example.com", "*.example.org", "~^shop[0-9]+[.]"])),
        &[
            ("GET A.example.COM/", &[], true),
            ("GET b.example.com/", &[], false),
            ("GET x.y.example.org/", &[], true),
            ("GET example.org/", &[], false),
            ("GET SHOP12.cn/", &[], true),
        ],
    );
    check(
        ConditionKind::Path(texts(&["/api/*", "/exact", "~*[.]PNG$"])),
        &[
            ("GET a/api/x/y", &[], true),
            ("GET a/API/x", &[], false),
            ("GET a/api", &[], false),
            ("GET a/exact?x=/api/", &[], true),
            ("GET a/exact/", &[], false),
            ("GET a/x.png", &[], true),
        ],
    );
    check(
        ConditionKind::Header { name: "X-Plan".to_owned(), values: texts(&["gold*", "trial"]) },
        &[
            ("GET a/", &[("x-plan", "Gold-2")], true),
            ("GET a/", &[("x-plan", "silver"), ("x-plan", "trial")], true),
            ("GET a/", &[("x-plan", "trials")], false),
            ("GET a/", &[], false),
        ],
    );
    check(
        ConditionKind::Query(pairs(&[("v", "2*"), ("beta", "1")])),
        &[
            ("GET a/?V=2.1", &[], true),
            ("GET a/?x=1&beta=1", &[], true),
            ("GET a/?beta=0&v=1", &[], false),
            ("GET a/", &[], false),
            ("GET a/?v", &[], false),
        ],
    );
    check(
        ConditionKind::Query(vec![Pair { key: "debug".to_owned(), value: None }]),
        &[("GET a/?debug", &[], true), ("GET a/?Debug=1", &[], true), ("GET a/?debugs=1", &[], false)],
    );
    check(
        ConditionKind::Cookie(pairs(&[("group", "b?")])),
        &[
            ("GET a/", &[("cookie", "x=1; Group=B1")], true),
            ("GET a/", &[("cookie", "x=1"), ("cookie", "group=b2")], true),
            ("GET a/", &[("cookie", "group=b")], false),
        ],
    );
    check(
        ConditionKind::Method(texts(&["PUT", "DELETE"])),
        &[("PUT a/", &[], true), ("DELETE a/", &[], true), ("GET a/", &[], false)],
    );
    let blocks = ["203.0.113.0/24", "2001:db8::/32"].map(|text| Cidr::parse(text).unwrap());
    check(ConditionKind::SourceIp(blocks.to_vec()), &[("GET a/", &[], true)]);
    check(ConditionKind::SourceIp(vec![Cidr::parse("10.0.0.0/8").unwrap()]), &[("GET a/", &[], false)]);
    check(ConditionKind::ResponseStatus(texts(&["*"])), &[("GET a/", &[], false)]);
}

#[test]
fn conditions_are_joined_and_priorities_decide() {
    let path = |text: &str| ConditionKind::Path(texts(&[text]));
    let forward = |group| vec![ActionKind::Forward(to(&[(group, 100)]))];
    let own = rules(vec![
        rule(30, vec![path("/a/*")], forward(3)),
        rule(10, vec![path("/a/*"), path("*/z"), ConditionKind::Method(texts(&["GET"]))], forward(1)),
        rule(20, vec![path("/a/b*")], forward(2)),
    ]);
    for (text, group, tried) in [
        ("GET h/a/z", 1, 1),
        ("POST h/a/z", 3, 3),
        ("GET h/a/b", 2, 2),
        ("GET h/a/c", 3, 3),
        ("GET h/b", 0, 3),
    ] {
        let asked = Asked::new(text, &[]);
        let decision = own.decide(&asked.view(), 7);
        assert_eq!(decision.terminal, Terminal::Forward { group: GroupId(group), remember: None }, "{text}");
        assert_eq!(own.explain(&asked.view()).len(), tried, "{text}");
    }
    let asked = Asked::new("POST h/a/z", &[]);
    let why: Vec<_> = own.explain(&asked.view()).iter().map(|tried| tried.miss.clone()).collect();
    let first = Some("the method POST is not `GET`".to_owned());
    assert_eq!(why, [first, Some("the path `/a/z` is not `/a/b*`".to_owned()), None]);
}

#[test]
fn requests_are_rewritten_with_variables_and_groups() {
    let rewrite = |host: &str, path: &str, query: &str| {
        let [host, path, query] = [host, path, query].map(str::to_owned);
        ActionKind::Rewrite(RewriteTo { host, path, query })
    };
    let target = |host: Option<&str>, path: &str, query: Option<&str>| Target {
        host: host.map(str::to_owned),
        path: path.to_owned(),
        query: query.map(str::to_owned),
    };
    for (condition, action, asked, expected) in [
        (
            "~/sys/(.*)/(.*)/aaa",
            rewrite("${host}", "/${1}/${2}", "${query}"),
            "GET h/sys/ccc/bbb/aaa?q",
            target(None, "/ccc/bbb", Some("q")),
        ),
        (
            "/api/*",
            rewrite("${host}", "/v2${path}", "from=${host}&${query}"),
            "GET h/api/x?q=1",
            target(None, "/v2/api/x", Some("from=h&q=1")),
        ),
        ("/*", rewrite("inner", "${path}", ""), "GET h/x?q", target(Some("inner"), "/x", None)),
        (
            "~^/u/([^/]+)$",
            rewrite("${1}.cn", "x/${1}", "${query}"),
            "GET h/u/me",
            target(Some("me.cn"), "/x/me", None),
        ),
    ] {
        let path = ConditionKind::Path(texts(&[condition]));
        let own = rules(vec![rule(1, vec![path], vec![action, ActionKind::Forward(to(&[(1, 1)]))])]);
        let asked = Asked::new(asked, &[]);
        assert_eq!(own.decide(&asked.view(), 0).target, Some(expected), "{condition}");
    }
}

#[test]
fn redirects_keep_what_they_do_not_change_and_stay_here() {
    let all = ["${protocol}", "${host}", "${port}", "${path}", "${query}"];
    for (parts, asked, expected) in [
        (["https", all[1], "443", all[3], all[4]], "GET h.cn/x?q=1", "https://h.cn:10443/x?q=1"),
        ([all[0], "www.cn", all[2], all[3], all[4]], "GET h.cn/x", "http://www.cn:10080/x"),
        (["HTTPS", all[1], "8443", "/new", ""], "GET h.cn/x?q=1", "https://h.cn:8443/new"),
        ([all[0], all[1], "8080", "/p${path}", "h=${host}"], "GET h.cn/x", "http://h.cn:8080/p/x?h=h.cn"),
    ] {
        let [protocol, host, port, path, query] = parts.map(str::to_owned);
        let redirect = Redirect { status: 308, protocol, host, port, path, query };
        let condition = ConditionKind::Path(texts(&["/*"]));
        let own = rules(vec![rule(1, vec![condition], vec![ActionKind::Redirect(redirect)])]);
        let asked = Asked::new(asked, &[]);
        let Terminal::Redirect { status, location } = own.decide(&asked.view(), 0).terminal else { panic!() };
        assert_eq!((status, location.as_str()), (StatusCode::PERMANENT_REDIRECT, expected));
    }
}

#[test]
fn the_other_actions_come_in_their_order() {
    let insert = |name: &str, value| ActionKind::InsertHeader { name: name.to_owned(), value };
    let limit = TrafficLimit { qps: Some(5), per_ip_qps: None };
    let fixed = FixedResponse { status: 403, content_type: None, content: "no".to_owned() };
    let path = ConditionKind::Path(texts(&["/*"]));
    let mut rule = rule(
        1,
        vec![path],
        vec![
            ActionKind::Fixed(fixed.clone()),
            insert("x-a", HeaderSource::UserDefined("1".to_owned())),
            insert("x-b", HeaderSource::Reference("user-agent".to_owned())),
            insert("x-c", HeaderSource::Reference("x-missing".to_owned())),
            insert("x-d", HeaderSource::System(SystemValue::ClientSrcIp)),
            ActionKind::RemoveHeader { name: "x-a".to_owned() },
            ActionKind::Limit(limit),
            ActionKind::Mirror(vec![GroupId(2)]),
        ],
    );
    // The order is the number's, not the list's.
    rule.actions[0].order = 100;
    let own = rules(vec![rule]);
    let asked = Asked::new("GET h/", &[("user-agent", "curl")]);
    let decision = own.decide(&asked.view(), 0);
    assert_eq!(decision.terminal, Terminal::Fixed(&fixed));
    assert_eq!((decision.limit, decision.mirrors), (Some(limit), [GroupId(2)].as_slice()));
    let changes: Vec<String> = decision
        .headers
        .iter()
        .map(|change| match change {
            HeaderChange::Insert(name, value) => format!("{name}={}", value.to_str().unwrap()),
            HeaderChange::Remove(name) => format!("-{name}"),
        })
        .collect();
    assert_eq!(changes, ["x-a=1", "x-b=curl", "x-d=203.0.113.9", "-x-a"]);
}

#[test]
fn responses_have_rules_of_their_own() {
    let status = ConditionKind::ResponseStatus(texts(&["5xx", "404"]));
    let header = ConditionKind::ResponseHeader { name: "x-kind".to_owned(), values: texts(&["a*"]) };
    let path = ConditionKind::Path(texts(&["/api/*"]));
    let fixed = FixedResponse { status: 503, content_type: None, content: "later".to_owned() };
    let of_responses = |rule: Rule| Rule { direction: Direction::Response, ..rule };
    let own = rules(vec![
        of_responses(rule(1, vec![status, path], vec![ActionKind::Fixed(fixed)])),
        of_responses(rule(2, vec![header], vec![ActionKind::RemoveHeader { name: "server".to_owned() }])),
    ]);
    let kind: HeaderMap =
        [(HeaderName::from_static("x-kind"), HeaderValue::from_static("A1"))].into_iter().collect();
    let none = HeaderMap::new();
    for (text, status, headers, rule, is_fixed, changes) in [
        ("GET h/api/x", 502, &none, Some(0), true, 0),
        ("GET h/api/x", 404, &none, Some(0), true, 0),
        ("GET h/x", 502, &none, None, false, 0),
        ("GET h/api/x", 200, &kind, Some(1), false, 1),
    ] {
        let asked = Asked::new(text, &[]);
        // A request meets none of them.
        assert!(own.decide(&asked.view(), 0).rule.is_none());
        let response = ResponseView { status: StatusCode::from_u16(status).unwrap(), headers };
        let decision = own.decide_response(&asked.view(), &response);
        assert_eq!(decision.rule.map(|hit| hit.index), rule, "{text} {status}");
        assert_eq!(
            (decision.fixed.is_some(), decision.headers.len()),
            (is_fixed, changes),
            "{text} {status}"
        );
    }
}

#[test]
fn groups_are_chosen_by_weight_and_kept_by_a_cookie() {
    let mut forward = to(&[(1, 20), (2, 0), (3, 80)]);
    let path = ConditionKind::Path(texts(&["/*"]));
    let with = |forward: &Forward| {
        rules(vec![rule(1, vec![path.clone()], vec![ActionKind::Forward(forward.clone())])])
    };
    let own = with(&forward);
    let asked = Asked::new("GET h/", &[]);
    let mut counts = [0; 4];
    for random in 0..1000 {
        let Terminal::Forward { group, remember: None } = own.decide(&asked.view(), random).terminal else {
            panic!()
        };
        counts[group.0] += 1;
    }
    assert_eq!(counts, [0, 200, 0, 800]);
    assert_eq!(with(&to(&[(1, 0)])).decide(&asked.view(), 3).terminal, Terminal::NoGroup);
    forward.sticky = Some(Duration::from_secs(60));
    let own = with(&forward);
    let remember = Some(Duration::from_secs(60));
    assert_eq!(own.decide(&asked.view(), 0).terminal, Terminal::Forward { group: GroupId(1), remember });
    for (group, name, kept) in [(3, "three", true), (2, "two", false), (1, "gone", false)] {
        let cookie = super::set_cookie(name, Duration::from_secs(60));
        let cookie = cookie.to_str().unwrap().split(';').next().unwrap().to_owned();
        let asked = Asked::new("GET h/", &[("cookie", &cookie)]);
        let terminal = own.decide(&asked.view(), 0).terminal;
        assert_eq!(terminal == Terminal::Forward { group: GroupId(group), remember: None }, kept, "{name}");
    }
}
