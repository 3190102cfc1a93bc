//! The image that a function runs from.

use serde::{Deserialize, Serialize};

/// The image of a function, and what the manifest says of its containers. Such a function has no code of its own.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Container {
    /// The image's name in the manifest.
    pub(crate) image: String,
    /// What the name led to when the function was deployed: its instances never change under it.
    pub(crate) id: Option<String>,
    /// Takes the place of the image's own; empty leaves that.
    pub(crate) entrypoint: Vec<String>,
    /// In vCPU.
    pub(crate) cpu: Option<f64>,
}
