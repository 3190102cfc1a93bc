//! One item: shown with its version, and changed by those alone who have seen that version.

use fc_runtime::{Error, Exchange, IntoReply, Json, OrError, Reply, Result, valid};

use crate::store::{Content, Item, Store, Written, is_id};

pub(crate) async fn show(ex: Exchange<Store>) -> Result<Reply> {
    let item = ex.state().find(&id(&ex)?).await?.or_not_found("there is no such item")?;
    // 304 where the client has this version.
    Ok(ex.conditional(tagged(item)))
}

/// Makes an item (`If-None-Match: *`), or changes the version that the client has seen (`If-Match`).
pub(crate) async fn put(ex: Exchange<Store>) -> Result<Reply> {
    let id = id(&ex)?;
    let condition = Condition::of(&ex)?;
    let content: Content = valid(ex.json().await?)?;
    let store = ex.state();
    let written = match condition {
        Condition::Absent => store.create(&id, &content).await?,
        Condition::Any => store.change(&id, &content, None).await?,
        Condition::Versions(versions) => store.change(&id, &content, Some(&versions)).await?,
    };
    match written {
        Written::Made(item) => Ok((201, ("location", format!("/items/{id}")), tagged(item)).into_reply()),
        Written::Changed(item) => Ok(tagged(item)),
        Written::Otherwise(Some(now)) => Err(Error::new(412, "the item is another one by now")
            .with_header(fc_runtime::http::header::ETAG, etag(&now).parse()?)
            .with_member("version", now.version)),
        Written::Otherwise(None) => Err(Error::not_found("there is no such item")),
    }
}

fn tagged(item: Item) -> Reply {
    (("etag", etag(&item)), Json(item)).into_reply()
}

fn etag(item: &Item) -> String {
    format!("\"{}\"", item.version)
}

fn id(ex: &Exchange<Store>) -> Result<String> {
    let id: String = ex.param("id")?;
    is_id(&id, &()).or_bad_request("an id has 1 to 64 small letters, digits and hyphens")?;
    Ok(id)
}

/// What has to hold for a change.
#[derive(Debug)]
enum Condition {
    Absent,
    Any,
    Versions(Vec<i64>),
}

impl Condition {
    fn of(ex: &Exchange<Store>) -> Result<Self> {
        match (ex.header("if-match"), ex.header("if-none-match")) {
            (Some("*"), None) => Ok(Condition::Any),
            (Some(tags), None) => {
                // A tag of other servers fits no version here.
                let version = |tag: &str| tag.trim().strip_prefix('"')?.strip_suffix('"')?.parse().ok();
                Ok(Condition::Versions(tags.split(',').filter_map(version).collect()))
            }
            (None, Some("*")) => Ok(Condition::Absent),
            (None, None) => {
                Err(Error::new(428, "say If-None-Match: * to make, or If-Match to change an item"))
            }
            _ => Err(Error::bad_request("of If-Match and If-None-Match: * one, please")),
        }
    }
}
