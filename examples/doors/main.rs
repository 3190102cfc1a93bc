//! One app behind every door: its routes answer HTTP, and requests that come as events from API Gateway, the HTTP trigger of an event function and a
//! load balancer; its timer cleans up. `cargo run --release --features events --example doors`; README.md has a line for each door.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use fc_runtime::events::{api_gateway, http::RequestContext, timer::TimerEvent};
use fc_runtime::{App, Bytes, Exchange, OrError, Reply, Result, SetCookie};

/// Pictures by their names, as their clients sent them. A real function keeps them in a store.
#[derive(Default)]
struct Album(Mutex<BTreeMap<String, (String, Bytes)>>);

impl Album {
    fn pictures(&self) -> MutexGuard<'_, BTreeMap<String, (String, Bytes)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn main() -> Result {
    App::with_state(Album::default())
        .get("/", async |ex| format!("{} pictures, by {}", ex.state().pictures().len(), door(&ex)))
        .put("/pictures/{name}", async |ex| {
            let (name, kind): (String, _) =
                (ex.param("name")?, ex.header("content-type").unwrap_or("image/png").to_owned());
            let bytes = ex.bytes().await?;
            ex.state().pictures().insert(name.clone(), (kind, bytes));
            let seen = SetCookie::new("last", name.clone());
            Ok(Reply::new("kept")
                .with_status(201)
                .with_header("location", format!("/pictures/{name}"))
                .with_cookie(seen))
        })
        .get("/pictures/{name}", async |ex| {
            let (kind, bytes) = ex
                .state()
                .pictures()
                .get(&*ex.param::<String>("name")?)
                .cloned()
                .or_not_found("no such picture")?;
            Ok(Reply::new(bytes).with_header("content-type", kind))
        })
        .event_as_http()
        // What is no request: here the timer's, which says in its payload how many pictures stay.
        .event_of(async |event, timer: TimerEvent| {
            let keep: usize =
                timer.payload.parse().or_bad_request("the payload is how many pictures stay")?;
            let mut pictures = event.state().pictures();
            while pictures.len() > keep {
                pictures.pop_first();
            }
            Ok(format!("{}: {} pictures", timer.trigger_name, pictures.len()))
        })
        .run()
}

/// Which way the request came.
fn door(ex: &Exchange<Album>) -> &'static str {
    if ex.value::<RequestContext>().is_some() {
        "an event of the HTTP trigger or a load balancer"
    } else if ex.value::<api_gateway::Request>().is_some() {
        "an event of API Gateway"
    } else {
        "HTTP"
    }
}
