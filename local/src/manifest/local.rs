//! The `x-local` blocks: settings that exist only on this machine.

use std::path::Path;

use super::asynchronous;
use super::node::{Node, Value};
use super::problem::Problem;
use super::reader::Reader;
use crate::model::{Action, Edition, Lines, Local, Product, Recipe};

/// The `x-local` block of the file or of a resource. Omitted settings come from `base`.
pub(super) fn read(owner: &Node, base: &Local, folder: &Path, problems: &mut Vec<Problem>) -> Local {
    let Some(node) = owner.child("x-local") else { return Local { port: None, ..base.clone() } };
    if !matches!(node.value, Value::Map(_) | Value::Null) {
        let text = format!("`x-local` must be a map of settings but is {}", node.kind());
        problems.push(Problem::error(node.line, text));
    }
    let mut reader = Reader::new(problems);
    let max_instances = reader.integer(node, "maxInstances", base.instances_max() as u64, 0..=300);
    let max_instances = node.child("maxInstances").map(|_| usize::try_from(max_instances).unwrap_or(0));
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
    let event_function = reader.boolean(node, "eventFunction", base.event_function);
    let service = reader.text(node, "service").or_else(|| base.service.clone());
    let log = match reader.text(node, "log").as_deref() {
        None => base.log,
        Some("all") => Lines::All,
        Some("errors") => Lines::Errors,
        Some("none") => Lines::None,
        Some(_) => {
            reader.error(node, "log", "must be `all`, `errors` (the standard error) or `none`");
            Lines::All
        }
    };
    let retry_pause = node
        .child("asyncRetryPause")
        .map(|_| reader.seconds(node, "asyncRetryPause", base.async_retry_pause.unwrap_or_default()));
    let server_errors = match reader.text(node, "asyncServerErrors").as_deref() {
        None => base.async_server_errors,
        Some("success") => false,
        Some("failure") => true,
        Some(_) => {
            reader.error(node, "asyncServerErrors", "must be `success` or `failure`");
            false
        }
    };
    let concurrency = node.child("asyncConcurrency").map(|_| {
        let count = reader.integer(node, "asyncConcurrency", 1, 1..=60_000);
        usize::try_from(count).unwrap_or(1)
    });
    let or_base = |own: Vec<String>, base: &[String]| if own.is_empty() { base.to_vec() } else { own };
    let watch = reader.texts(node, "watch");
    let layers = reader.texts(node, "layers");
    let command = or_base(reader.texts(node, "command"), &base.command);
    let code = reader.text(node, "code").map(|path| folder.join(path)).or_else(|| base.code.clone());
    let build = build(node, folder, &mut reader);
    let recipe = node.child("package").map(|package| recipe(package, folder, &mut reader));
    let destinations = asynchronous::addresses(node, &mut reader);
    Local {
        port: u16::try_from(port).ok().filter(|port| *port != 0),
        max_instances: max_instances.or(base.max_instances),
        idle_timeout: reader.seconds(node, "idleTimeout", base.idle_timeout),
        start_timeout: reader.seconds(node, "startTimeout", base.start_timeout),
        stop_timeout: reader.seconds(node, "stopTimeout", base.stop_timeout),
        freeze: reader.boolean(node, "freeze", base.freeze),
        sample_memory: reader.boolean(node, "sampleMemory", base.sample_memory),
        attachment: reader.boolean(node, "attachment", base.attachment),
        log,
        pass_env: or_base(reader.texts(node, "passEnv"), &base.pass_env),
        watch: if watch.is_empty() {
            base.watch.clone()
        } else {
            watch.iter().map(|path| folder.join(path)).collect()
        },
        mounts: reader.boolean(node, "mounts", base.mounts),
        network: reader.boolean(node, "network", base.network),
        command,
        code,
        layers: if layers.is_empty() {
            base.layers.clone()
        } else {
            layers.iter().map(|path| folder.join(path)).collect()
        },
        build: build.or_else(|| base.build.clone()),
        recipe: recipe.unwrap_or_else(|| base.recipe.clone()),
        credentials,
        edition,
        event_function,
        service,
        async_retry_pause: retry_pause.or(base.async_retry_pause),
        async_server_errors: server_errors,
        async_concurrency: concurrency.or(base.async_concurrency),
        timers: reader.boolean(node, "timers", base.timers),
        destinations: if destinations.is_empty() { base.destinations.clone() } else { destinations },
    }
}

/// The commands of `build`: one text or a list. An empty list means that there is nothing to build.
fn build(node: &Node, folder: &Path, reader: &mut Reader<'_>) -> Option<Vec<Action>> {
    let entry = node.entry("build")?;
    let commands = match &entry.node.value {
        Value::Null => return None,
        Value::List(_) => reader.texts(node, "build"),
        _ => reader.text(node, "build").into_iter().collect(),
    };
    let action = |run| Action { run, folder: folder.to_owned(), line: entry.line, may_fail: false };
    Some(commands.into_iter().map(action).collect())
}

/// How `fc-local package` builds the program.
fn recipe(node: &Node, folder: &Path, reader: &mut Reader<'_>) -> Recipe {
    if !matches!(node.value, Value::Map(_)) {
        reader.push(node.line, format!("`package` must be a map of settings but is {}", node.kind()));
        return Recipe::default();
    }
    let (binary, example) = (reader.text(node, "bin"), reader.text(node, "example"));
    if binary.is_some() && example.is_some() {
        reader.error(node, "example", "and `bin` exclude one another: a package holds one program");
    }
    let is_static = match reader.text(node, "target").as_deref() {
        None | Some("glibc") => false,
        Some("musl") => true,
        Some(_) => {
            reader.error(
                node,
                "target",
                "must be `glibc` (the image's C library) or `musl` (linked into the program)",
            );
            false
        }
    };
    Recipe {
        folder: reader.text(node, "path").map(|path| folder.join(path)),
        product: binary.map(Product::Binary).or(example.map(Product::Example)),
        features: reader.texts(node, "features"),
        is_static,
    }
}
