//! The vocabulary of Function Compute: environment variables, headers, paths, limits.

mod control;
mod credentials;
mod headers_seen;
mod instance;
mod invocation;
pub mod limits;
pub mod names;
mod request_id;
mod task_id;

pub(crate) use control::{CallKind, control};
pub use credentials::Credentials;
pub(crate) use headers_seen::HeadersSeen;
pub use instance::Instance;
pub use invocation::Invocation;
pub use request_id::RequestId;
pub(crate) use request_id::random;
pub use task_id::is_task_id;
