//! A form with a text and a file.

use axum::Router;
use axum::extract::Multipart;
use axum::extract::multipart::MultipartError;
use axum::routing::post;

async fn upload(mut form: Multipart) -> Result<String, MultipartError> {
    let (mut title, mut length) = (String::new(), 0);
    while let Some(field) = form.next_field().await? {
        match field.name() {
            Some("title") => title = field.text().await?,
            _ => length += field.bytes().await?.len(),
        }
    }
    Ok(format!("{title} {length}"))
}

pub(crate) fn add(app: Router) -> Router {
    app.route("/upload", post(upload))
}
