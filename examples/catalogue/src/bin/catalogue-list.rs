//! The function `catalogue-list`.

fn main() -> fc_runtime::Result {
    catalogue::list().run()
}
