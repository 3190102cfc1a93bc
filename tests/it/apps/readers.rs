//! Readers and replies with their optional features: forms, cookies, files, what clients accept.

use std::time::Duration;

use fc_runtime::{App, CookieKeys, Exchange, Files, IntoReply, Json, Reply, Result, SetCookie};
use serde::{Deserialize, Serialize};

#[derive(Debug, Deserialize, Serialize)]
struct Search {
    q: String,
    page: Option<u32>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(flatten)]
    order: Order,
}

#[derive(Debug, Deserialize, Serialize)]
#[serde(untagged)]
enum Order {
    By { column: String, from: u32 },
    None {},
}

/// A key of tests.
pub const KEYS: &str = "key-of-tests-0123456789abcdef0123456789abcdef";

fn keys() -> CookieKeys {
    CookieKeys::parse(KEYS).unwrap()
}

async fn search(ex: Exchange) -> Result<Json<Search>> {
    let search = if ex.method() == "GET" { ex.query()? } else { ex.form().await? };
    Ok(Json(search))
}

async fn accepts(ex: Exchange) -> Result<Reply> {
    Ok(match ex.accepts(["application/json", "text/csv"])? {
        "text/csv" => ([("content-type", "text/csv")], "a,b").into_reply(),
        _ => Json(["a", "b"]).into_reply(),
    })
}

async fn login(_: Exchange) -> Reply {
    Reply::new("in")
        .with_cookie(SetCookie::new("theme", "dark").with_max_age(Duration::from_secs(60)))
        .with_cookie(SetCookie::signed(&keys(), "user", "7"))
        .with_cookie(SetCookie::private(&keys(), "cart", "tea, salt; ä"))
}

pub fn app() -> App {
    let folder = std::env::var("IT_FOLDER").unwrap_or_else(|_| ".".to_owned());
    let (file, long) = (format!("{folder}/a.txt"), "tea and salt, ".repeat(20_000));
    App::new()
        .trust_platform(true)
        .get("/counters", async |ex| Json(ex.counters()))
        .any("/search", search)
        .post("/json", async |ex| ex.json::<serde_json::Value>().await.map(|_| "read"))
        .get("/accepts", accepts)
        .get("/language", async |ex| ex.accepts_language(["en", "zh-CN"]).unwrap_or("none").to_owned())
        .get("/cookies", async |ex| {
            ex.cookies().map(|(name, value)| format!("[{name}|{value}]")).collect::<String>()
        })
        .get("/login", login)
        .get("/logout", async |_| (SetCookie::removal("user"), SetCookie::removal("cart"), "out"))
        .get("/bad-cookie", async |_| (SetCookie::new("a", "b c"), "never"))
        .get("/user", async |ex| ex.signed_cookie(&keys(), "user").unwrap_or("none".to_owned()))
        .get("/cart", async |ex| ex.private_cookie(&keys(), "cart").unwrap_or("none".to_owned()))
        .get("/conditional", async |ex| ex.conditional("tea and salt"))
        .get("/conditional/large", async move |ex| ex.conditional(long.clone()))
        .get("/conditional/stated", async |ex| {
            let reply = Reply::new("tea").with_header("last-modified", "Wed, 09 Nov 1994 08:49:37 GMT");
            ex.conditional(reply.with_header("etag", "W/\"1\""))
        })
        .get("/conditional/stream", async |ex| {
            let pieces = Reply::stream(async_stream::stream! { yield Ok("tea".into()); });
            ex.conditional(pieces.with_header("etag", "\"1\""))
        })
        .get("/conditional/error", async |ex| ex.conditional(fc_runtime::Error::conflict("taken")))
        .get("/file", async move |ex| ex.file(&file).await)
        .get("/file/absent", async |ex| ex.file("/absent").await)
        .files("/files", &folder)
        .files(
            "/built",
            Files::new(&folder).with_compressed().with_cache_control("max-age=60").without_index(),
        )
        .group("/group", |group| group.files("/", &folder))
}
