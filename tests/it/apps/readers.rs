//! Readers and replies with their optional features: forms, cookies, files, what clients accept.

use std::time::Duration;

use fc_runtime::{
    App, CookieKeys, Exchange, Files, Group, IntoReply, Json, MIB, Reply, Result, SetCookie, Sse, at,
    compress, valid,
};
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

#[derive(Debug, Deserialize, Serialize, garde::Validate)]
struct Visit {
    #[garde(length(min = 1, max = 20))]
    name: String,
    #[garde(range(min = 1, max = 8))]
    guests: u8,
    #[garde(inner(length(min = 2)))]
    #[serde(default)]
    wishes: Vec<String>,
}

/// Text that shrinks.
fn text() -> String {
    "tea and salt, ".repeat(1000)
}

fn compressed(group: Group) -> Group {
    group
        .get("/text", async |_| text())
        .get("/large", async |_| text().repeat(20))
        .get("/small", async |_| "tea")
        .get("/conditional", async |ex| ex.conditional(text()))
        .get("/bytes", async |_| text().into_bytes())
        .get("/error", async |_| Err::<Reply, _>(fc_runtime::Error::conflict("taken ".repeat(1000))))
        .get("/coded", async |_| ([("content-encoding", "x"), ("content-type", "text/plain")], text()))
        .get("/as-it-is", async |_| ([("cache-control", "public, no-transform")], text()))
        .get("/varies", async |_| ([("vary", "accept, Accept-Encoding")], text()))
        .get("/stream", async |_| {
            Reply::stream(async_stream::stream! { yield text(); }).with_header("content-type", "text/plain")
        })
        .get("/events", async |_| Sse::run(async |mut out| Ok(out.send(text()).await?)))
}

/// Each part: texts as they are, files on the disk.
async fn parts(ex: Exchange) -> Result<Json<Vec<String>>> {
    let (mut form, mut told) = (ex.multipart()?, Vec::new());
    while let Some(part) = form.next().await? {
        let name = part.name().to_owned();
        if part.file_name().is_none() {
            told.push(format!("{name}={}", part.text().await?));
            continue;
        }
        let content_type = part.content_type().unwrap_or("none").to_owned();
        let saved = part.save().await?;
        let (file_name, length) = (saved.file_name().unwrap_or("none").to_owned(), saved.length());
        let path = saved.path().to_owned();
        let sum = std::fs::read(&path)?.iter().map(|byte| u64::from(*byte)).sum::<u64>();
        drop(saved);
        told.push(format!(
            "{name}: {file_name}, {content_type}, {length} bytes, sum {sum}, left {}",
            path.exists()
        ));
    }
    Ok(Json(told))
}

pub fn app() -> App {
    let folder = std::env::var("IT_FOLDER").unwrap_or_else(|_| ".".to_owned());
    let (file, long) = (format!("{folder}/a.txt"), "tea and salt, ".repeat(20_000));
    App::new()
        .trust_platform(true)
        .get("/counters", async |ex| Json(ex.counters()))
        .any("/search", search)
        .post("/json", async |ex| Ok(ex.json::<serde_json::Value>().await.map(|_| "read")?))
        .get("/accepts", accepts)
        .get("/language", async |ex| ex.accepts_language(["en", "zh-CN"]).unwrap_or("none").to_owned())
        .get("/cookies", async |ex| {
            let cookies: Vec<String> =
                ex.cookies().map(|(name, value)| format!("[{name}|{value}]")).collect();
            cookies.concat()
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
        .get("/conditional/future", async |ex| {
            ex.conditional(Reply::new("tea").with_header("last-modified", "Fri, 01 Jan 2100 00:00:00 GMT"))
        })
        .get("/conditional/stream", async |ex| {
            let pieces = Reply::stream(async_stream::stream! { yield "tea"; });
            ex.conditional(pieces.with_header("etag", "\"1\""))
        })
        .get("/conditional/error", async |ex| ex.conditional(fc_runtime::Error::conflict("taken")))
        .post(at("/multipart/parts").body_limit(32 * MIB), parts)
        .post("/multipart/bytes", async |ex| {
            let mut form = ex.multipart()?.with_max_parts(3).with_max_part(1024 * 1024);
            let mut lengths = Vec::new();
            while let Some(part) = form.next().await? {
                lengths.push(part.bytes().await?.len());
            }
            Ok(Json(lengths))
        })
        .post(at("/multipart/held").body_limit(32 * MIB), async |ex| {
            let (mut form, mut held) = (ex.multipart()?, Vec::new());
            while let Some(part) = form.next().await? {
                held.push(part.bytes().await?);
            }
            Ok(held.len().to_string())
        })
        .post("/multipart/left", async |ex| {
            let mut form = ex.multipart()?;
            while let Some(part) = form.next().await? {
                drop(part.save_in(std::env::var("IT_FOLDER").unwrap()).await?);
            }
            Ok("whole")
        })
        .post("/valid", async |ex| Ok(Json(valid::<Visit>(ex.json().await?)?)))
        .post("/valid/form", async |ex| Ok(Json(valid::<Visit>(ex.form().await?)?)))
        .group("/compressed", |group| compressed(group).around(compress()))
        .get("/file", async move |ex| ex.file(&file).await)
        .get("/file/absent", async |ex| ex.file("/absent").await)
        .files("/files", &folder)
        .files(
            "/built",
            Files::new(&folder).with_compressed().with_cache_control("max-age=60").without_index(),
        )
        .group("/group", |group| group.files("/", &folder))
}
