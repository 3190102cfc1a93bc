//! The model: functions, triggers and domains of a manifest, as plain data.

mod auth;
mod cors;
mod domain;
mod function;
mod jwk;
mod local;
mod trigger;

pub(crate) use auth::{
    Auth, AuthPaths, BasicUser, BearerToken, ClaimPass, JwtAuth, KeySource, Position, Secret, TokenLookup,
};
pub(crate) use cors::Cors;
pub(crate) use domain::{Domain, Protocol, Rewrite, RewriteKind, Route};
pub(crate) use function::{Action, Function, HealthCheck, Hook};
pub(crate) use jwk::Jwk;
pub(crate) use local::{Lines, Local};
pub(crate) use trigger::HttpTrigger;
