//! One route, with the one feature of this package that the build chose; without any it is the base to compare with.

mod plain;

fn main() -> fc_runtime::Result {
    plain::app().run()
}
