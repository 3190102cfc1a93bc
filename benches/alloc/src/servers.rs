//! The servers, each with the one route that is asked.

use std::net::TcpListener;

use fc_runtime::{AccessLog, App};

use crate::Serving;

/// Starts one on a listener.
pub(crate) type Start = fn(TcpListener) -> Serving;

/// Names as the report has them.
pub(crate) const ALL: [(&str, Start); 4] =
    [("ours-off", ours_off), ("ours", ours), ("raw-hyper", raw_hyper), ("axum-bare", axum_bare)];

fn ours_off(listener: TcpListener) -> Serving {
    app(AccessLog::Off, listener)
}

fn ours(listener: TcpListener) -> Serving {
    app(AccessLog::All, listener)
}

fn app(records: AccessLog, listener: TcpListener) -> Serving {
    let app = App::new()
        .trust_platform(true)
        .access_log(records)
        .get("/plaintext", async |_| "Hello, World!")
        .get("/users/{id}", async |ex| Ok(ex.param::<String>("id")?));
    Box::pin(async { app.serve(listener).await.map_err(|error| error.to_string().into()) })
}

fn raw_hyper(listener: TcpListener) -> Serving {
    Box::pin(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok(raw::serve(listener, raw::Work::Bare).await?)
    })
}

fn axum_bare(listener: TcpListener) -> Serving {
    Box::pin(async {
        let listener = tokio::net::TcpListener::from_std(listener)?;
        Ok(axum::serve(listener, axum_peer::router()).await?)
    })
}
