//! The descriptors of the library's own gRPC services, which reflection gives out: `src/grpc/services.bin`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::fs;
use std::path::Path;

/// `SERVICES=overwrite cargo test -p fc-runtime-build --test services` renews the file.
#[test]
fn the_librarys_descriptors_are_those_of_its_protos() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut compiler = protox::Compiler::new([root.join("proto")]).unwrap();
    let reflection = ["v1", "v1alpha"].map(|version| format!("grpc/reflection/{version}/reflection.proto"));
    compiler.open_files(["grpc/health/v1/health.proto"]).unwrap().open_files(reflection).unwrap();
    let set = compiler.encode_file_descriptor_set();
    let path = root.join("src/grpc/services.bin");
    if std::env::var_os("SERVICES").is_some_and(|value| value == "overwrite") {
        fs::write(&path, &set).unwrap();
    }
    assert!(fs::read(&path).unwrap() == set, "{} is another's: SERVICES=overwrite", path.display());
}
