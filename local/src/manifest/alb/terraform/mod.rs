//! Terraform's files: the resources of load balancers in a folder, with their expressions replaced.

mod block;
mod evaluate;
mod functions;
mod operators;
mod read;
mod scope;

pub(in crate::manifest) use read::folder_text;
#[cfg(test)]
pub(super) use read::of_texts;
pub(super) use read::read;
