//! The keys that an `s.yaml` of the `fc3` component may have, what each takes, and what becomes of them here.
//!
//! The platform's own schema lets an unknown key through and drops it at deployment, so a typo there
//! costs an hour. Here every key is looked up.

mod check;
mod key;
mod tables;

pub(super) use check::{correct, correct_props};
