//! salvo with equal work.

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    salvo_peer::run(salvo_peer::with_equal_work(salvo_peer::routes()))
}
