//! The servers, each with the one route that is asked.

use std::io;
use std::net::TcpListener;

use fc_runtime::{AccessLog, App};

use crate::Serving;

/// Names as the report has them.
pub(crate) const ALL: [(&str, fn(TcpListener) -> io::Result<Serving>); 4] =
    [("ours-off", ours_off), ("ours", ours), ("raw-hyper", raw_hyper), ("axum-bare", axum_bare)];

fn ours_off(listener: TcpListener) -> io::Result<Serving> {
    Ok(app(AccessLog::Off, listener))
}

fn ours(listener: TcpListener) -> io::Result<Serving> {
    Ok(app(AccessLog::All, listener))
}

fn app(records: AccessLog, listener: TcpListener) -> Serving {
    let app = App::new()
        .trust_platform(true)
        .access_log(records)
        .get("/plaintext", async |_| "Hello, World!")
        .get("/users/{id}", async |ex| ex.param::<String>("id"));
    Box::pin(async {
        if let Err(error) = app.serve(listener).await {
            eprintln!("alloc: {error}");
        }
    })
}

fn raw_hyper(listener: TcpListener) -> io::Result<Serving> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(Box::pin(async {
        if let Err(error) = raw::serve(listener, raw::Record::Off).await {
            eprintln!("alloc: {error}");
        }
    }))
}

fn axum_bare(listener: TcpListener) -> io::Result<Serving> {
    let listener = tokio::net::TcpListener::from_std(listener)?;
    Ok(Box::pin(async {
        if let Err(error) = axum::serve(listener, axum_peer::router()).await {
            eprintln!("alloc: {error}");
        }
    }))
}
