//! New projects: the templates of Serverless Devs, and the same files without that tool.

mod balancer;
mod package;
mod project;
mod table;

pub(crate) use balancer::balancer;
pub(crate) use project::{Answers, Runtime, create, files, put};
pub(crate) use table::{TEMPLATES, Template};
