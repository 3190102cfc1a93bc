//! poem with equal work.

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    poem_peer::run(poem_peer::with_equal_work(poem_peer::routes()))
}
