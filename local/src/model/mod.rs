//! The model: functions, triggers and domains of a manifest, as plain data.

mod affinity;
mod cors;
mod domain;
mod edition;
mod function;
mod local;
mod trigger;
mod version;

pub(crate) use affinity::{Affinity, AffinityKind, Claim, SessionId};
pub(crate) use cors::Cors;
pub(crate) use domain::{Domain, Protocol, Rewrite, RewriteKind, Route};
pub use edition::Edition;
pub(crate) use function::{Action, Function, HealthCheck, Hook, Injection};
pub(crate) use local::Local;
pub(crate) use trigger::HttpTrigger;
pub(crate) use version::{Alias, DESCRIPTION_MAX, Version, VersionId, is_alias_name};
