//! The keys of an `s.yaml` for the components `fc3` and `fc3-domain`, with their types and their effect here.
//!
//! The platform's own schema accepts an unknown key and drops the key at deployment, so a typo costs an hour. Here
//! every key is looked up.

mod check;
mod domains;
mod key;
mod tables;

pub(super) use check::{correct, correct_domain, correct_props, keep_known_domain, keep_known_props};
pub(super) use tables::TRIGGER_TYPES;
