//! What rules say of a request and of a response.

use std::time::Duration;

use http::{HeaderName, HeaderValue, StatusCode};

use crate::model::alb::{ActionKind, AlbCors, FixedResponse, Forward, GroupId, Listener, Rule, TrafficLimit};

/// What happens to a request. The parts are in the order in which a listener applies them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Decision<'a> {
    /// `None`: no rule matched, and the default action is meant.
    pub(crate) rule: Option<RuleHit<'a>>,
    /// What the rule lets through, before anything else of it happens.
    pub(crate) limit: Option<TrafficLimit>,
    /// The listener answers preflights itself, and adds to the answers of others.
    pub(crate) cors: Option<&'a AlbCors>,
    pub(crate) mirrors: &'a [GroupId],
    /// What the rule rewrites; `None` leaves the client's target.
    pub(crate) target: Option<Target>,
    /// Of the request to the group, in their order.
    pub(crate) headers: Vec<HeaderChange>,
    pub(crate) terminal: Terminal<'a>,
}

impl<'a> Decision<'a> {
    /// The groups among which the request is divided. `None` if the rule leads to none.
    pub(crate) fn forward(&self, listener: &'a Listener) -> Option<&'a Forward> {
        let Some(hit) = self.rule else { return Some(&listener.default) };
        hit.rule.actions.iter().find_map(|action| match &action.kind {
            ActionKind::Forward(forward) => Some(forward),
            _ => None,
        })
    }
}

/// A rule that matched, and its position among the listener's rules.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct RuleHit<'a> {
    pub(crate) index: usize,
    pub(crate) rule: &'a Rule,
}

/// A rewritten target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Target {
    /// `None` keeps the client's `Host`.
    pub(crate) host: Option<String>,
    /// With a `/` before it.
    pub(crate) path: String,
    pub(crate) query: Option<String>,
}

/// A change of a header. An insertion takes the place of all values of the same name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderChange {
    Insert(HeaderName, HeaderValue),
    Remove(HeaderName),
}

/// How a rule ends.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Terminal<'a> {
    Forward {
        group: GroupId,
        /// The group was chosen anew: the answer gets a cookie by which the client stays there for so long.
        remember: Option<Duration>,
    },
    /// All groups have the weight 0: 503.
    NoGroup,
    Redirect {
        status: StatusCode,
        location: String,
    },
    Fixed(&'a FixedResponse),
}

/// What happens to a response. Without a rule it passes as it is.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ResponseDecision<'a> {
    pub(crate) rule: Option<RuleHit<'a>>,
    pub(crate) headers: Vec<HeaderChange>,
    /// Takes the place of the response.
    pub(crate) fixed: Option<&'a FixedResponse>,
}

/// A rule that was tried. `miss` says why the rule does not match; `None` for the one that does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tried<'a> {
    pub(crate) rule: &'a Rule,
    pub(crate) miss: Option<String>,
}
