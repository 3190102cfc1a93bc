//! From the manifest to a running generation: build, copy of the code, exchange.

mod build;
mod deploy;
mod snapshot;
mod sources;

pub use deploy::Built;
pub(crate) use deploy::{Deployer, Deployment, GONE_MAX};
pub(crate) use sources::{BuiltFrom, Files, Sources};
