//! The keys of an `s.yaml` for the `fc3` component, with their types and their effect here.
//!
//! The platform's own schema lets an unknown key through and drops it at deployment, so a typo there
//! costs an hour. Here every key is looked up.

mod check;
mod key;
mod tables;

pub(super) use check::{correct, correct_props};
