//! poem as its documentation recommends, without middleware.

fn main() -> std::io::Result<()> {
    poem_peer::run(poem_peer::routes())
}
