//! Who may call: the checks of a request's head against keys and time. What the checks need of the rest of a request, such
//! as the hash of its body, they ask for.

mod plain;

pub(crate) use plain::{check_basic, check_bearer};
