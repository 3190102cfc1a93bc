//! The roles of this program besides the command line, such as guard and shim. The first argument names the role.

use std::path::PathBuf;

/// Makes this program a guard.
pub(super) const GUARD: &str = "__guard";
/// Makes this program a shim.
pub(super) const SHIM: &str = "__shim";
/// Makes this program test whether it may enter a control group.
pub(super) const JOIN: &str = "__join";

/// Makes this program keep a network.
pub(super) const KEEPER: &str = "__keeper";
/// Makes this program make sockets in a network.
pub(super) const DISPENSER: &str = "__dispenser";

/// Makes this program test whether it may mount.
pub(super) const MOUNT: &str = "__mount";

/// Stands for the control group, the network, or the mounts, of a command that has none.
pub(super) const NOTHING: &str = "-";

/// This program, also after its file was replaced by a new build.
pub(super) const SELF: &str = "/proc/self/exe";

/// The file of this program. A tool that counts what this program does, such as valgrind, is [`SELF`] itself, and gives the
/// right file by its name alone.
pub(super) fn own_file() -> PathBuf {
    let named = std::env::current_exe().ok().filter(|file| file.exists());
    named.unwrap_or_else(|| PathBuf::from(SELF))
}
