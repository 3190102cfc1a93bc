//! Rust code from `.proto` files, for build scripts. No `protoc` is needed: the files are compiled by a library.
//!
//! `build.rs`:
//!
//! ```no_run
//! fn main() -> std::process::ExitCode {
//!     fc_runtime_build::compile(&["proto/greeter.proto"])
//! }
//! ```
//!
//! `src/main.rs`, with `tonic` (feature `codegen`), `tonic-prost` and `prost` among the dependencies:
//!
//! ```ignore
//! mod greeter {
//!     tonic::include_proto!("greeter"); // the package's name
//! }
//! /// For `App::grpc_reflection`.
//! const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("descriptors");
//! ```

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a build script speaks to cargo by these")]

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Writes the code of these files, and of what they import, to `OUT_DIR`, and the set of their descriptors to
/// `descriptors.bin` beside it: messages, clients, servers. Paths are relative to the package; imports are looked for
/// in the folder of the first file, then in the package. [The example of the crate](crate) calls it.
///
/// A mistake in a file is printed with its file, line and column, and fails the build. Cargo runs the script again when
/// one of the files changes, or one that they import.
#[must_use = "the exit code of the build script"]
pub fn compile(protos: &[impl AsRef<Path>]) -> ExitCode {
    let Some(first) = protos.first() else {
        return fail("no .proto file was named");
    };
    let folder = first.as_ref().parent().unwrap_or(Path::new("")).to_owned();
    compile_in(protos, &[folder, PathBuf::from(".")])
}

/// As [`compile`], with the folders where imports are looked for.
///
/// ```no_run
/// fn main() -> std::process::ExitCode {
///     fc_runtime_build::compile_in(&["proto/greeter.proto"], &["proto", "vendor/proto"])
/// }
/// ```
#[must_use = "the exit code of the build script"]
pub fn compile_in(protos: &[impl AsRef<Path>], folders: &[impl AsRef<Path>]) -> ExitCode {
    match generate(protos, folders) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => fail(&error),
    }
}

fn generate(protos: &[impl AsRef<Path>], folders: &[impl AsRef<Path>]) -> Result<(), String> {
    let out = env::var_os("OUT_DIR").ok_or("OUT_DIR is not set: this is for build scripts")?;
    let folders: Vec<_> = folders
        .iter()
        .map(AsRef::as_ref)
        .filter(|folder| folder.is_dir() || folder.as_os_str().is_empty())
        .collect();
    let mut compiler = protox::Compiler::new(folders).map_err(|error| told(&error))?;
    compiler.include_source_info(true).include_imports(true);
    compiler.open_files(protos).map_err(|error| told(&error))?;
    // Imports too. A build script that failed is run again without being told to.
    for read in compiler.files().filter_map(protox::file::FileMetadata::path) {
        println!("cargo:rerun-if-changed={}", read.display());
    }
    let descriptors = Path::new(&out).join("descriptors.bin");
    fs::write(&descriptors, compiler.encode_file_descriptor_set())
        .map_err(|error| format!("{}: {error}", descriptors.display()))?;
    tonic_prost_build::configure()
        // The user's `tonic` may be without its transport.
        .build_transport(false)
        .compile_fds(compiler.file_descriptor_set())
        .map_err(|error| error.to_string())
}

/// The mistake with its place, `file:line:column`.
fn told(error: &protox::Error) -> String {
    format!("{error:?}")
}

fn fail(what: &str) -> ExitCode {
    eprintln!("{what}");
    ExitCode::FAILURE
}
