//! The model: functions, triggers and domains of a manifest, as plain data. Load balancers have a module of their own.

mod affinity;
pub(crate) mod alb;
mod asynchronous;
mod auth;
mod container;
mod cors;
mod cron;
mod domain;
mod edition;
mod function;
mod jwk;
mod local;
mod look;
mod recipe;
mod schedule;
mod session;
mod timer;
mod trigger;
mod usage;
mod version;

pub(crate) use affinity::{Affinity, AffinityKind, Claim, SessionId};
pub(crate) use asynchronous::{AGE_MAX_SECONDS, AsyncConfig, Destination, RETRIES_MAX, Target};
pub(crate) use auth::{
    Auth, AuthPaths, BasicUser, BearerToken, ClaimPass, JwtAuth, KeySource, Position, Secret, TokenLookup,
};
pub(crate) use container::Container;
pub(crate) use cors::Cors;
pub(crate) use domain::{Certificate, Domain, Protocol, Rewrite, RewriteKind, Route};
pub use edition::Edition;
pub(crate) use function::{Action, Function, HealthCheck, Hook, Injection};
pub(crate) use jwk::{Jwk, JwsAlgorithm, KeyMaterial};
pub(crate) use local::{Lines, Local};
pub(crate) use look::{InstanceLook, PoolLook, Stage};
pub(crate) use recipe::{Product, Recipe};
pub(crate) use schedule::{Kept, Schedule, kept, next_change};
pub(crate) use session::{Session, SessionTerms};
pub(crate) use timer::{TimerTimes, TimerTrigger};
pub(crate) use trigger::HttpTrigger;
pub(crate) use usage::{InstanceUsage, Usage};
pub(crate) use version::{Alias, DESCRIPTION_MAX, LATEST, Version, VersionId, is_alias_name};
