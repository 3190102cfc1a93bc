//! Manifests and `.env` files through the deployment tool's own parser and through fc-local, value by value.
//!
//! The cases are the tables in `manifests/`. What differs is a row of `docs/fidelity.md`, named there by its case.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use super::root;
use testkit::Folder;

use crate::harness::program;

const VARIABLES: [(&str, &str); 9] = [
    ("SET", "set"),
    ("EMPTY", ""),
    ("NUMBER", "30"),
    ("BLANKS", "  b  "),
    ("EXPRESSION", "${vars.region}"),
    ("DEEP", "${vars.four}"),
    ("DOLLAR", "pa$word-x"),
    ("MARK", "a$&b"),
    ("SETTING", "setting"),
];

/// One manifest with its files.
struct Case {
    name: String,
    manifest: PathBuf,
    environment: Option<String>,
    variables: BTreeMap<String, String>,
    files: Vec<(String, String)>,
}

impl Case {
    fn new(name: &str, manifest: &str) -> Self {
        let variables = VARIABLES.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Case {
            name: name.to_owned(),
            manifest: "s.yaml".into(),
            environment: None,
            variables: variables.collect(),
            files: vec![("s.yaml".to_owned(), manifest.to_owned())],
        }
    }

    fn with_file(mut self, name: &str, text: &str) -> Self {
        self.files.push((name.to_owned(), text.to_owned()));
        self
    }

