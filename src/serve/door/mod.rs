//! The door: the thread that accepts connections and answers probes, independently of the executor.
//!
//! The thread peeks at the first bytes of each connection. It answers a probe itself, so that handlers that block every
//! thread of the executor do not make the instance look dead before its heartbeat is overdue. Every other connection
//! goes to the executor, with its bytes still in the socket.
//!
//! It has no executor and no reactor of tokio's, whose timers, queues and signals would be made at every start: it waits for
//! sockets (mio) and is plain code otherwise.

mod handle;
mod handover;
mod keeper;
mod waiting;

pub(crate) use handle::Door;
