//! Builds a function's program, puts it into the code folder, checks it, and packs the folder.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::archive;
use super::cargo::{Program, executable};
use super::check::{self, Finding};
use super::elf::{Elf, Resolver, strip};
use super::image::{self, Image};
use super::toolchain::Toolchain;
use crate::auth::hex;
use crate::model::{Function, Product};
use crate::process::{Tool, is_program};

/// How a function is packed.
#[derive(Debug, Default)]
pub(crate) struct Wish {
    /// The folder for the zip and the symbols; `None` is `fc-package` in Cargo's target folder.
    pub(crate) output: Option<PathBuf>,
    /// Link with musl, whatever the manifest says.
    pub(crate) is_static: bool,
    /// Pack what the code folder has, and build nothing.
    pub(crate) takes_built: bool,
}

/// A packed function.
#[derive(Debug)]
pub(crate) struct Packed {
    /// The program in the code folder.
    pub(crate) program: PathBuf,
    pub(crate) program_bytes: u64,
    /// How it was built; `None` if it was there.
    pub(crate) built: Option<String>,
    /// What is known of the program; `None` for a script.
    pub(crate) needs: Option<String>,
    /// The file with its symbols; `None` if the program was not built here.
    pub(crate) symbols: Option<PathBuf>,
    pub(crate) zip: PathBuf,
    pub(crate) zip_bytes: u64,
    /// The SHA-256 of the zip, in hexadecimal digits.
    pub(crate) digest: String,
    pub(crate) findings: Vec<Finding>,
}

/// # Errors
///
/// The function cannot be built or packed. What is wrong with a package that was made stands in [`Packed::findings`].
pub(crate) fn pack(function: &Function, project: &Path, wish: &Wish) -> Result<Packed, String> {
    let image = image::of(&function.runtime)
        .ok_or_else(|| format!("the runtime {} runs no program of its own", function.runtime))?;
    let name = program_name(&function.command_line())?;
    let program = function.code.join(&name);
    let (built, output, symbols) = if wish.takes_built {
        let output = wish.output.clone().unwrap_or_else(|| project.join("target/fc-package"));
        (None, output.join(&function.name), None)
    } else {
        let is_static = wish.is_static || function.local.recipe.is_static;
        let built = build(function, project, image, is_static)?;
        let output = wish.output.clone().unwrap_or_else(|| built.target_folder.join("fc-package"));
        let output = output.join(&function.name);
        make_folder(&output)?;
        let bytes = read(&built.executable)?;
        let symbols = output.join(format!("{}.debug", name.rsplit('/').next().unwrap_or(&name)));
        write(&symbols, &bytes, 0o644)?;
        let stripped = strip(&bytes).map_err(|error| format!("{}: {error}", built.executable.display()))?;
        if let Some(folder) = program.parent() {
            make_folder(folder)?;
        }
        write(&program, &stripped, 0o755)?;
        (Some(built.by), output, Some(symbols))
    };
    let bytes = read(&program)?;
    let mut findings = Vec::new();
    let needs = if bytes.starts_with(b"\x7fELF") {
        let elf = Elf::read(&bytes).map_err(|error| format!("{}: {error}", program.display()))?;
        findings.extend(check::program(&elf, image, &function.code));
        Some(needs(&elf, image))
    } else {
        None
    };
    if !is_program(&program) && name != "bootstrap" {
        let text = format!(
            "{} is not executable, and only a file `bootstrap` is made so: chmod +x",
            program.display()
        );
        findings.push(Finding { is_fatal: true, text });
    }
    make_folder(&output)?;
    let zip = output.join("code.zip");
    let zip_bytes =
        archive::write(&function.code, &zip).map_err(|error| format!("{}: {error}", zip.display()))?;
    let digest = digest(&zip).map_err(|error| format!("{}: {error}", zip.display()))?;
    findings.extend(check::size(zip_bytes, &function.region));
    Ok(Packed {
        program,
        program_bytes: bytes.len() as u64,
        built,
        needs,
        symbols,
        zip,
        zip_bytes,
        digest,
        findings,
    })
}

/// The path of the program in the code folder.
fn program_name(command: &[String]) -> Result<String, String> {
    let first = command.first().map(String::as_str).unwrap_or_default();
    let below = first.strip_prefix("/code/").or(first.strip_prefix("./")).unwrap_or(first);
    if below.is_empty() || below.starts_with('/') || below.split('/').any(|part| part == "..") {
        return Err(format!(
            "`customRuntimeConfig.command` starts {first}, which is not in the code folder: there is nothing to build"
        ));
    }
    Ok(below.to_owned())
}

struct Build {
    executable: PathBuf,
    target_folder: PathBuf,
    by: String,
}