    /// A value in the manifest that all values share.
    fn of_value(name: &str, value: &str, base: &str) -> Self {
        let value = value.trim_end_matches('\n').replace('\n', "\n        ");
        let mut case = Case::new(name, &base.replace("VALUE", &value));
        for (name, text) in [
            ("a.json", r#"{"t": 1, "m": {"n": [1.5]}, "l": ["x", "y"], "off": false, "none": null}"#),
            ("b.yaml", "x: [1, 010, 1e3]\n"),
            ("two.yaml", "a: 1\n---\nb: 2\n"),
            ("date.yaml", "a: 2026-01-31\n"),
            ("text.txt", "some text\nof two lines\n"),
            ("one.txt", "one"),
            ("empty.txt", ""),
            ("expression.txt", "${vars.size}"),
            ("expression.json", r#"{"a": "${vars.size}", "b": ["${this.name}"]}"#),
            ("code/keep", ""),
        ] {
            case = case.with_file(name, text);
        }
        case
    }

    fn of_dot_env(name: &str, text: &str) -> Self {
        let values = ["A", "B", "C", "D", "E", "F", "SET", "EMPTY", "DOLLAR", "A.x", "a-b", "export", "_A"]
            .map(|name| format!("      \"{name}\": \"${{env('{name}', '-')}}\"\n"));
        let manifest = format!(
            "edition: 3.0.0\nvars: {{region: cn-hangzhou}}\nresources:\n  a:\n    component: fc3\n    props:\n{}",
            values.concat()
        );
        Case::new(name, &manifest).with_file(".env", &unescaped(text))
    }

    fn of_files(name: &str, text: &str) -> Self {
        let mut case = Case { files: Vec::new(), ..Case::new(name, "") };
        for line in text.split_inclusive('\n') {
            let argument = || line[2..].trim_end().to_owned();
            if let Some(name) = line.strip_prefix("--- ").filter(|name| !name.starts_with('-')) {
                case.files.push((name.trim_end().to_owned(), String::new()));
            } else if let Some((_, text)) = case.files.last_mut() {
                text.push_str(&unescaped(line));
            } else if line.starts_with("$ ") {
                let argument = argument();
                let (name, value) = argument.split_once('=').unwrap();
                case.variables.insert(name.to_owned(), value.to_owned());
            } else if line.starts_with("% ") {
                case.manifest = argument().into();
            } else if line.starts_with("+ ") {
                case.environment = Some(argument());
            }
        }
        case
    }
}

/// `{\r}` and its kin as what they stand for.
fn unescaped(text: &str) -> String {
    let text = text.replace("{\\r}\n", "\r\n").replace("{\\r}", "\r").replace("{}\n", "");
    ["feff", "a0", "2028"].iter().fold(text, |text, code| {
        let character = char::from_u32(u32::from_str_radix(code, 16).unwrap()).unwrap();
        text.replace(&format!("{{\\u{{{code}}}}}"), &character.to_string())
    })
}

fn table(name: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/manifests").join(name);
    std::fs::read_to_string(file).unwrap()
}

/// The name and the text of each case of a table.
fn sections(name: &str) -> Vec<(String, String)> {
    let text = table(name);
    let sections = text.split("\n## ").skip(1).map(|section| {
        let (name, body) = section.split_once('\n').unwrap_or((section, ""));
        (name.to_owned(), format!("{body}\n"))
    });
    sections.collect()
}

fn cases() -> Vec<Case> {
    let base = table("base.yaml");
    let mut cases = Vec::new();
    for (name, value) in sections("values.txt") {
        cases.push(Case::of_value(&format!("value {name}"), &value, &base));
    }
    for (at, line) in table("scalars.txt").lines().skip(1).enumerate() {
        let name = format!("scalar {} {line}", at + 2);
        cases.push(Case::new(&name, &format!("edition: 3.0.0\nvars:\n  v: {line}\n")));
        if at % 3 == 0 {
            let name = format!("scalar in list {} {line}", at + 2);
            cases.push(Case::new(&name, &format!("edition: 3.0.0\nvars:\n  v: [{line}, x]\n")));
        }
    }
    for (name, text) in sections("dot_env.txt") {
        cases.push(Case::of_dot_env(&format!("env {name}"), &text));
    }
    cases.extend(neighbours());
    for (name, text) in sections("files.txt") {
        cases.push(Case::of_files(&format!("file {name}"), &text));
    }
    cases
}

/// `.env` files put together from pieces, always the same ones.
fn neighbours() -> Vec<Case> {
    const PIECES: [&str; 32] = [
        "A", "B", "C", "=", "=", ": ", " ", "\n", "\n", "\n", "'", "\"", "`", "#", "\\", "$", "$A", "${B}",
        "${NO:-", "}", "x", "y z", "\t", "export ", "$SET", "\\n", ".", "-", "1", "\r\n", "\\'", "\\$",
    ];
    let mut state = 12_345_u64;
    let mut next = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let made = (0..250).map(|at| {
        let mut text = String::new();
        for name in ["A", "B", "C"] {
            let pieces: String = (0..=next(8)).map(|_| PIECES[next(PIECES.len())]).collect();
            _ = writeln!(text, "{name}={pieces}");
        }
        let pieces: String = (0..next(10)).map(|_| PIECES[next(PIECES.len())]).collect();
        Case::of_dot_env(&format!("env neighbour {at}"), &(text + &pieces))
    });
    made.collect()
}

/// What fc-local reads, or its refusal.
fn of_fc_local(case: &Case, folder: &Path) -> Result<Value, String> {
    let mut command = Command::new(program());
    command.arg("--template").arg(&case.manifest).arg("manifest").current_dir(folder);
    if let Some(name) = &case.environment {
        command.args(["--env", name]);
    }
    let output = command.env_clear().envs(&case.variables).output().unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap());
    }
    Err(String::from_utf8_lossy(&output.stderr).into_owned())
}

