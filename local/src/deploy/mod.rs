//! From the manifest to a running generation: build, copy of the code, swap.

mod build;
mod copy;
mod deploy;
mod ignored;
mod images;
mod interpreters;
mod layers;
mod layout;
mod packages;
mod releases;
mod running;
mod sessions;
mod shared;
mod snapshot;
mod sources;
mod store;
mod stored;
mod swap;
mod unpack;
mod workspace;

pub(crate) use build::NOT_PASSED_ON;
pub(crate) use copy::{Contents, FOLDER};
pub use deploy::Built;
pub(crate) use deploy::{Deployer, Deployment, GONE_MAX, Project};
pub(crate) use packages::{Package, Packages};
pub(crate) use releases::{AliasChange, SecondVersion};
pub(crate) use running::all as all_running;
pub(crate) use running::find as find_running;
pub(crate) use running::find_other as find_other_running;
pub(crate) use sessions::{SessionChange, SessionOf};
pub(crate) use sources::{BuiltFrom, Files, Sources};
pub(crate) use unpack::Crc64;
