//! What stands before a function: nothing, nginx as a reverse proxy, and the local Function Compute.

use super::{Family, Kind, Subject};

pub(crate) static DIRECT: Subject = Subject {
    kind: Kind::Floor,
    family: Family::Gateway,
    ..Subject::binary("direct", "contract", Kind::Floor)
};
pub(crate) static NGINX: Subject =
    Subject { family: Family::Gateway, ..Subject::command("nginx", &["nginx"]) };
pub(crate) static FC_LOCAL: Subject = Subject {
    kind: Kind::Ours,
    family: Family::Gateway,
    ..Subject::command("fc-local", &["@../../target/release/fc-local"])
};

/// In the order of the table.
pub(crate) static ALL: [&Subject; 3] = [&FC_LOCAL, &NGINX, &DIRECT];
