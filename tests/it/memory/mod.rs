//! Apps called in memory: what authors write, and what becomes of it.

mod bodies;
mod doors;
mod errors;
mod events;
mod grpc;
mod grpc_services;
mod initialize;
mod policy;
mod replies;
mod routing;
mod seal;
mod sse;
mod stop_notice;
mod tower;
mod typed_events;
mod websocket;
