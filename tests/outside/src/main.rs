//! Runs the shop, with its spans sent to a collector.

fn main() -> fc_runtime::Result {
    let dropped = tokio::sync::mpsc::unbounded_channel().0;
    outside::app(dropped, ".".as_ref()).otel(fc_runtime::Otel::new()).run()
}
