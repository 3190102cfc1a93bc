//! What stays open.

use super::Limit::{AtMost, Plus, Times};
use super::Mode::{Compared, Printed};
use super::Peer::Only;
use super::{Budget, WOBBLE, line};
use crate::rows::events::{
    CPU as EVENT_CPU, FAN_CPU, FAN_INSTRUCTIONS, INSTRUCTIONS as EVENT_INSTRUCTIONS, RSS_1000 as EVENT_RSS,
};
use crate::rows::grpc::{
    CHAT, STREAM_PER_SECOND, STREAMED, SYSCALLS as GRPC_SYSCALLS, UNARY, UNARY_PER_SECOND,
};
use crate::rows::websocket::{
    LARGE_INSTRUCTIONS, LARGE_PER_SECOND, LARGE_SYSCALLS, RSS_1000 as SOCKET_RSS, SMALL_INSTRUCTIONS,
    SMALL_PER_SECOND, SYSCALLS,
};
use crate::subjects::streams::{ACTIX, AXUM, AXUM_LEAN, FASTWEBSOCKETS, OURS, TONIC};

#[rustfmt::skip]
pub(super) static BUDGETS: &[Budget] = &[
    line(&SMALL_INSTRUCTIONS, &OURS, Times(1.16, Only(&FASTWEBSOCKETS)), "a small message, beside the leanest peer: 1.137 to 1.143, by where the compiler lays what out; 1.15 was wanted"),
    line(&SMALL_INSTRUCTIONS, &OURS, Times(0.5, Only(&AXUM_LEAN)), "the same, beside axum with small buffers"),
    line(&LARGE_INSTRUCTIONS, &OURS, Times(0.52, Only(&FASTWEBSOCKETS)), "a large message, beside the leanest peer"),
    line(&SYSCALLS, &OURS, Plus(WOBBLE, Only(&FASTWEBSOCKETS)), "one receive, one send, one wait"),
    line(&LARGE_SYSCALLS, &OURS, Plus(WOBBLE, Only(&FASTWEBSOCKETS)), "the same of a large message: there were three receives"),
    line(&SOCKET_RSS, &OURS, AtMost(3328.0), "thousands of idle sockets in the smallest instance: no buffer for reading"),
    line(&SOCKET_RSS, &OURS, Times(0.65, Only(&FASTWEBSOCKETS)), "the same, beside the leanest peer"),
    compared(line(&SMALL_PER_SECOND, &OURS, Times(1.0, Only(&ACTIX)), "as fast as the field")),
    compared(line(&SMALL_PER_SECOND, &OURS, Times(1.0, Only(&FASTWEBSOCKETS)), "as fast as the field")),
    compared(line(&LARGE_PER_SECOND, &OURS, Times(1.0, Only(&AXUM)), "as fast as axum")),
    line(&EVENT_INSTRUCTIONS, &OURS, Times(0.42, Only(&AXUM_LEAN)), "events that are ready together share a chunk"),
    line(&FAN_INSTRUCTIONS, &OURS, Times(0.27, Only(&AXUM)), "one event to many is framed once, and each client costs a poll and a write"),
    line(&FAN_INSTRUCTIONS, &OURS, Times(0.36, Only(&AXUM_LEAN)), "also where axum's is encoded once, and without keep-alive"),
    line(&EVENT_RSS, &OURS, AtMost(3328.0), "thousands of idle clients: neither hyper's buffers nor the heads of their requests"),
    compared(line(&EVENT_CPU, &OURS, Times(0.66, Only(&AXUM)), "one and a half times as fast")),
    Budget {
        mode: Printed("a loop that does nothing but `send` costs 0.73 of axum: the kernel's part is the same for all"),
        ..line(&FAN_CPU, &OURS, Times(0.75, Only(&AXUM)), "one event to many is framed once")
    },
    compared(line(&UNARY, &OURS, Times(1.0, Only(&TONIC)), "tonic's own server, which keeps no record")),
    line(&UNARY, &OURS, Times(1.02, Only(&TONIC)), "the same, so that it does not get worse"),
    line(&STREAMED, &OURS, Times(1.0, Only(&TONIC)), "the same of a server stream"),
    Budget {
        mode: Printed("every message also passes the request's and the reply's stages"),
        ..line(&CHAT, &OURS, Times(1.0, Only(&TONIC)), "the same of a message there and back")
    },
    line(&GRPC_SYSCALLS, &OURS, Plus(1.0 + WOBBLE, Only(&TONIC)), "and at most one write for the record"),
    compared(line(&UNARY_PER_SECOND, &OURS, Times(1.0, Only(&TONIC)), "as fast as tonic")),
    compared(line(&STREAM_PER_SECOND, &OURS, Times(1.0, Only(&TONIC)), "as fast as tonic")),
];

const fn compared(mut budget: Budget) -> Budget {
    budget.mode = Compared;
    budget
}
