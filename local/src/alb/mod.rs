//! The rules of load balancers: conditions, actions, and what they say of a request. Nothing here does I/O.
//!
//! A listener compiles its rules once (`Rules::new(&listener)`), and asks for each request
//! `rules.decide(&request, random) -> Decision`, for each response `rules.decide_response(&request, &response)`.
//! `rules.explain(&request) -> Vec<Tried>` says of the rules in their order why they matched or not.

mod decision;
mod view;

pub(crate) use decision::{Decision, HeaderChange, ResponseDecision, RuleHit, Target, Terminal, Tried};
pub(crate) use view::{RequestView, ResponseView};
