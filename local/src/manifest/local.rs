//! The `x-local` blocks: settings that exist only on this machine.

use std::path::Path;

use super::node::{Node, Value};
use super::problem::Problem;
use super::reader::Reader;
use crate::model::{Edition, Local};

/// The `x-local` block of the file or of a resource. Omitted settings come from `base`.
pub(super) fn read(owner: &Node, base: &Local, folder: &Path, problems: &mut Vec<Problem>) -> Local {
    let Some(node) = owner.child("x-local") else { return Local { port: None, ..base.clone() } };
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        let text = format!("`x-local` must be a map of settings but is {}", node.kind());
        problems.push(Problem::error(node.line, text));
    }
    let mut reader = Reader::new(problems);
    let max_instances = reader.integer(node, "maxInstances", base.max_instances as u64, 0..=300);
    let port = reader.integer(node, "port", 0, 1..=65535);
    let credentials = match reader.text(node, "credentials").as_deref() {
        None => base.credentials,
        Some("none") => false,
        Some("environment") => true,
        Some(_) => {
            reader.error(node, "credentials", "must be `none` or `environment`");
            false
        }
    };
    let edition = match reader.text(node, "edition").as_deref() {
        None => base.edition,
        Some("fc3") => Edition::Fc3,
        Some("fc2") => Edition::Fc2,
        Some(_) => {
            reader.error(node, "edition", "must be `fc3` or `fc2`");
            base.edition
        }
    };
    let service = reader.text(node, "service").or_else(|| base.service.clone());
    let or_base = |own: Vec<String>, base: &[String]| if own.is_empty() { base.to_vec() } else { own };
    let watch = reader.texts(node, "watch");
    Local {
        port: u16::try_from(port).ok().filter(|port| *port != 0),
        max_instances: usize::try_from(max_instances).unwrap_or(0),
        idle_timeout: reader.seconds(node, "idleTimeout", base.idle_timeout),
        start_timeout: reader.seconds(node, "startTimeout", base.start_timeout),
        stop_timeout: reader.seconds(node, "stopTimeout", base.stop_timeout),
        freeze: reader.boolean(node, "freeze", base.freeze),
        sample_memory: reader.boolean(node, "sampleMemory", base.sample_memory),
        attachment: reader.boolean(node, "attachment", base.attachment),
        pass_env: or_base(reader.texts(node, "passEnv"), &base.pass_env),
        watch: if watch.is_empty() {
            base.watch.clone()
        } else {
            watch.iter().map(|path| folder.join(path)).collect()
        },
        credentials,
        edition,
        service,
    }
}
