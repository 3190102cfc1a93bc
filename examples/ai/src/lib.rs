//! Two functions that programs with a language model call: a server of the Model Context Protocol (`src/bin/mcp.rs`), and
//! completions as OpenAI's clients ask for them (`src/bin/completions.rs`).

pub mod completions;
pub mod sessions;
