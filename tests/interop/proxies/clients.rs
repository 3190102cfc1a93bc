//! How long clients wait by themselves, as `docs/proxies.md` has it beside the runtime's comments and pings.

use std::collections::BTreeMap;

use super::table;
use crate::tools::{output, python};

#[test]
#[ignore = "needs Python clients: .ci/run runs it with --ignored"]
fn defaults_of_python_clients() {
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/proxies/clients.py");
    let seen: BTreeMap<String, String> = serde_json::from_str(&output(python().arg(script))).unwrap();
    assert_eq!(seen.len(), 5);
    for (name, default) in seen {
        table::check(&name, &[("default", default)]);
    }
}
