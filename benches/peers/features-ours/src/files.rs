//! A folder of files.

use fc_runtime::App;

pub(crate) fn add(app: App) -> App {
    app.files("/static", concat!(env!("CARGO_MANIFEST_DIR"), "/../../plots"))
}
