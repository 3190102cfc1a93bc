//! What serves streams: the contract example has all of them, a peer those that it is known for.

use super::Kind::{Bare, Ours};
use super::{Family, Kind, Subject};

pub(crate) static OURS: Subject = streams("ours, streams", "contract", Ours);
/// As its documentation shows it, keep-alive comments and all.
pub(crate) static AXUM: Subject = streams("axum, streams", "axum-streams", Bare);
pub(crate) static AXUM_LEAN: Subject = lean("axum, streams, lean", "axum-streams");
pub(crate) static ACTIX: Subject =
    Subject { ci: false, ..streams("actix-web, actix-ws", "actix-streams", Bare) };
pub(crate) static FASTWEBSOCKETS: Subject = streams("fastwebsockets", "fastwebsockets-peer", Bare);
pub(crate) static TUNGSTENITE: Subject =
    Subject { ci: false, ..streams("tokio-tungstenite", "tungstenite-peer", Bare) };
pub(crate) static TUNGSTENITE_LEAN: Subject =
    Subject { ci: false, ..lean("tokio-tungstenite, lean", "tungstenite-peer") };
pub(crate) static TONIC: Subject = streams("tonic", "tonic-peer", Bare);

pub(crate) static ALL: [&Subject; 8] =
    [&OURS, &AXUM, &AXUM_LEAN, &ACTIX, &FASTWEBSOCKETS, &TUNGSTENITE, &TUNGSTENITE_LEAN, &TONIC];
pub(crate) static WEBSOCKET: [&Subject; 7] =
    [&OURS, &AXUM, &AXUM_LEAN, &ACTIX, &FASTWEBSOCKETS, &TUNGSTENITE, &TUNGSTENITE_LEAN];
pub(crate) static EVENTS: [&Subject; 4] = [&OURS, &AXUM, &AXUM_LEAN, &ACTIX];
pub(crate) static GRPC: [&Subject; 2] = [&OURS, &TONIC];

const fn streams(name: &'static str, binary: &'static str, kind: Kind) -> Subject {
    Subject { family: Family::Streams, ci: true, ..Subject::binary(name, binary, kind) }
}

/// Without what costs and is not needed here, and with small buffers.
const fn lean(name: &'static str, binary: &'static str) -> Subject {
    Subject { env: &[("PEER_LEAN", "1")], ..streams(name, binary, Bare) }
}
