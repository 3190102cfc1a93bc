//! A text of 10 kB, compressed by gzip.

use fc_runtime::{App, compress};

pub(crate) fn add(app: App) -> App {
    let text: String = (0..500).map(|line| format!("line {line}: tea, salt\n")).collect();
    app.group("/text", |group| group.get("/", async move |_| text.clone()).around(compress()))
}
