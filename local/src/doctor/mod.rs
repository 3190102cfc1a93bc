//! `fc-local doctor`: what bites in production, seen before the deployment.
//!
//! `facts` gathers what can be known of a project, `rules` judges it, `report` writes the findings down.

mod allow;
mod examine;
mod facts;
mod finding;
mod report;
mod rules;
#[cfg(test)]
mod tests;

pub(crate) use examine::{Errand, Examination, Found, count_errors, examine};
pub(crate) use report::{explanation, json, list, sarif, summary, text};
