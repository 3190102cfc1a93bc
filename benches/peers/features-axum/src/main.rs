//! The twin of features-ours on axum: the same route and feature, with the record and the guards that ours has.

mod equal;
mod plain;

fn main() -> std::io::Result<()> {
    equal::serve(plain::app())
}
