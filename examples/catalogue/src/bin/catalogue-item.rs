//! The function `catalogue-item`.

fn main() -> fc_runtime::Result {
    catalogue::item().run()
}
