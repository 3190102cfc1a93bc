//! `fc-local list`.

use super::{ListArguments, print};
use crate::Manifest;
use crate::model::Function;

pub(super) fn run(manifest: &Manifest, arguments: &ListArguments) {
    for note in manifest.notes() {
        print::complain(&format!("{}:{}: {}", manifest.file().display(), note.line, note.text));
    }
    if arguments.json {
        let functions: Vec<_> = manifest.functions().iter().map(json).collect();
        print::say(&serde_json::Value::from(functions).to_string());
        return;
    }
    let width = manifest.names().map(str::len).max().unwrap_or(0);
    for function in manifest.functions() {
        print::say(&format!("{:width$}  {}", function.name, describe(function)));
    }
}

fn describe(function: &Function) -> String {
    let calls = match &function.trigger {
        Some(trigger) => format!("http {}", trigger.methods.join(",")),
        None => "events only".to_owned(),
    };
    format!(
        "{}  {} MiB  {} s  concurrency {}  {calls}",
        function.runtime,
        function.memory_mib,
        function.timeout.as_secs(),
        function.concurrency
    )
}

fn json(function: &Function) -> serde_json::Value {
    serde_json::json!({
        "function": function.name,
        "runtime": function.runtime,
        "memoryMiB": function.memory_mib,
        "timeoutSeconds": function.timeout.as_secs(),
        "instanceConcurrency": function.concurrency,
        "methods": function.trigger.as_ref().map(|trigger| &trigger.methods),
    })
}
