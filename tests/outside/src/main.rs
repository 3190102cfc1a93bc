//! Runs the shop.

fn main() -> fc_runtime::Result {
    outside::app(tokio::sync::mpsc::unbounded_channel().0).run()
}