fn build(function: &Function, project: &Path, image: &Image, is_static: bool) -> Result<Build, String> {
    let recipe = &function.local.recipe;
    let folder = recipe.folder.clone().unwrap_or_else(|| project.to_owned());
    let folder = fs::canonicalize(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    if !folder.join("Cargo.toml").is_file() {
        return Err(format!(
            "{} has no Cargo.toml: `x-local.package.path` names the folder of one, and `--no-build` packs what is built",
            folder.display()
        ));
    }
    let program = Program::choose(&metadata(&folder)?, &folder, &function.name, recipe.product.as_ref())?;
    let toolchain = Toolchain::choose(image, is_static, &folder)?;
    let mut tool = toolchain.tool(&folder);
    let (kind, name) = match &program.product {
        Product::Binary(name) => ("--bin", name),
        Product::Example(name) => ("--example", name),
    };
    tool.arguments.extend(["--package", &program.package, kind, name].map(OsString::from));
    if !recipe.features.is_empty() {
        tool.arguments.extend(["--features".into(), recipe.features.join(",").into()]);
    }
    // The build id stays in the stripped program, and tells which symbols are its own.
    let last = ["--message-format=json-render-diagnostics", "--", "-C", "link-arg=-Wl,--build-id=sha1"];
    tool.arguments.extend(last.map(OsString::from));
    let started = |error| format!("{} cannot be started: {error}", tool.program.display());
    let (is_ok, messages) = tool.output().map_err(started)?;
    if !is_ok {
        let advice = toolchain.advice();
        return Err(format!("the build of `{}` failed: its reasons stand above{advice}", function.name));
    }
    let executable = executable(&messages, &program.product)
        .ok_or_else(|| format!("cargo built no program `{}`", program.product.name()))?;
    Ok(Build { executable, target_folder: program.target_folder, by: toolchain.name() })
}

fn metadata(folder: &Path) -> Result<Value, String> {
    let tool = Tool {
        program: "cargo".into(),
        arguments: ["metadata", "--no-deps", "--format-version", "1"].map(OsString::from).into(),
        folder: Some(folder.to_owned()),
        not_passed_on: &crate::deploy::NOT_PASSED_ON,
        shows_errors: true,
        ..Tool::default()
    };
    let (is_ok, text) =
        tool.output().map_err(|error| format!("cargo cannot be started: {error}; Rust is at rustup.rs"))?;
    if !is_ok {
        return Err(format!(
            "cargo does not read {}: its reasons stand above",
            folder.join("Cargo.toml").display()
        ));
    }
    serde_json::from_slice(&text).map_err(|error| format!("cargo metadata: {error}"))
}

/// One line about what the program needs.
fn needs(elf: &Elf, image: &Image) -> String {
    let library = match (elf.glibc(), &elf.loader) {
        (Some(version), _) => format!("needs glibc {version}, {} has {}", image.name, image.glibc),
        (None, Some(_)) => "needs glibc of any version".to_owned(),
        (None, None) => "needs no library".to_owned(),
    };
    let names = match elf.resolver {
        Resolver::None => "resolves no host names",
        Resolver::Image => "resolves host names by the image's glibc",
        Resolver::StaticGlibc => "resolves host names by modules of its own glibc",
        Resolver::Own => "resolves host names by itself",
    };
    let id = elf.build_id.as_deref().map(|id| format!("; build id {id}")).unwrap_or_default();
    format!("{library}; {names}{id}")
}

/// The SHA-256 of a file, which may be larger than the memory.
fn digest(file: &Path) -> io::Result<String> {
    const PIECE: usize = 64 * 1024;
    let mut context = ring::digest::Context::new(&ring::digest::SHA256);
    let mut reader = BufReader::with_capacity(PIECE, File::open(file)?);
    loop {
        let piece = reader.fill_buf()?;
        if piece.is_empty() {
            return Ok(hex(context.finish().as_ref()));
        }
        context.update(piece);
        let length = piece.len();
        reader.consume(length);
    }
}

fn make_folder(folder: &Path) -> Result<(), String> {
    fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    fs::read(file).map_err(|error| format!("{}: {error}", file.display()))
}

/// Writes a file beside the old one, and puts it in its place: a running program keeps its own.
fn write(file: &Path, bytes: &[u8], mode: u32) -> Result<(), String> {
    let mut new = file.as_os_str().to_owned();
    new.push(".new");
    let new = PathBuf::from(new);
    fs::write(&new, bytes)
        .and_then(|()| fs::set_permissions(&new, fs::Permissions::from_mode(mode)))
        .and_then(|()| fs::rename(&new, file))
        .map_err(|error| format!("{}: {error}", file.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_program_of_a_command() {
        let of = |command: &str| program_name(&[command.to_owned()]);
        for (command, name) in
            [("/code/bootstrap", "bootstrap"), ("/code/bin/app", "bin/app"), ("./app", "app"), ("app", "app")]
        {
            assert_eq!(of(command).as_deref(), Ok(name));
        }
        for command in ["/bin/sh", "/code/", "/code/../x", ""] {
            assert!(of(command).is_err(), "{command}");
        }
    }
}
