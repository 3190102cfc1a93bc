//! One route, with the one feature of this package that the build chose; without any it is the base to compare with.

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

fn main() -> fc_runtime::Result {
    app().run()
}
