//! Feature `layered`: a layer of tower-http that adds a header.

use fc_runtime::App;
use fc_runtime::http::{HeaderName, HeaderValue};
use tower_http::set_header::SetResponseHeaderLayer;

const ADDED: HeaderName = HeaderName::from_static("x-added");

pub(crate) fn add(app: App) -> App {
    let layer = SetResponseHeaderLayer::overriding(ADDED, HeaderValue::from_static("yes"));
    app.layered(layer, |group| group.get("/layered/{id}", async |ex| Ok(ex.param::<String>("id")?)))
}
