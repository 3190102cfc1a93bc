//! The list of items, page by page.

use fc_runtime::{Exchange, IntoReply, Json, Reply, Result, valid};
use garde::Validate;
use serde::{Deserialize, Serialize};

use crate::store::{Item, Page, Store, is_id};

/// How many items a page has unless the client says.
const LIMIT: u32 = 20;

#[derive(Debug, Deserialize, Validate)]
struct Asked {
    /// The cursor: the id of the last item of the page before. Names in place of numbers, because items that are added
    /// meanwhile move no page.
    #[garde(inner(custom(is_id)))]
    after: Option<String>,
    #[garde(inner(range(min = 1, max = 100)))]
    limit: Option<u32>,
    #[garde(inner(length(min = 1, max = 100)))]
    category: Option<String>,
}

#[derive(Debug, Serialize)]
struct Answer {
    items: Vec<Item>,
    /// The address of the next page, if there is one.
    next: Option<String>,
}

pub(crate) async fn list(ex: Exchange<Store>) -> Result<Reply> {
    let asked: Asked = valid(ex.query()?)?;
    let limit = asked.limit.unwrap_or(LIMIT);
    let page = ex.state().list(asked.after.as_deref(), asked.category.as_deref(), limit).await?;
    let Page { items, is_last } = page;
    let last = if is_last { None } else { items.last() };
    let next = last.map(|last| {
        let category = asked.category.as_deref().map(encoded);
        let category = category.map_or(String::new(), |category| format!("&category={category}"));
        format!("/items?after={}&limit={limit}{category}", last.id)
    });
    let link = next.as_ref().map(|next| format!("<{next}>; rel=\"next\""));
    let reply = Json(Answer { items, next }).into_reply();
    Ok(match link {
        Some(link) => reply.with_header("link", link),
        None => reply,
    })
}

/// A text as the value in a query.
fn encoded(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}
