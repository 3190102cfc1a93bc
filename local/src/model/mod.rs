//! The model: functions and triggers of a manifest, as plain data.

mod affinity;
mod edition;
mod function;
mod local;
mod trigger;
mod version;

pub(crate) use affinity::{Affinity, AffinityKind, Claim, SessionId};
pub use edition::Edition;
pub(crate) use function::{Action, Function, HealthCheck, Hook, Injection};
pub(crate) use local::Local;
pub(crate) use trigger::HttpTrigger;
pub(crate) use version::{Alias, DESCRIPTION_MAX, Version, VersionId, is_alias_name};
