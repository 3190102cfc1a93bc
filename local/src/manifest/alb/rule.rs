//! Forwarding rules, and what holds for all rules of a listener.

use super::balancer::Index;
use super::fields::Fields;
use super::group::is_name;
use super::source::{Form, Problems, Resource};
use super::{action, condition};
use crate::alb::{GROUPS_MAX, Pattern, Template};
use crate::model::alb::{
    Action, ActionKind, AlbEdition, ConditionKind, Direction, GroupKind, ListenerProtocol, LoadBalancer, Rule,
};

pub(super) fn read(
    form: Form,
    resource: &Resource,
    index: &Index,
    whole: &mut LoadBalancer,
    problems: &mut Problems,
) {
    let mut fields = Fields::new(form, &resource.node, &resource.place, problems);
    fields.check(
        &["listener_id", "rule_name", "priority", "direction", "rule_conditions", "rule_actions"],
        &[("dry_run", ""), ("tags", ""), ("rule_id", "")],
    );
    let listener = fields.reference("listener_id");
    if listener.is_none() {
        fields.error("listener_id", "is missing");
    }
    let name = fields.label("rule_name").unwrap_or_else(|| {
        if form != Form::Short {
            fields.error("rule_name", "is missing");
        }
        resource.address.clone()
    });
    if form != Form::Short && !is_name(&name) {
        fields.error(
            "rule_name",
            &format!("must have 2 to 128 letters, digits, `.`, `_` and `-`, a letter first, but is `{name}`"),
        );
    }
    let priority = fields.integer("priority", 1..=10_000);
    if !fields.has("priority") {
        fields.error("priority", "is missing");
    }
    let direction = match fields.one_of("direction", &["Request", "Response"]) {
        Some("Response") => Direction::Response,
        _ => Direction::Request,
    };
    let mut conditions = Vec::new();
    for node in fields.maps("rule_conditions") {
        conditions.extend(condition::read(&mut fields.below(node), direction));
    }
    if !fields.has("rule_conditions") {
        fields.error("rule_conditions", "is missing");
    }
    let mut actions: Vec<Action> = Vec::new();
    for node in fields.maps("rule_actions") {
        let mut own = fields.below(node);
        if let Some(read) = action::read(&mut own, index, direction) {
            if let Some(other) = actions.iter().find(|other| other.order == read.order) {
                own.error(
                    "order",
                    &format!("is {} as at {}: each action has its own", read.order, other.place),
                );
            }
            actions.push(read);
        }
    }
    if !fields.has("rule_actions") {
        fields.error("rule_actions", "is missing");
    }
    actions.sort_by_key(|action| action.order);
    let rule = Rule {
        name,
        place: resource.place.clone(),
        priority: priority.and_then(|own| u16::try_from(own).ok()).unwrap_or(0),
        direction,
        conditions,
        actions,
    };
    let Some(reference) = listener else { return };
    match index.listener(&reference) {
        Some(at) => whole.listeners[at].rules.push(rule),
        None => fields.error(
            "listener_id",
            &format!(
                "is `{reference}`, which is no listener of this configuration, or one where nothing listens"
            ),
        ),
    }
}

/// Which action ends a rule, and what belongs together.
fn check_actions(rule: &Rule, problems: &mut Problems) {
    let is_end = |kind: &ActionKind| {
        matches!(kind, ActionKind::Forward(_) | ActionKind::Redirect(_) | ActionKind::Fixed(_))
    };
    let ends: Vec<&Action> = rule.actions.iter().filter(|own| is_end(&own.kind)).collect();
    if rule.direction == Direction::Response {
        for own in &rule.actions {
            let fits = matches!(
                own.kind,
                ActionKind::Fixed(_) | ActionKind::InsertHeader { .. } | ActionKind::RemoveHeader { .. }
            );
            if !fits {
                problems.error(
                    &own.place,
                    "a rule for responses has FixedResponse, InsertHeader and RemoveHeader alone",
                );
            }
        }
        return;
    }
    match ends.as_slice() {
        [] if rule.actions.is_empty() => {}
        [] => problems.error(
            &rule.place,
            format!("rule `{}` has no end: one of ForwardGroup, Redirect and FixedResponse", rule.name),
        ),
        [_] => {}
        [_, second, ..] => {
            problems.error(&second.place, "a rule has one end: ForwardGroup, Redirect or FixedResponse");
        }
    }
    if let (Some(end), Some(last)) = (ends.first(), rule.actions.last())
        && !is_end(&last.kind)
    {
        problems.error(
            &last.place,
            format!("comes behind the end of the rule, at {}: give it a lower `order`", end.place),
        );
    }
    let rewrites: Vec<&Action> =
        rule.actions.iter().filter(|own| matches!(own.kind, ActionKind::Rewrite(_))).collect();
    if let [_, second, ..] = rewrites.as_slice() {
        problems.error(&second.place, "a rule has one Rewrite");
    }
    if let Some(rewrite) = rewrites.first()
        && !ends.iter().any(|end| matches!(end.kind, ActionKind::Forward(_)))
    {
        problems.error(&rewrite.place, "Rewrite needs a ForwardGroup in the same rule");
    }
}

