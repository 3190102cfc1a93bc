//! The contract example and its twins, and the two hellos.

use super::Kind::{Bare, Equal, Floor, Ours};
use super::{Family, Kind, Routes, Subject};

/// The contract example as it is deployed.
pub(crate) static OURS: Subject = Subject { ci: true, ..Subject::binary("ours", "contract", Ours) };
/// Every stage but the access record.
pub(crate) static OURS_OFF: Subject = Subject {
    ci: true,
    env: &[("CONTRACT_RECORDS", "off")],
    ..Subject::binary("ours, no records", "contract", Ours)
};
pub(crate) static RAW_HYPER: Subject = Subject { ci: true, ..Subject::binary("hyper", "raw-hyper", Bare) };
pub(crate) static RAW_HYPER_EQUAL: Subject =
    Subject { ci: true, ..Subject::binary("hyper, equal work", "raw-hyper-equal", Equal) };
pub(crate) static AXUM_BARE: Subject = Subject { ci: true, ..Subject::binary("axum", "axum-bare", Bare) };
pub(crate) static AXUM_EQUAL: Subject =
    Subject { ci: true, ..Subject::binary("axum, equal work", "axum-equal", Equal) };
pub(crate) static ACTIX_BARE: Subject = Subject::binary("actix-web", "actix-bare", Bare);
pub(crate) static ACTIX_EQUAL: Subject = Subject::binary("actix-web, equal work", "actix-equal", Equal);
pub(crate) static NTEX_BARE: Subject = Subject::binary("ntex", "ntex-bare", Bare);
pub(crate) static NTEX_EQUAL: Subject = Subject::binary("ntex, equal work", "ntex-equal", Equal);
pub(crate) static POEM_BARE: Subject = Subject::binary("poem", "poem-bare", Bare);
pub(crate) static POEM_EQUAL: Subject = Subject::binary("poem, equal work", "poem-equal", Equal);
pub(crate) static SALVO_BARE: Subject = Subject::binary("salvo", "salvo-bare", Bare);
pub(crate) static SALVO_EQUAL: Subject = Subject::binary("salvo, equal work", "salvo-equal", Equal);
pub(crate) static EPOLL: Subject =
    Subject { routes: Routes::Plain, ..Subject::binary("epoll loop", "epoll-floor", Floor) };
pub(crate) static GO: Subject = Subject::command("Go net/http", &["@go/contract"]);
pub(crate) static NODE: Subject = Subject::command("Node http", &["node", "@node/http.js"]);
pub(crate) static FASTIFY: Subject = Subject::command("Fastify", &["node", "@node/fastify.js"]);
pub(crate) static FASTAPI: Subject =
    Subject::command("FastAPI", &["@python/.venv/bin/python", "@python/main.py"]);

/// The ten-line example with default features.
pub(crate) static HELLO: Subject = hello("hello", Ours);
/// Its twin on axum with equal work.
pub(crate) static AXUM_HELLO: Subject = hello("axum-hello", Equal);

const fn hello(name: &'static str, kind: Kind) -> Subject {
    Subject { family: Family::Hello, first_path: "/", ci: true, ..Subject::binary(name, name, kind) }
}

/// Those that have the contract's routes, then the hellos.
pub(crate) static ALL: [&Subject; 21] = [
    &OURS,
    &OURS_OFF,
    &RAW_HYPER_EQUAL,
    &AXUM_EQUAL,
    &ACTIX_EQUAL,
    &NTEX_EQUAL,
    &POEM_EQUAL,
    &SALVO_EQUAL,
    &RAW_HYPER,
    &AXUM_BARE,
    &ACTIX_BARE,
    &NTEX_BARE,
    &POEM_BARE,
    &SALVO_BARE,
    &EPOLL,
    &GO,
    &NODE,
    &FASTIFY,
    &FASTAPI,
    &HELLO,
    &AXUM_HELLO,
];
