//! How `fc-local package` builds a function's program: the manifest's `x-local.package`.

use std::path::PathBuf;

/// What is built, and for which C library. All defaults suit a manifest beside a `Cargo.toml` with one program.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Recipe {
    /// The folder of `Cargo.toml`; `None` is the manifest's folder.
    pub(crate) folder: Option<PathBuf>,
    /// The program of that package; `None` is the only one, or the one that is named like the function.
    pub(crate) product: Option<Product>,
    /// Features of the package beside its default ones.
    pub(crate) features: Vec<String>,
    /// Whether the program is linked statically with musl, and runs in every image.
    pub(crate) is_static: bool,
}

/// A program of a Cargo package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Product {
    Binary(String),
    Example(String),
}

impl Product {
    pub(crate) fn name(&self) -> &str {
        let (Product::Binary(name) | Product::Example(name)) = self;
        name
    }
}