/// What the tool's parser reads, case by case.
fn of_the_tool(cases: &[(Case, Folder)]) -> Vec<Result<Value, String>> {
    let home = Folder::new();
    let input: Vec<Value> = cases
        .iter()
        .map(|(case, folder)| {
            let mut variables = case.variables.clone();
            variables.insert("serverless_devs_config_home".to_owned(), home.path().display().to_string());
            json!({"folder": folder.path(), "file": case.manifest, "variables": variables, "environment": case.environment})
        })
        .collect();
    let mut node = Command::new("node")
        .arg("--stack-size=2000")
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/parse_spec.js"))
        .arg(root().join("target/parse-spec"))
        .env("serverless_devs_config_home", home.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node");
    node.stdin.take().unwrap().write_all(Value::from(input).to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "is target/parse-spec installed, by `.ci/run tools`?");
    let results: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let result = |result: Value| match result.get("error") {
        Some(error) => Err(error.as_str().unwrap_or_default().to_owned()),
        None => Ok(result["value"].clone()),
    };
    results.into_iter().map(result).collect()
}

/// The cases in which fc-local reads otherwise, by the document's table.
fn told() -> Vec<String> {
    let text = std::fs::read_to_string(root().join("docs/fidelity.md")).unwrap();
    let section =
        text.split("\n## ").find(|part| part.starts_with("Manifests")).expect("the section on manifests");
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    rows.flat_map(|row| row.split(" | ").next().unwrap().split('`').skip(1).step_by(2).map(str::to_owned))
        .collect()
}

/// Floats that are integers are alike, as JavaScript has no others.
fn is_alike(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Number(one), Value::Number(other)) => one.as_f64() == other.as_f64(),
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| is_alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one.iter().all(|(key, value)| other.get(key).is_some_and(|other| is_alike(value, other)))
        }
        _ => one == other,
    }
}

#[test]
#[ignore = "needs node and npm; run by .ci/run with --ignored"]
fn values_are_those_of_the_deployment_tool() {
    let cases: Vec<(Case, Folder)> = cases()
        .into_iter()
        .map(|case| {
            let folder = Folder::new();
            for (name, text) in &case.files {
                folder.write(name, text);
            }
            (case, folder)
        })
        .collect();
    // Most of the time goes into starting fc-local.
    let (expected, found) = std::thread::scope(|scope| {
        let tool = scope.spawn(|| of_the_tool(&cases));
        let parts: Vec<_> = cases
            .chunks(cases.len().div_ceil(4))
            .map(|part| {
                let read = move || {
                    part.iter().map(|(case, folder)| of_fc_local(case, folder.path())).collect::<Vec<_>>()
                };
                scope.spawn(read)
            })
            .collect();
        let found: Vec<_> = parts.into_iter().flat_map(|part| part.join().unwrap()).collect();
        (tool.join().unwrap(), found)
    });
    assert_eq!((expected.len(), found.len()), (cases.len(), cases.len()));
    let told = told();
    let (mut wrong, mut met) = (String::new(), Vec::new());
    for (((case, _), found), expected) in cases.iter().zip(&found).zip(&expected) {
        let is_same = match (found, expected) {
            (Ok(found), Ok(expected)) => is_alike(found, expected),
            (Err(_), Err(_)) => true,
            _ => false,
        };
        let is_told = told.contains(&case.name);
        if is_same == is_told {
            _ = writeln!(
                wrong,
                "--- {}: told: {is_told}\n{}",
                case.name,
                difference(found.as_ref(), expected.as_ref())
            );
        }
        if is_told {
            met.push(&case.name);
        }
    }
    assert!(wrong.is_empty(), "{} of {}\n{wrong}", wrong.matches("--- ").count(), cases.len());
    assert_eq!(met.len(), told.len(), "rows of docs/fidelity.md that name no case: {told:?}");
}

fn difference(found: Result<&Value, &String>, expected: Result<&Value, &String>) -> String {
    let (Ok(Value::Object(found)), Ok(Value::Object(expected))) = (found, expected) else {
        return format!("fc-local: {found:?}\nthe tool: {expected:?}");
    };
    let mut text = String::new();
    for key in found.keys().chain(expected.keys().filter(|key| !found.contains_key(*key))) {
        let (found, expected) = (found.get(key), expected.get(key));
        let is_same = found.zip(expected).is_some_and(|(found, expected)| is_alike(found, expected));
        if !is_same {
            _ = writeln!(text, "{key}\nfc-local: {}\nthe tool: {}", shown(found), shown(expected));
        }
    }
    text
}

fn shown(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::to_string)
}
