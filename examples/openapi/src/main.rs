//! Runs the shop. `GET /openapi.json` is its document.

fn main() -> fc_runtime::Result {
    openapi::app().run()
}
