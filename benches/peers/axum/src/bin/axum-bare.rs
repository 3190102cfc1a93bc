//! axum as its documentation recommends, without layers.

fn main() -> std::io::Result<()> {
    axum_peer::run(axum_peer::router().merge(axum_peer::streams()))
}
