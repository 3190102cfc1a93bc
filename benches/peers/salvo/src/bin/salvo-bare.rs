//! salvo as its documentation recommends, without further handlers.

fn main() -> std::io::Result<()> {
    salvo_peer::run(salvo_peer::routes())
}
