//! axum with equal work.

fn main() -> std::io::Result<()> {
    tracing_subscriber::fmt().json().init();
    axum_peer::run(axum_peer::with_equal_work(axum_peer::router(), axum_peer::streams()))
}
