//! One app whose settings the environment of a test chooses.

use std::env::var;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use fc_runtime::{App, Cors, Error, Exchange, HangUpPolicy, Json, OrError, Reply, Result, at, guard};
use serde::Deserialize;

/// How often the ready check ran.
#[derive(Default)]
pub struct Rounds(AtomicU64);

#[derive(Deserialize)]
struct Pause {
    ms: u64,
}

/// How long a thread is held: so long, and until the file is removed that tells of it.
#[derive(Deserialize)]
struct Hold {
    ms: u64,
    gate: Option<PathBuf>,
}

pub fn app() -> App<Rounds> {
    let opened = async |_| {
        if let Some(time) = millis("IT_OPEN_MS") {
            tokio::time::sleep(time).await;
        }
        Ok(Rounds::default())
    };
    let app = App::with_state_from(opened)
        .get("/", async |_| "home")
        .get("/plaintext", async |_| "Hello, World!")
        .get("/counters", async |ex| Json(ex.counters()))
        .get("/slow", slow)
        .post("/slow", slow)
        .get(at("/finish").hang_up_policy(HangUpPolicy::Finish), slow)
        .get("/block", block)
        .get(at("/block-finish").hang_up_policy(HangUpPolicy::Finish), block)
        .event(async |event| Ok(spin(&event.json()?)))
        .get(at("/limited").time_limit(Duration::from_millis(200)), slow)
        .post("/read", async |ex| Ok(ex.bytes().await?.len().to_string()))
        .get("/whole", async |_| vec![b'x'; 1 << 20])
        .post("/echo", async |ex| Reply::stream(ex.body()))
        .post(at("/echo-finish").hang_up_policy(HangUpPolicy::Finish), async |ex| Reply::stream(ex.body()))
        .post("/ended", ended)
        // Never ends by itself.
        .get("/drip", async |_| {
            Reply::stream(async_stream::stream! {
                yield "a drop";
                std::future::pending::<()>().await;
            })
        })
        .post("/deaf", async |_| Reply::stream(async_stream::stream! { yield "not a word"; }))
        .get("/client", async |ex| {
            Json(serde_json::json!({
                "address": ex.client_addr(),
                "scheme": ex.scheme(),
                "host": ex.host(),
                "base_path": ex.base_path(),
                "path": ex.path(),
            }))
        })
        .get("/fail", async |_| Err::<&str, _>(Error::unavailable("out of order")))
        .get("/panic", async |_| -> &'static str { panic!("asked to") })
        .get("/rounds", async |ex| ex.state().0.load(Ordering::Relaxed).to_string())
        .get("/own-cors", async |_| {
            Reply::new("own").with_header("access-control-allow-origin", "https://handler.example")
        })
        .get(at("/public").cors(Cors::allow_any()), async |_| "public")
        .get(at("/closed").cors(Cors::same_origin()), async |_| "closed")
        .group(at("/api").cors(Cors::allow("https://console.example")), |api| {
            api.get("/items", async |_| "items")
                .group(at("/open").cors(Cors::allow_any()), |open| open.get("/all", async |_| "all"))
        })
        .group(at("/private"), |group| {
            group.get("/", async |_| "private").put("/", async |_| "private").around(async |ex, next| {
                ex.header("authorization").or_error(401, "who are you?")?;
                Ok(next.run(ex).await)
            })
        })
        .group(at("/alb"), |group| {
            group.get("/", async |_| "inside").around(guard::require_header("x-from-alb", "a long secret"))
        })
        .group(at("/token"), |group| {
            group.get("/", async |_| "inside").around(guard::bearer(["first token", "second token"]))
        })
        .on_pre_stop(async |_| ());
    slow_hook(with_ready_check(with_cors(with_settings(app))))
}

fn with_settings(mut app: App<Rounds>) -> App<Rounds> {
    app = app.trust_platform(var("IT_TRUST").as_deref() != Ok("off"));
    if let Some(limit) = millis("IT_HEAD_LIMIT_MS") {
        app = app.head_limit(limit);
    }
    if let Some(pause) = millis("IT_BODY_PAUSE_MS") {
        app = app.body_pause(pause);
    }
    if let Some(limit) = millis("IT_HEARTBEAT_MS") {
        app = app.heartbeat_limit(limit);
    }
    if let Some(deadline) = millis("IT_DRAIN_MS") {
        app = app.drain_deadline(deadline);
    }
    if let Some(most) = number("IT_MAX_CONNECTIONS") {
        app = app.max_connections(usize::try_from(most).unwrap());
    }
    if let Some(most) = number("IT_MAX_IN_FLIGHT") {
        app = app.max_in_flight(most);
    }
    if let Some(most) = number("IT_MAX_FINISHING") {
        app = app.max_finishing(most);
    }
    if let Some(bytes) = number("IT_CLIENT_MEMORY") {
        app = app.client_memory(usize::try_from(bytes).unwrap());
    }
    if let Some(hops) = number("IT_HOPS") {
        app = app.trusted_hops(usize::try_from(hops).unwrap());
    }
    if let Ok(prefix) = var("IT_BASE_PATH") {
        app = app.base_path(prefix);
    }
    if var("IT_ALB_PROBE").is_ok() {
        app = app.answer_load_balancer_probe();
    }
    app.build_info("1.2.3", "abcdef")
}

fn with_cors(app: App<Rounds>) -> App<Rounds> {
    let origins = || var("IT_ORIGINS").unwrap_or_default().split(' ').map(str::to_owned).collect::<Vec<_>>();
    match var("IT_CORS").as_deref() {
        Ok("list") => app.cors(
            Cors::allow_list(origins())
                .with_credentials()
                .with_exposed(["x-total", "x-page"])
                .with_max_age(Duration::from_secs(60)),
        ),
        Ok("headers") => app.cors(Cors::allow_list(origins()).with_headers(["content-type", "x-key"])),
        Ok("any") => app.cors(Cors::allow_any()),
        Ok("predicate") => app.cors(Cors::allow_if(|origin| origin.ends_with(".shop.example"))),
        Ok("same") => app.cors(Cors::same_origin()),
        _ => app,
    }
}

/// A check that takes its time, and fails or panics if it is told to.
fn with_ready_check(app: App<Rounds>) -> App<Rounds> {
    let Some(pause) = millis("IT_CHECK_MS") else { return app };
    app.ready_limit(Duration::from_millis(300))
        .ready_check("counted", async move |rounds| {
            rounds.0.fetch_add(1, Ordering::Relaxed);
            tokio::time::sleep(pause).await;
            Ok(())
        })
        .ready_check("other", async |_| match var("IT_CHECK").as_deref() {
            Ok("fails") => Err(Error::unavailable("the disk is full")),
            Ok("panics") => panic!("asked to"),
            _ => Ok(()),
        })
}

fn slow_hook(mut app: App<Rounds>) -> App<Rounds> {
    if let Some(pause) = millis("IT_PRE_STOP_MS") {
        app = app.pre_stop_budget(Duration::from_millis(50));
        app = app.on_pre_stop(async move |_| tokio::time::sleep(pause).await);
    }
    let Some(pause) = millis("IT_INITIALIZE_MS") else { return app };
    app.on_initialize(async move |_| tokio::time::sleep(pause).await)
}

async fn slow(ex: Exchange<Rounds>) -> Result<&'static str> {
    let Pause { ms } = ex.query()?;
    tokio::time::sleep(Duration::from_millis(ms)).await;
    Ok("slow")
}

async fn block(ex: Exchange<Rounds>) -> Result<&'static str> {
    Ok(spin(&ex.query()?))
}

/// Whether nothing is missing of a body of which nothing was read, though the connection has it.
async fn ended(ex: Exchange<Rounds>) -> String {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
    http_body::Body::is_end_stream(&ex.body()).to_string()
}

/// Holds its thread.
fn spin(hold: &Hold) -> &'static str {
    let end = Instant::now() + Duration::from_millis(hold.ms);
    if let Some(gate) = &hold.gate {
        std::fs::write(gate, "").unwrap();
    }
    while Instant::now() < end || hold.gate.as_ref().is_some_and(|gate| gate.exists()) {
        std::hint::spin_loop();
    }
    "blocked"
}

fn number(name: &str) -> Option<u64> {
    var(name).ok().map(|text| text.parse().unwrap())
}

fn millis(name: &str) -> Option<Duration> {
    number(name).map(Duration::from_millis)
}
