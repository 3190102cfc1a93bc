//! Raw hyper with equal work.

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    raw::run(raw::Work::Equal)
}