/// The groups that texts use have to be those of the path's expression.
fn check_groups(rule: &Rule, problems: &mut Problems) {
    let values = rule.conditions.iter().filter_map(|own| match &own.kind {
        ConditionKind::Path(values) => Some(values),
        _ => None,
    });
    let patterns: Vec<Pattern> = values.flatten().filter_map(|value| Pattern::path(value).ok()).collect();
    let most = patterns.iter().map(Pattern::groups).max().unwrap_or(0);
    for own in &rule.actions {
        let texts = match &own.kind {
            ActionKind::Redirect(own) => [&own.path, &own.query],
            ActionKind::Rewrite(own) => [&own.path, &own.query],
            _ => continue,
        };
        let used = texts.iter().filter_map(|text| Template::parse(text).ok()).map(|own| own.groups()).max();
        let used = used.unwrap_or(0);
        if used > most {
            let text = format!(
                "`${{{used}}}` is used, but the path's expression has {most} groups: a path condition that begins with `~` makes them with `(…)`"
            );
            problems.error(&own.place, text);
        } else if used > 0 && most > GROUPS_MAX {
            problems.error(
                &own.place,
                format!("the path's expression has {most} groups; the platform takes {GROUPS_MAX}"),
            );
        }
    }
}

fn check_size(rule: &Rule, edition: AlbEdition, problems: &mut Problems) {
    let (conditions, actions, wildcards) = if edition == AlbEdition::Basic { (5, 3, 5) } else { (10, 5, 10) };
    let mut count = 0;
    let mut stars = 0;
    for own in &rule.conditions {
        let (values, texts): (usize, Vec<&str>) = match &own.kind {
            ConditionKind::Host(values)
            | ConditionKind::Path(values)
            | ConditionKind::ResponseStatus(values)
            | ConditionKind::Header { values, .. }
            | ConditionKind::ResponseHeader { values, .. } => {
                (values.len(), values.iter().map(String::as_str).collect())
            }
            ConditionKind::Method(values) => (values.len(), Vec::new()),
            ConditionKind::Query(pairs) | ConditionKind::Cookie(pairs) => {
                (pairs.len(), pairs.iter().filter_map(|pair| pair.value.as_deref()).collect())
            }
            ConditionKind::SourceIp(blocks) => (blocks.len(), Vec::new()),
        };
        count += values;
        let texts = texts.iter().filter(|text| !text.starts_with('~'));
        stars += texts.map(|text| text.matches(['*', '?']).count()).sum::<usize>();
        let is_basic = matches!(
            own.kind,
            ConditionKind::Host(_) | ConditionKind::Path(_) | ConditionKind::Header { .. }
        );
        if edition == AlbEdition::Basic && !is_basic {
            problems.error(&own.place, "a Basic load balancer has Host, Path and Header conditions alone");
        }
    }
    for own in &rule.actions {
        let is_basic = matches!(own.kind, ActionKind::Forward(_) | ActionKind::Redirect(_));
        if edition == AlbEdition::Basic && !is_basic {
            problems.error(&own.place, "a Basic load balancer has ForwardGroup and Redirect alone");
        }
    }
    for (what, own, most) in [
        ("values in its conditions", count, conditions),
        ("actions", rule.actions.len(), actions),
        ("wildcards", stars, wildcards),
    ] {
        if own > most {
            problems.error(
                &rule.place,
                format!("rule `{}` has {own} {what}; the platform takes {most}", rule.name),
            );
        }
    }
}

/// What the rules of a listener, and of a load balancer, have to be together.
pub(super) fn check_all(whole: &LoadBalancer, problems: &mut Problems) {
    for listener in &whole.listeners {
        for (at, rule) in listener.rules.iter().enumerate() {
            for own in &rule.actions {
                let ActionKind::Mirror(groups) = &own.kind else { continue };
                let of_function = groups.iter().filter_map(|id| whole.group(*id));
                if of_function.into_iter().any(|group| matches!(group.kind, GroupKind::Fc { .. })) {
                    problems.error(&own.place, "TrafficMirror takes no group of a function");
                }
            }
            check_actions(rule, problems);
            check_groups(rule, problems);
            check_size(rule, listener.edition, problems);
            let taken = listener.rules[..at].iter().find(|other| {
                other.priority == rule.priority && other.direction == rule.direction && rule.priority > 0
            });
            if let Some(other) = taken {
                let text = format!(
                    "`priority` {} has a rule already, at {}: each rule of a listener has its own",
                    rule.priority, other.place
                );
                problems.error(&rule.place, text);
            }
            if listener.protocol == ListenerProtocol::Https {
                let plain = rule.actions.iter().find(|own| {
                    matches!(&own.kind, ActionKind::Redirect(own) if own.protocol.eq_ignore_ascii_case("http"))
                });
                if let Some(own) = plain {
                    problems.error(&own.place, "an HTTPS listener redirects to HTTPS alone");
                }
            }
        }
        let most = if listener.edition == AlbEdition::Basic { 40 } else { 100 };
        let all = whole.listeners.iter().filter(|other| other.balancer == listener.balancer);
        let count: usize = all.map(|other| other.rules.len()).sum();
        if count > most {
            let text =
                format!("load balancer `{}` has {count} rules; the platform takes {most}", listener.balancer);
            problems.note(&listener.place, text);
        }
    }
}
