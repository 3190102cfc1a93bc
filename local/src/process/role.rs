//! The roles of this program besides the command line: guard and shim. The first argument names the role.

/// Makes this program a guard.
pub(super) const GUARD: &str = "__guard";
/// Makes this program a shim.
pub(super) const SHIM: &str = "__shim";
/// Makes this program test whether it may enter a control group.
pub(super) const JOIN: &str = "__join";

/// Stands for the control group of a command that has none.
pub(super) const NO_GROUP: &str = "-";

/// This program, also after its file was replaced by a new build.
pub(super) const SELF: &str = "/proc/self/exe";
