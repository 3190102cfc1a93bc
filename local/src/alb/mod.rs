//! The rules of load balancers: conditions, actions, and what they say of a request. Nothing here does I/O.
//!
//! A listener compiles its rules once (`Rules::new`), and asks `Rules::decide` for each request and
//! `Rules::decide_response` for each response. `Rules::explain` says of the rules in their order why they matched or not.

mod condition;
mod cors;
mod decision;
mod order;
mod pattern;
#[cfg(test)]
mod properties;
mod rules;
mod sticky;
mod template;
#[cfg(test)]
mod tests;
mod view;
mod why;

pub(crate) use condition::cookies;
pub(crate) use cors::{allow, is_preflight, preflight};
pub(crate) use decision::{Decision, HeaderChange, Target, Terminal, Tried};
pub(crate) use pattern::Pattern;
pub(crate) use rules::Rules;
pub(crate) use sticky::set_cookie;
pub(crate) use template::{GROUPS_MAX, Template, Variable};
pub(crate) use view::{RequestView, ResponseView, without_port};
