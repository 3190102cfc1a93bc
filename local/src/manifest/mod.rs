//! The user's `s.yaml`, read into functions.
//!
//! One file configures the deployment and this machine. Wrong values, unknown keys and settings without effect here are
//! reported together, each with its line.

mod affinity;
mod alb;
mod asynchronous;
mod auth;
mod base;
mod certificate;
mod container;
mod content;
mod cors;
mod described;
mod domain;
mod dot_env;
mod expression;
mod flow;
mod function;
mod hooks;
mod keys;
mod load;
mod local;
mod mask;
mod merge;
mod node;
mod overlay;
mod problem;
mod reader;
mod resources;
mod scalar;
mod scaling;
mod text_file;
mod triggers;
mod written;
mod yaml;

pub(crate) use described::{read_domain, read_function, take_auto};
pub(crate) use dot_env::Variables;
pub(crate) use function::{ACCOUNT_DEFAULT, is_function_name};
pub use load::Manifest;
pub(crate) use node::{Node, Value, items};
pub(crate) use problem::Matters;
pub use problem::{ManifestError, Problem};
pub(crate) use text_file::{read_bounded, take_bounded};
pub(crate) use written::{Component, Written};
