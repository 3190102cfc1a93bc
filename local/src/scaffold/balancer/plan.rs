//! Which groups and rules a load balancer needs.

use std::cmp::Reverse;

use crate::model::{Domain, Function, Protocol};

/// A load balancer as both files write it down.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) name: String,
    pub(super) region: String,
    pub(super) groups: Vec<Group>,
    pub(super) rules: Vec<Rule>,
    /// Whether a domain is for HTTPS: then there is a second listener.
    pub(super) has_tls: bool,
}

/// A group of one function. The first one takes what no rule takes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Group {
    pub(super) function: String,
    pub(super) qualifier: Option<String>,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rule {
    pub(super) host: Option<String>,
    pub(super) paths: Vec<String>,
    pub(super) methods: Vec<String>,
    /// The position of the group.
    pub(super) group: usize,
}

/// The most values in the conditions of a rule.
const VALUES_MAX: usize = 10;

impl Group {
    pub(super) fn label(&self) -> String {
        let name = match &self.qualifier {
            Some(qualifier) => format!("{}_{qualifier}", self.function),
            None => self.function.clone(),
        };
        let label = name.replace(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '-', "_");
        // A label begins with a letter.
        format!("fn_{label}")
    }

    /// The part of the ARN behind `functions/`.
    pub(super) fn target(&self) -> String {
        match &self.qualifier {
            Some(qualifier) => format!("{}/{qualifier}", self.function),
            None => self.function.clone(),
        }
    }
}

impl Plan {
    pub(super) fn new(project: &str, functions: &[Function], domains: &[Domain]) -> Self {
        // What browsers reach comes first: a function with an HTTP trigger.
        let first = functions.iter().find(|own| own.trigger.is_some()).or(functions.first());
        let group = |function: &Function| Group { function: function.name.clone(), qualifier: None };
        let mut plan = Plan {
            name: name(project),
            region: first.map_or("cn-hangzhou", |own| own.region.as_str()).to_owned(),
            groups: first.map(group).into_iter().collect(),
            rules: Vec::new(),
            has_tls: domains.iter().any(|domain| domain.protocol != Protocol::Http),
        };
        for domain in domains {
            plan.add_domain(domain);
        }
        let is_reached =
            |plan: &Plan, function: &Function| plan.groups.iter().any(|own| own.function == function.name);
        for function in functions {
            if is_reached(&plan, function) {
                continue;
            }
            plan.groups.push(group(function));
            let path = format!("/{}", function.name);
            let paths = vec![path.clone(), format!("{path}/*")];
            plan.rules.push(Rule { host: None, paths, methods: Vec::new(), group: plan.groups.len() - 1 });
        }
        plan
    }

    /// The routes of a domain. The most exact one comes first: the load balancer asks in the order of numbers alone.
    fn add_domain(&mut self, domain: &Domain) {
        let mut routes: Vec<_> = domain.routes.iter().collect();
        routes.sort_by_key(|route| (route.path.ends_with('*'), Reverse(route.path.len())));
        for route in routes {
            let own = Group { function: route.function.clone(), qualifier: route.qualifier.clone() };
            let group = self.groups.iter().position(|other| *other == own).unwrap_or_else(|| {
                self.groups.push(own);
                self.groups.len() - 1
            });
            // The host and the path are values too.
            let methods =
                if route.methods.len() > VALUES_MAX - 2 { Vec::new() } else { route.methods.clone() };
            let host = Some(domain.name.clone());
            self.rules.push(Rule { host, paths: vec![route.path.clone()], methods, group });
        }
    }
}

/// A name that both files take: a letter, then letters, digits, `-` and `_`.
fn name(project: &str) -> String {
    let mut name: String = project
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' })
        .take(60)
        .collect();
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) {
        name.insert_str(0, "alb-");
    }
    if name.len() < 2 { "alb".to_owned() } else { name }
}
