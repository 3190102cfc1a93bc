//! New projects: the templates of Serverless Devs, and the same files without that tool.

mod package;
mod project;
mod table;

pub(crate) use project::{Answers, Runtime, create, files};
pub(crate) use table::{TEMPLATES, Template};
