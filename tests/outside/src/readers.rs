//! What requests bring, and what replies may be.

use std::path::Path;
use std::time::Duration;

use fc_runtime::{CookieKeys, Exchange, Group, IntoReply, Json, Reply, Result, SetCookie, compress, valid};
use serde::{Deserialize, Serialize};

use crate::Shop;

#[derive(Deserialize, Serialize)]
struct Search {
    q: String,
    page: Option<u32>,
    #[serde(default)]
    tags: Vec<String>,
    #[serde(flatten)]
    price: Price,
}

#[derive(Deserialize, Serialize)]
#[serde(tag = "price", rename_all = "lowercase")]
enum Price {
    Exactly { cents: u32 },
    Any,
}

#[derive(Deserialize, Serialize)]
#[serde(untagged)]
enum Place {
    Shelf { row: u8, shelf: u8 },
    Named { name: String },
}

#[derive(Deserialize, Serialize, garde::Validate)]
#[serde(rename_all = "camelCase")]
struct Visit {
    #[garde(length(min = 1))]
    full_name: String,
    #[garde(range(min = 1, max = 8))]
    guests: u8,
}

fn keys() -> Result<CookieKeys> {
    Ok(CookieKeys::parse("key-of-the-shop-0123456789abcdef0123456789abcdef")?)
}

/// The parts of a form: the length of each, and where files are meanwhile.
async fn parts(ex: Exchange<Shop>) -> Result<Json<Vec<(String, u64, bool)>>> {
    let mut form = ex.multipart()?.with_max_parts(3).with_max_part(1024 * 1024);
    let mut seen = Vec::new();
    while let Some(part) = form.next().await? {
        let (name, is_file) = (part.name().to_owned(), part.file_name().is_some());
        let saved = part.save().await?;
        seen.push((name, saved.length(), is_file && saved.path().exists()));
    }
    Ok(Json(seen))
}

async fn negotiated(ex: Exchange<Shop>) -> Result<Reply> {
    Ok(match ex.accepts(["application/json", "text/plain"])? {
        "text/plain" => "tea".into_reply(),
        _ => Json("tea").into_reply(),
    })
}

pub(crate) fn routes(group: Group<Shop>, files: &Path) -> Group<Shop> {
    group
        .get("/search", async |ex| Ok(Json(ex.query::<Search>()?)))
        .post("/search", async |ex| Ok(Json(ex.form::<Search>().await?)))
        .get("/place", async |ex| Ok(Json(ex.query::<Place>()?)))
        .post("/json", async |ex| Ok(Json(ex.json::<serde_json::Value>().await?)))
        .post("/visit", async |ex| Ok(Json(valid::<Visit>(ex.json().await?)?)))
        .post("/parts", parts)
        .get("/login", async |_| {
            let cart = SetCookie::private(&keys()?, "cart", "tea").with_max_age(Duration::from_secs(60));
            Ok((SetCookie::signed(&keys()?, "user", "7"), cart, SetCookie::new("theme", "dark"), "in"))
        })
        .get("/me", async |ex| {
            let user = ex.signed_cookie(&keys()?, "user").unwrap_or_default();
            let cart = ex.private_cookie(&keys()?, "cart").unwrap_or_default();
            Ok(format!("{user} {cart} {}", ex.cookie("theme").unwrap_or_default()))
        })
        .get("/negotiated", negotiated)
        .get("/none", async |_| 204)
        .get("/headers", async |_| ([("x-count", 5)], [("x-name", "tea")], "with headers"))
        .get("/state", async |ex| ex.conditional("tea and salt"))
        .files("/files", files)
        .group("/small", |group| {
            group.get("/text", async |_| "tea and salt, ".repeat(1000)).around(compress())
        })
}
