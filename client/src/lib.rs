//! Calls functions of Alibaba Cloud Function Compute from a function, or from any other program.
//!
//! ```no_run
//! use fc_client::Client;
//! use fc_runtime::App;
//!
//! fn main() -> fc_runtime::Result {
//!     App::with_state_from(async |instance| Ok(Client::new(&instance)?))
//!         .post("/orders", async |ex| {
//!             // With the credentials that came with this call: those of the environment expire.
//!             let client = ex.state().for_call(&ex.invocation());
//!             let order = ex.bytes().await?;
//!             let price = client.invoke("price").payload(order.clone()).send().await?.bytes().await?;
//!             client.invoke("ship").payload(order).send_async().await?;
//!             Ok(price)
//!         })
//!         .run()
//! }
//! ```
//!
//! - **[`Client::invoke`]** calls a function by its name: synchronously, asynchronously, or as a task with an id.
//! - **[`Client::request`]** calls the address of an HTTP trigger, with any method, streaming both ways.
//! - **[`Client::tasks`]** gets, lists and stops tasks.
//!
//! # Where calls go
//! To `https://<account>.<region>.fc.aliyuncs.com`, as the environment of the instance names account and region. The
//! variable `FC_ENDPOINT` wins; `fc-local` sets it, so nothing changes there. [`Client::with_endpoint`] wins over both.
//!
//! # Credentials
//! Calls are signed (`ACS3-HMAC-SHA256`) with the credentials of the function's role. They are asked for at each call and
//! each retry: those of [`Client::for_call`], or of [`Client::with_credentials_from`], or those of the environment. Without
//! credentials a call fails with [`Error::NoCredentials`], except to this machine, where it goes unsigned: `fc-local` takes
//! it. No credentials stand in an error, or in `Debug`.
//!
//! # What is repeated
//!
//! | what happened | repeated |
//! |---|---|
//! | 429 or 503 of the platform: nothing ran | yes |
//! | no connection: nothing was sent | yes |
//! | the connection broke, or 500 of the platform | if the call is idempotent |
//! | the function failed, any other reply, the time limit | no |
//!
//! A call is idempotent if it is a task with an id, a `GET`, `HEAD`, `OPTIONS`, `PUT` or `DELETE`, or if
//! [`Invoke::idempotent`] says so. A repeated task that exists already is the one that arrived, and no error. A streamed body
//! is sent once. Between tries there are pauses of random length, up to 100 ms, then twice that, up to 2 s; `Retry-After` wins.
//! All tries together have the time limit.

mod client;
mod content;
mod error;
mod invoke;
mod reply;
mod send;
mod sign;
mod tasks;
mod trigger;

pub use client::Client;
pub use error::Error;
pub use invoke::{Accepted, Invoke};
pub use reply::{Pieces, Reply};
pub use tasks::{ListTasks, Task, TaskEvent, TaskPage, TaskState, Tasks};
pub use trigger::TriggerCall;
