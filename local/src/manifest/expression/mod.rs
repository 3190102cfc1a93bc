//! Serverless Devs expressions: `${vars.region}`, `${env('STAGE', 'dev')}`, `${json(file('a.json')).t}` and their kin.
//!
//! The deployment tool runs expressions as JavaScript. The supported part of JavaScript gives the same value. Other
//! code is refused with a reason.

mod evaluate;
mod functions;
mod hints;
mod inputs;
mod path;
mod pattern;
mod script;
mod template;

pub(crate) use evaluate::{Broken, Context};
pub(crate) use functions::with_line;
pub(crate) use inputs::{Budget, inputs};
pub(crate) use path::{at_path, remove_path};
pub(crate) use pattern::{action, is_match};
pub(crate) use template::has_expression;
