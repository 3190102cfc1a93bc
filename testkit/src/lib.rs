//! What the tests of this workspace share. Nothing here is part of a release.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(clippy::missing_panics_doc, reason = "everything here panics where a test has failed")]
#![allow(clippy::exhaustive_structs, clippy::exhaustive_enums, reason = "every user is in this workspace")]

mod imports;
pub mod tidy;
