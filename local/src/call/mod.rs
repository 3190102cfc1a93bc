//! The one way to an instance. Whatever calls a function, for whatever reason, makes a [`Call`] and has it
//! [`dispatch()`]ed.

mod call;
mod collect;
mod dispatch;
mod functions;
mod run;

pub(crate) use call::{Call, CallKind, FunctionRef};
pub(crate) use collect::{collect, is_function_error};
pub(crate) use dispatch::{Answer, AnswerBody, dispatch};
pub(crate) use functions::{Deployed, Functions, Registry};
pub(crate) use run::Run;
