//! `fc-local send`: an event as a trigger sends it.

use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::SystemTime;

use bytes::Bytes;
use clap::Args;
use clap::builder::PossibleValuesParser;
use fc_events::{samples, tablestore::TablestoreEvent};
use serde_json::Value;

use super::client::RunningArguments;
use super::door::{Door, RequestArguments, Shown};
use super::invoke::{self, InvokeArguments};
use super::print;
use super::version::finish;
use crate::Manifest;
use crate::auth::iso8601;
use crate::front::sample::{TABLESTORE, fresh};
use crate::wire::ids;

/// Which event, and to whom.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct SendArguments {
    /// The trigger whose event is sent
    #[arg(value_parser = PossibleValuesParser::new(names()))]
    trigger: String,
    /// The function [default: the one of the manifest, if there is one only], and for requests (`api-gateway`, `http`, `alb`) their path
    #[arg(value_name = "FUNCTION] [/PATH", num_args = 0..=2)]
    to: Vec<String>,
    #[command(flatten)]
    request: RequestArguments,
    /// A field of the event, such as `oss.object.key=in/a.png`; the value is JSON, else a text. In a list without `[N]` the
    /// first element is meant. Can be repeated
    #[arg(short, long, value_name = "PATH=VALUE")]
    set: Vec<String>,
    /// How many elements the batch has, each with an id of its own; for triggers that send batches
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=1000))]
    count: Option<u16>,
    /// Send the elements of the batch as texts that hold JSON, as Kafka's trigger was seen to
    #[arg(long)]
    as_text: bool,
    /// Print the event, and send nothing
    #[arg(long)]
    print: bool,
    /// The version or alias to call [default: LATEST]
    #[arg(short, long)]
    qualifier: Option<String>,
    /// Show the call's log on the standard error
    #[arg(long)]
    log: bool,
    /// The port of the running `dev` or `serve`, whose key is in `.fc-local` beside the manifest [default: that of the `dev` for this
    /// manifest]
    #[arg(long)]
    port: Option<u16>,
    /// Do not run the manifest's build steps
    #[arg(long)]
    no_build: bool,
}

fn names() -> Vec<&'static str> {
    samples::JSON.iter().map(|(name, _)| *name).chain([Door::LOAD_BALANCER, TABLESTORE]).collect()
}

/// Prints the event. There is no need of a manifest.
pub(super) fn run_print(arguments: &SendArguments) -> Option<ExitCode> {
    if !arguments.print {
        return None;
    }
    let printed = event(arguments).map_err(io::Error::other).and_then(|event| {
        let mut out = io::stdout().lock();
        out.write_all(&event)?;
        if arguments.trigger != TABLESTORE {
            out.write_all(b"\n")?;
        }
        out.flush()
    });
    Some(match printed {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&error.to_string());
            ExitCode::FAILURE
        }
    })
}

/// Sends the event to a function of the manifest.
pub(super) async fn run(manifest: &Manifest, arguments: SendArguments) -> ExitCode {
    match event(&arguments).and_then(|event| Ok((function(manifest, &arguments)?, event))) {
        Ok((function, event)) => {
            let (call, shown) = arguments.call(function);
            invoke::run_with(manifest, &call, Bytes::from(event), shown).await
        }
        Err(error) => finish(Err(io::Error::other(error))),
    }
}

/// Sends the event to a function of the server that the arguments name. There is no need of a manifest.
pub(super) async fn run_at(template: &Path, arguments: SendArguments) -> ExitCode {
    let function = arguments.function().map(str::to_owned);
    let function = function.ok_or_else(|| "which function? With --port its name is needed".to_owned());
    match event(&arguments).and_then(|event| Ok((function?, event))) {
        Ok((function, event)) => {
            let (call, shown) = arguments.call(function);
            invoke::run_at_with(template, &call, Bytes::from(event), shown).await
        }
        Err(error) => finish(Err(io::Error::other(error))),
    }
}

impl SendArguments {
    /// Whether a function of a named server is meant.
    pub(super) fn is_named(&self) -> bool {
        self.port.is_some()
    }

    /// The call of the function, and how its reply is printed.
    fn call(self, function: String) -> (InvokeArguments, Shown) {
        let shown = self.request.shown(Door::named(&self.trigger));
        let SendArguments { qualifier, log, port, no_build, .. } = self;
        // `--data` is the body of the request.
        let running = RunningArguments::of_port(port);
        (InvokeArguments { function, qualifier, log, running, no_build, ..InvokeArguments::default() }, shown)
    }

    /// The path of the request, if one is named.
    fn target(&self) -> Option<&str> {
        self.to.iter().map(String::as_str).find(|word| is_target(word))
    }

    /// The function, if one is named.
    fn function(&self) -> Option<&str> {
        self.to.iter().map(String::as_str).find(|word| !is_target(word))
    }
}

/// Whether the word is a path or an address, which no function's name can be.
fn is_target(word: &str) -> bool {
    word.contains('/')
}

fn function(manifest: &Manifest, arguments: &SendArguments) -> Result<String, String> {
    if let Some(function) = arguments.function() {
        return Ok(function.to_owned());
    }
    let names: Vec<_> = manifest.names().collect();
    match names[..] {
        [name] => Ok(name.to_owned()),
        _ => Err(format!("which function? There are: {}", names.join(", "))),
    }
}

