//! Load balancers, as users deploy them: Terraform, ROS templates, or a short form in the manifest.
//!
//! Each form becomes `source` resources; `balancer` and the readers below put them together, whatever their spelling was.

mod acl;
mod action;
mod arn;
mod balancer;
mod condition;
#[cfg(test)]
mod corpus;
mod entry;
mod fields;
mod group;
mod headers;
mod health;
mod listener;
#[cfg(test)]
mod mistakes;
mod ros;
mod rule;
mod short;
mod source;
mod spelling;
mod sticky;
mod terraform;
#[cfg(test)]
mod tests;
mod tracing;
#[cfg(test)]
mod whole;

pub(super) use entry::{Surroundings, read};
pub(super) use terraform::folder_text;
