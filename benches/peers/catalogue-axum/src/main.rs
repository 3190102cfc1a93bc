//! The reads of the example `catalogue` on axum, as its documentation would write them, with the store of the example.
//! `PEER_BARE` leaves out the layers that do what our stages do.

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::http::header::{ETAG, IF_NONE_MATCH, LINK};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use axum_peer::with_equal_work;
use catalogue::{Item, Page, Store};
use fc_runtime::Instance;
use garde::Validate;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;

#[derive(Deserialize, Validate)]
struct Asked {
    #[garde(inner(length(min = 1, max = 64)))]
    after: Option<String>,
    #[garde(inner(range(min = 1, max = 100)))]
    limit: Option<u32>,
    #[garde(inner(length(min = 1, max = 100)))]
    category: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    items: Vec<Item>,
    next: Option<String>,
}

/// As axum's examples have it: any error is a 500.
struct Failure;

impl<E: std::error::Error> From<E> for Failure {
    fn from(_: E) -> Self {
        Failure
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        StatusCode::INTERNAL_SERVER_ERROR.into_response()
    }
}

async fn list(State(store): State<Arc<Store>>, Query(asked): Query<Asked>) -> Result<Response, Failure> {
    if asked.validate().is_err() {
        return Ok(StatusCode::UNPROCESSABLE_ENTITY.into_response());
    }
    let limit = asked.limit.unwrap_or(20);
    let Page { items, is_last } =
        store.list(asked.after.as_deref(), asked.category.as_deref(), limit).await?;
    let last = if is_last { None } else { items.last() };
    let next = last.map(|last| format!("/items?after={}&limit={limit}", last.id));
    let link = next.as_ref().map(|next| [(LINK, format!("<{next}>; rel=\"next\""))]);
    let answer = Json(Answer { items, next });
    Ok(match link {
        Some(link) => (link, answer).into_response(),
        None => answer.into_response(),
    })
}

async fn show(
    State(store): State<Arc<Store>>,
    Path(id): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let Some(item) = store.find(&id).await? else { return Ok(StatusCode::NOT_FOUND.into_response()) };
    let etag = format!("\"{}\"", item.version);
    if headers.get(IF_NONE_MATCH).is_some_and(|known| known == etag.as_str()) {
        return Ok((StatusCode::NOT_MODIFIED, [(ETAG, etag)]).into_response());
    }
    Ok(([(ETAG, etag)], Json(item)).into_response())
}

fn main() -> io::Result<()> {
    // One processor, as the script gives each server one.
    tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
        let instance = Instance::from_env();
        let port = instance.port().map_err(io::Error::other)?;
        let store = Store::open(instance).await.map_err(|error| io::Error::other(error.into_std()))?;
        let routes = Router::new().route("/items", get(list)).route("/items/{id}", get(show));
        let mut router = routes.with_state(Arc::new(store));
        if std::env::var_os("PEER_BARE").is_none() {
            tracing_subscriber::fmt().json().init();
            router = with_equal_work(router, Router::new());
        }
        axum::serve(TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?, router).await
    })
}
