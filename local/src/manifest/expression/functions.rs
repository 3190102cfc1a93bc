//! The functions that expressions can call.

use std::path::{Component, Path, PathBuf};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::evaluate::{self, Context};
use crate::manifest::function::ACCOUNT_DEFAULT;
use crate::manifest::node::{Node, Value};
use crate::manifest::{text_file, yaml};

const NAMES: [&str; 10] =
    ["env", "str", "yaml", "secret", "config", "path", "json", "file", "base64", "regex"];

/// The parts of a credential, which the tool takes from variables of these names too.
const CREDENTIAL: [&str; 4] = ["AccountID", "AccessKeyID", "AccessKeySecret", "SecurityToken"];

pub(super) fn is_known(name: &str) -> bool {
    NAMES.contains(&name)
}

/// Calls the function `name`. `Err` has the reason for no result.
pub(super) fn call(
    name: &str,
    arguments: &[Node],
    line: usize,
    context: &Context<'_>,
) -> Result<Node, String> {
    let first = arguments.first().filter(|node| node.value != Value::Null);
    let text = first.map_or_else(|| "undefined".to_owned(), Node::to_text);
    match name {
        "env" => env(&text, arguments.get(1), line, context),
        "str" => Ok(Node::text(line, at(first, context).map_or(text, |node| node.to_text()))),
        "yaml" => match yaml::parse(&text) {
            Ok(document) => Ok(with_line(document.root, line)),
            Err(problem) => Err(format!("{}, in line {} of the text", problem.text, problem.line)),
        },
        "json" => serde_json::from_str(&text)
            .map(|json| Node::from_json(line, json))
            .map_err(|error| format!("this is not JSON: {error}")),
        "file" => {
            let Some(path) = first.and_then(Node::as_text) else {
                return Err("the path of a file is missing".to_owned());
            };
            text_file::read(&context.folder.join(path)).map(|text| Node::text(line, text))
        }
        "path" => path(first, line, context),
        "base64" => match first.map(|node| &node.value) {
            Some(Value::Text(text)) => Ok(Node::text(line, STANDARD.encode(text))),
            _ => Err("only a text becomes base64".to_owned()),
        },
        "config" => config(&text, line, context),
        "secret" => Err("fc-local reads no secret store; use env and a `.env` file".to_owned()),
        "regex" => Err("it stands in the keys of actions and flows only".to_owned()),
        _ => Err(format!("there is no function `{name}`; there are {}", NAMES.join(", "))),
    }
}

/// `env.init(…)`: the integer at the beginning of a value's text.
pub(super) fn integer(arguments: &[Node], line: usize, context: &Context<'_>) -> Node {
    let first = arguments.first();
    let text = at(first, context).or_else(|| first.cloned()).map(|node| node.to_text()).unwrap_or_default();
    let text = text.trim_start();
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let end = digits.find(|c: char| !c.is_ascii_digit()).unwrap_or(digits.len());
    let sign = if text.starts_with('-') { -1.0 } else { 1.0 };
    let value = digits[..end].parse::<f64>().map_or(f64::NAN, |value| sign * value);
    Node { line, value: Value::number(value) }
}

/// The parts of the credential that environment variables hold.
pub(super) fn credential(line: usize, context: &Context<'_>) -> Node {
    let known = CREDENTIAL.into_iter().filter_map(|name| Some((name, (context.environment)(name)?)));
    evaluate::map(line, known.collect())
}

/// The value at the path that the argument names.
fn at(argument: Option<&Node>, context: &Context<'_>) -> Option<Node> {
    context.at(argument?.as_text()?)
}

fn env(name: &str, default: Option<&Node>, line: usize, context: &Context<'_>) -> Result<Node, String> {
    if let Some(value) = (context.environment)(name).filter(|value| !value.is_empty()) {
        return Ok(Node::text(line, value));
    }
    let default = default.filter(|node| node.value != Value::Null).cloned();
    default.ok_or_else(|| format!("{name} is not set or empty, and the expression has no default"))
}

/// The account's settings come from the same variables that the deployment tool reads.
fn config(name: &str, line: usize, context: &Context<'_>) -> Result<Node, String> {
    match (context.environment)(name).filter(|value| !value.is_empty()) {
        Some(value) => Ok(Node::text(line, value)),
        None if name == "AccountID" => Ok(Node::text(line, ACCOUNT_DEFAULT)),
        None => Err(format!("{name} is not set in the environment")),
    }
}

fn path(argument: Option<&Node>, line: usize, context: &Context<'_>) -> Result<Node, String> {
    let Some(path) = argument.and_then(Node::as_text).filter(|path| !path.is_empty()) else {
        return Err("the path is empty".to_owned());
    };
    let whole =
        if Path::new(path).is_absolute() { PathBuf::from(path) } else { joined(context.folder, path) };
    if !whole.exists() {
        return Err(format!("there is no {}; the deployment tool refuses it too", whole.display()));
    }
    let mut text = whole.to_string_lossy().into_owned();
    if path.ends_with('/') && !text.ends_with('/') {
        text.push('/');
    }
    Ok(Node::text(line, text))
}

/// The folder joined with the path, with `.` and `..` resolved.
fn joined(folder: &Path, path: &str) -> PathBuf {
    let mut whole = folder.to_owned();
    for component in Path::new(path).components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir => _ = whole.pop(),
            other => whole.push(other),
        }
    }
    whole
}

/// The value with `line` on every node: the value's own lines belong to another file.
pub(crate) fn with_line(mut node: Node, line: usize) -> Node {
    node.line = line;
    match &mut node.value {
        Value::List(items) => {
            for item in items {
                *item = with_line(std::mem::replace(item, Node::null(line)), line);
            }
        }
        Value::Map(entries) => {
            for entry in entries {
                entry.line = line;
                entry.node = with_line(std::mem::replace(&mut entry.node, Node::null(line)), line);
            }
        }
        _ => {}
    }
    node
}
