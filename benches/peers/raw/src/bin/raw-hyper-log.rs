//! Raw hyper with a `tracing` JSON record per request.

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    raw::run(raw::Record::Tracing)
}
