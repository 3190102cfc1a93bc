//! A span for each request, encoded and handed to a client that is at once done: the network is left out.

use fc_runtime::{App, Otel, StatusCode};

pub(crate) fn with(app: App) -> App {
    app.otel(Otel::new().with_transport(async |_| Ok(StatusCode::OK)))
}
