//! Raw hyper.

fn main() -> std::io::Result<()> {
    raw::run(raw::Work::Bare)
}