/// The sample of the trigger, with the time of now, new ids, and the fields that the caller sets.
fn event(arguments: &SendArguments) -> Result<Vec<u8>, String> {
    if arguments.to.len() == 2 && (arguments.target().is_none() || arguments.function().is_none()) {
        return Err("one function and one path can be named".to_owned());
    }
    if arguments.trigger == TABLESTORE {
        return tablestore(arguments);
    }
    let mut event = match (Door::named(&arguments.trigger), arguments.target()) {
        (Some(door), Some(target)) => {
            arguments.request.event(door, target, arguments.function().unwrap_or("function"))?
        }
        (None, Some(target)) => {
            return Err(format!("{} sends no requests: what is `{target}`?", arguments.trigger));
        }
        (_, None) if !arguments.request.is_empty() => {
            return Err("a request has a path: `fc-local send http /orders -d hello`".to_owned());
        }
        (door, None) => {
            let name = if door == Some(Door::LoadBalancer) { "http" } else { &arguments.trigger };
            let sample = samples::json(name).ok_or("there is no such event")?;
            let mut event: Value = serde_json::from_str(sample).map_err(|error| error.to_string())?;
            fresh(&mut event, &iso8601(SystemTime::now()));
            event
        }
    };
    for set in &arguments.set {
        apply(&mut event, set)?;
    }
    repeat(&mut event, arguments)?;
    Ok(event.to_string().into_bytes())
}

fn repeat(event: &mut Value, arguments: &SendArguments) -> Result<(), String> {
    let Value::Array(elements) = event else {
        if arguments.count.is_some() || arguments.as_text {
            return Err(format!(
                "{} sends no batches: --count and --as-text are for those that do",
                arguments.trigger
            ));
        }
        return Ok(());
    };
    while elements.len() < usize::from(arguments.count.unwrap_or(1)) {
        let mut next = elements[0].clone();
        for name in ["id", "msgId"] {
            if let Some(id) = next.get_mut(name) {
                *id = Value::from(&*ids::uuid());
            }
        }
        elements.push(next);
    }
    if arguments.as_text {
        for element in elements {
            *element = Value::String(element.to_string());
        }
    }
    Ok(())
}

fn tablestore(arguments: &SendArguments) -> Result<Vec<u8>, String> {
    if arguments.count.is_some() || arguments.as_text {
        return Err("tablestore sends CBOR: its `Records` are set one by one".to_owned());
    }
    let sample = samples::tablestore();
    if arguments.set.is_empty() {
        return Ok(sample);
    }
    let event: TablestoreEvent = fc_events::read(&sample).map_err(|error| error.to_string())?;
    let mut event = serde_json::to_value(event).map_err(|error| error.to_string())?;
    for set in &arguments.set {
        apply(&mut event, set)?;
    }
    let event: TablestoreEvent =
        serde_json::from_value(event).map_err(|error| format!("this is no event of tablestore: {error}"))?;
    event.to_cbor().map_err(|error| error.to_string())
}

/// Sets the field of `PATH=VALUE`. A field that the sample does not have is added to its object.
fn apply(event: &mut Value, set: &str) -> Result<(), String> {
    let (path, value) = set.split_once('=').ok_or_else(|| format!("`{set}` is not PATH=VALUE"))?;
    let mut at = event;
    for step in path.split(['.', '[']).map(|step| step.trim_end_matches(']')) {
        if step.is_empty() {
            return Err(format!("`{path}` is no path: `events[0].oss.object.key` is one"));
        }
        if at.is_array() && step.parse::<usize>().is_err() {
            at = at.get_mut(0).ok_or_else(|| format!("`{path}`: the list before `{step}` is empty"))?;
        }
        at = match at {
            Value::Array(elements) => {
                let length = elements.len();
                let element = step.parse().ok().and_then(|at: usize| elements.get_mut(at));
                element.ok_or_else(|| format!("`{path}`: the list has {length} elements, from [0]"))?
            }
            Value::Object(fields) => fields.entry(step).or_insert(Value::Null),
            // A field that is new, or had no value, becomes an object.
            Value::Null => {
                *at = Value::Object(serde_json::Map::new());
                &mut at[step]
            }
            _ => return Err(format!("`{path}`: there is nothing below the value before `{step}`")),
        };
    }
    *at = serde_json::from_str(value).unwrap_or_else(|_| Value::from(value));
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_are_set_by_their_paths() {
        let sample = || json!({"events": [{"oss": {"object": {"key": "a", "size": 1}}}]});
        for (set, pointer, expected) in [
            ("events[0].oss.object.key=b/c.png", "/events/0/oss/object/key", json!("b/c.png")),
            ("events.oss.object.size=7", "/events/0/oss/object/size", json!(7)),
            ("events.oss.object.key=\"7\"", "/events/0/oss/object/key", json!("7")),
            ("events.oss.object.key=a=b", "/events/0/oss/object/key", json!("a=b")),
            ("events.oss.object.meta.by=ann", "/events/0/oss/object/meta/by", json!("ann")),
            ("events=[]", "/events", json!([])),
        ] {
            let mut event = sample();
            apply(&mut event, set).unwrap();
            assert_eq!(event.pointer(pointer), Some(&expected), "{set}");
        }
        for (set, error) in [
            ("events", "`events` is not PATH=VALUE"),
            ("=1", "`` is no path: `events[0].oss.object.key` is one"),
            ("events[1].a=1", "`events[1].a`: the list has 1 elements, from [0]"),
            (
                "events.oss.object.size.more=1",
                "`events.oss.object.size.more`: there is nothing below the value before `more`",
            ),
        ] {
            assert_eq!(apply(&mut sample(), set).unwrap_err(), error);
        }
    }
}
