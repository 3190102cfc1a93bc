//! The twin of features-ours on axum: the same route and feature, with the record and the guards that ours has.

mod equal;
#[cfg(feature = "layered")]
mod layered;
#[cfg(feature = "mounted")]
mod mounted;
#[cfg(not(any(feature = "layered", feature = "mounted")))]
mod plain;

#[cfg(feature = "layered")]
use layered::app;
#[cfg(feature = "mounted")]
use mounted::app;
#[cfg(not(any(feature = "layered", feature = "mounted")))]
use plain::app;

fn main() -> std::io::Result<()> {
    equal::serve(app())
}
