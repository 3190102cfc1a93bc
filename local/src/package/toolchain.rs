//! Which tools build for an image: cargo-zigbuild with the image's glibc, or cargo alone where this machine's glibc is old enough.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::image::{Image, Version};
use crate::process::{Tool, find_program};
use crate::shell;

const GNU: &str = "x86_64-unknown-linux-gnu";
const MUSL: &str = "x86_64-unknown-linux-musl";

/// The two lines that install the tools, in a folder where `fc-local` looks.
pub(crate) const INSTALL: &str =
    "  python3 -m venv ~/.fc-local/zig\n  ~/.fc-local/zig/bin/pip install ziglang cargo-zigbuild";

/// The tools, and the target that they build for.
#[derive(Debug)]
pub(super) struct Toolchain {
    /// `cargo-zigbuild`, or `cargo`.
    program: PathBuf,
    /// The target as the program wants it, with the version of glibc.
    target: String,
    /// The search path of the program: zig is found beside `cargo-zigbuild`.
    path: Option<OsString>,
}

impl Toolchain {
    /// # Errors
    ///
    /// The tools are not there. The text says how to install them.
    pub(super) fn choose(image: &Image, is_static: bool, folder: &Path) -> Result<Self, String> {
        let triple = if is_static { MUSL } else { GNU };
        let found = zigbuild().filter(|(_, path)| has_zig(path));
        let toolchain = match found {
            Some((program, path)) => {
                let target = if is_static { triple.to_owned() } else { format!("{triple}.{}", image.glibc) };
                Toolchain { program, target, path: Some(path) }
            }
            None if is_static || own_glibc().is_some_and(|own| own <= image.glibc) => {
                Toolchain { program: "cargo".into(), target: triple.to_owned(), path: None }
            }
            None => return Err(without_zig(image, own_glibc())),
        };
        check_target(triple, folder)?;
        Ok(toolchain)
    }

    /// The command that builds, but for what is built.
    pub(super) fn tool(&self, folder: &Path) -> Tool {
        let mut set = vec![
            // The symbols go into a file of their own: `pack` takes them away.
            ("CARGO_PROFILE_RELEASE_DEBUG", OsString::from("limited")),
            ("CARGO_PROFILE_RELEASE_STRIP", "none".into()),
            ("CARGO_PROFILE_RELEASE_SPLIT_DEBUGINFO", "off".into()),
        ];
        set.extend(self.path.clone().map(|path| ("PATH", path)));
        Tool {
            program: self.program.clone(),
            arguments: ["rustc", "--release", "--target", &self.target].map(OsString::from).into(),
            folder: Some(folder.to_owned()),
            set,
            not_passed_on: &crate::deploy::NOT_PASSED_ON,
            shows_errors: true,
        }
    }

    /// What is said of a build that failed, beside its own reasons.
    pub(super) fn advice(&self) -> String {
        if self.path.is_some() || self.target != MUSL {
            return String::new();
        }
        format!("; parts in C need a compiler for musl, which zig is. These two lines install it:\n{INSTALL}")
    }

    /// What is said of the build: `x86_64-unknown-linux-gnu.2.24 by cargo-zigbuild`.
    pub(super) fn name(&self) -> String {
        let by = if self.path.is_some() { "cargo-zigbuild" } else { "cargo" };
        format!("{} by {by}", self.target)
    }
}

fn without_zig(image: &Image, own: Option<Version>) -> String {
    let own = own.map_or("of this machine is unknown".to_owned(), |own| format!("of this machine is {own}"));
    format!(
        "{} has glibc {}, and the glibc {own}: a program that is linked here would not start there. These two lines install what links for older versions:\n{INSTALL}\nOr build with musl: `--musl`, or `x-local.package.target: musl`",
        image.name, image.glibc
    )
}

/// `cargo-zigbuild` on the search path, where its installers put it, or in the folder of [`INSTALL`]; and the search path with
/// its folder before all others.
fn zigbuild() -> Option<(PathBuf, OsString)> {
    let mut folders = shell::search_path();
    if let Some(home) = shell::home_folder() {
        folders.extend([".fc-local/zig/bin", ".cargo/bin", ".local/bin"].map(|below| home.join(below)));
    }
    let files: Vec<PathBuf> = folders.iter().map(|folder| folder.join("cargo-zigbuild")).collect();
    let program = find_program(&files)?.to_owned();
    let own = program.parent()?.to_owned();
    let path = std::env::join_paths([own].into_iter().chain(shell::search_path())).ok()?;
    Some((program, path))
}

/// Whether `cargo-zigbuild` will find zig: the program, or the Python package.
fn has_zig(path: &OsString) -> bool {
    let files: Vec<PathBuf> = std::env::split_paths(path).map(|folder| folder.join("zig")).collect();
    if shell::variable("CARGO_ZIGBUILD_ZIG_PATH").is_some() || find_program(&files).is_some() {
        return true;
    }
    let files: Vec<PathBuf> = std::env::split_paths(path).map(|folder| folder.join("python3")).collect();
    let Some(python) = find_program(&files) else { return false };
    let tool = Tool {
        program: python.to_owned(),
        arguments: ["-m", "ziglang", "version"].map(OsString::from).into(),
        set: vec![("PATH", path.clone())],
        ..Tool::default()
    };
    tool.output().is_ok_and(|(is_ok, _)| is_ok)
}

/// The version of this machine's glibc, if it has one and its processor is the platform's.
fn own_glibc() -> Option<Version> {
    if !cfg!(target_arch = "x86_64") {
        return None;
    }
    let tool =
        Tool { program: "getconf".into(), arguments: vec!["GNU_LIBC_VERSION".into()], ..Tool::default() };
    let (_, text) = tool.output().ok()?;
    Version::in_text(&String::from_utf8_lossy(&text))
}

/// Whether the compiler has the standard library for the target.
fn check_target(triple: &str, folder: &Path) -> Result<(), String> {
    let tool = Tool {
        program: "rustc".into(),
        arguments: ["--print", "sysroot"].map(OsString::from).into(),
        folder: Some(folder.to_owned()),
        ..Tool::default()
    };
    let (_, text) =
        tool.output().map_err(|error| format!("rustc cannot be started: {error}; Rust is at rustup.rs"))?;
    let root = PathBuf::from(String::from_utf8_lossy(&text).trim_end());
    if root.join("lib/rustlib").join(triple).join("lib").is_dir() {
        return Ok(());
    }
    Err(format!(
        "the compiler has no standard library for {triple}. This line installs it:\n  rustup target add {triple}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_build_for_musl_without_zig_is_told_of_it() {
        let of = |target: &str, path: Option<&str>| {
            Toolchain { program: "cargo".into(), target: target.to_owned(), path: path.map(OsString::from) }
                .advice()
        };
        assert!(of(MUSL, None).contains("pip install ziglang cargo-zigbuild"));
        assert_eq!((of(MUSL, Some("/zig")), of(GNU, None)), (String::new(), String::new()));
    }
}
