//! Function Compute's words: what the environment, the headers and the paths mean.

pub mod limits;
pub mod names;
