//! A local account: the functions, triggers, domains and layers that clients of the API made. They are kept as the
//! documents that the clients sent, and read by the rules of `s.yaml`.

mod account;
mod answer;
mod bindings;
mod bucket;
mod code;
mod described;
mod documents;
mod domains;
mod exec;
mod files;
mod functions;
mod instances;
mod layers;
mod opening;
mod properties;
mod settings;
mod tags;
mod triggers;
mod what;

pub(crate) use account::{Account, Place, Surroundings};
pub(crate) use answer::{Answer, Ask};
pub(crate) use bucket::{BUCKET, OBJECT_MAX};
pub(crate) use what::{Setting, What};
