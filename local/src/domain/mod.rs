//! Custom domains, ready to be asked: host names, routes and rewrites. Pure functions of a request's host and target.

mod rewrite;
mod routes;
mod table;

pub(crate) use rewrite::Rule;
pub(crate) use routes::check_path;
pub(crate) use table::{Domain, Domains, check_name};
