//! What can be known of a project: its manifest, its files, the program, and the server.

mod code;
mod described;
mod function;
mod gather;
mod program;
mod project;
mod server;
mod start;
mod text;

pub(super) use code::Code;
pub(super) use described::{Described, Route, describe};
pub(super) use function::{Alb, Function, methods};
pub(super) use gather::{Facts, gather};
pub(super) use program::{Program, ProgramKind};
pub(super) use server::{Answer, Head, Server, ask, ask_hooks};
pub(super) use start::start;
pub(super) use text::Text;
