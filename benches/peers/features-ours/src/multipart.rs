//! A form with a text and a file.

use fc_runtime::App;

pub(crate) fn add(app: App) -> App {
    app.post("/upload", async |ex| {
        let (mut form, mut title, mut length) = (ex.multipart()?, String::new(), 0);
        while let Some(part) = form.next().await? {
            match part.name() {
                "title" => title = part.text().await?,
                _ => length += part.bytes().await?.len(),
            }
        }
        Ok(format!("{title} {length}"))
    })
}
