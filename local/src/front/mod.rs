//! Every way in: listeners, the life of a request, and the phases of each way.

mod alb;
mod api;
mod async_operation;
mod asynchronous;
mod body;
mod connection;
mod console;
mod control;
mod entry;
mod farewell;
mod gateway;
mod guard;
mod http2;
mod index;
mod leaving;
mod listen;
mod live;
mod local_operation;
mod opening;
mod operation;
mod page;
mod passed;
mod recording;
mod refusal;
mod resting;
mod rpc;
pub(crate) mod sample;
mod session;
mod silence;
mod streamed;
mod target;
mod tunnel;
mod under_way;
mod unread;
mod visit;

pub(crate) use alb::{Balancers, Shared as BalancersShared, key as listener_key};
pub(crate) use api::PROGRAM;
pub(crate) use console::{
    Console, Doctor, Finding, Shared as ConsoleShared, is_own_name as is_console, urls as console_urls,
};
pub(crate) use entry::Front;
pub(crate) use listen::{FAREWELL, Listener, NotBound, Stop, reachable};
pub(crate) use refusal::json as failure_json;
pub(crate) use target::{BALANCERS, Door};
pub(crate) use under_way::Remaining;
