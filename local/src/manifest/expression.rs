//! Serverless Devs expressions: `${vars.region}`, `${env('STAGE', 'dev')}`, `${json(file('a.json'))}` and their kin.

use std::cell::Cell;
use std::path::Path;

use super::problem::Problem;
use super::yaml::{Entry, Node, Value};

/// How many expressions may lead to one another before they must be a circle.
const DEPTH_MAX: usize = 16;

/// How many calls within one another an expression may have.
const CALLS_MAX: usize = 16;

/// How many values the expressions of a file may lead to. A few lists of lists make millions.
pub(crate) const VALUES_MAX: usize = 200_000;

/// Where the names in an expression lead.
#[derive(Clone, Copy)]
pub(crate) struct Scope<'a> {
    /// The whole file, expressions not yet replaced.
    pub(crate) root: &'a Node,
    /// The folder that holds the file.
    pub(crate) folder: &'a Path,
    /// Looks up an environment variable.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The resource that the expression stands in.
    pub(crate) resource: Option<&'a str>,
    /// How many values there may still be.
    pub(crate) left: &'a Cell<usize>,
}

/// Replaces every expression in `node`. What an expression cannot give is reported with its line, and
/// the value is left out.
pub(crate) fn resolve(node: &Node, scope: Scope<'_>, problems: &mut Vec<Problem>) -> Node {
    resolve_at(node, scope, 0, problems)
}

/// Whether an action's key names `command` in phase `pre`: `pre-local`, or `pre-${regex('deploy|local')}`.
pub(crate) fn is_pre_action(key: &str, command: &str) -> bool {
    let Some(rest) = key.strip_prefix("pre-") else { return false };
    let Some(inner) = rest.strip_prefix("${").and_then(|rest| rest.strip_suffix('}')) else {
        return rest == command;
    };
    match parse(inner.trim()) {
        Some(Term::Call("regex", arguments)) => arguments.iter().any(
            |argument| matches!(argument, Term::Quoted(pattern) if pattern.split('|').any(|word| word.trim_matches(['^', '$']) == command)),
        ),
        _ => false,
    }
}

fn resolve_at(node: &Node, scope: Scope<'_>, depth: usize, problems: &mut Vec<Problem>) -> Node {
    match scope.left.get() {
        0 => return Node { line: node.line, value: Value::Null },
        left => scope.left.set(left - 1),
    }
    if scope.left.get() == 0 {
        let text = format!("the expressions of this file lead to more than {VALUES_MAX} values");
        problems.push(Problem::error(node.line, text));
    }
    let value = match &node.value {
        Value::Text(text) if text.contains("${") => return text_at(text, node.line, scope, depth, problems),
        Value::List(items) => {
            Value::List(items.iter().map(|item| resolve_at(item, scope, depth, problems)).collect())
        }
        Value::Map(entries) => Value::Map(
            entries
                .iter()
                .map(|entry| Entry {
                    key: entry.key.clone(),
                    line: entry.line,
                    node: resolve_at(&entry.node, scope, depth, problems),
                })
                .collect(),
        ),
        other => other.clone(),
    };
    Node { line: node.line, value }
}

/// A text that is one expression keeps the type of what it leads to; within a longer text it becomes text.
fn text_at(text: &str, line: usize, scope: Scope<'_>, depth: usize, problems: &mut Vec<Problem>) -> Node {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((inner, tail)) = after.split_once('}') else { break };
        let value = match evaluate(inner.trim(), line, scope, depth, problems) {
            Ok(value) => value,
            Err(problem) => {
                problems.push(problem);
                return Node { line, value: Value::Null };
            }
        };
        if before.is_empty() && tail.is_empty() && rest.len() == text.len() {
            return Node { line, value: value.value };
        }
        let Some(scalar) = value.scalar() else {
            problems.push(Problem::error(
                line,
                format!("`${{{inner}}}` is {}, which cannot stand within text", value.kind()),
            ));
            return Node { line, value: Value::Null };
        };
        out.push_str(before);
        out.push_str(&scalar);
        rest = tail;
    }
    out.push_str(rest);
    Node::text(line, out)
}

/// What stands between `${` and `}`.
#[derive(Debug, PartialEq)]
enum Term<'a> {
    Quoted(&'a str),
    Name(&'a str),
    Call(&'a str, Vec<Term<'a>>),
}

fn parse(source: &str) -> Option<Term<'_>> {
    let (term, rest) = term(source, 0)?;
    rest.trim().is_empty().then_some(term)
}

fn term(source: &str, calls: usize) -> Option<(Term<'_>, &str)> {
    if calls > CALLS_MAX {
        return None;
    }
    let source = source.trim_start();
    if let Some(quote) = source.chars().next().filter(|c| matches!(c, '\'' | '"')) {
        let (text, rest) = source[1..].split_once(quote)?;
        return Some((Term::Quoted(text), rest));
    }
    let end = source.find(|c: char| !(c.is_alphanumeric() || "._-".contains(c))).unwrap_or(source.len());
    let (name, mut rest) = source.split_at(end);
    if name.is_empty() {
        return None;
    }
    if !rest.trim_start().starts_with('(') {
        return Some((Term::Name(name), rest));
    }
    rest = &rest.trim_start()[1..];
    let mut arguments = Vec::new();
    loop {
        rest = rest.trim_start();
        if let Some(after) = rest.strip_prefix(')') {
            return Some((Term::Call(name, arguments), after));
        }
        let (argument, after) = term(rest, calls + 1)?;
        arguments.push(argument);
        rest = after.trim_start();
        rest = rest.strip_prefix(',').unwrap_or(rest);
    }
}

fn evaluate(
    source: &str,
    line: usize,
    scope: Scope<'_>,
    depth: usize,
    problems: &mut Vec<Problem>,
) -> Result<Node, Problem> {
    if depth > DEPTH_MAX {
        return Err(Problem::error(line, format!("`${{{source}}}` leads back to itself")));
    }
    let Some(term) = parse(source) else {
        return Err(Problem::error(
            line,
            format!(
                "`${{{source}}}` is not an expression; for a shell variable write `$NAME` without braces"
            ),
        ));
    };
    Evaluation { source, line, scope, depth, problems }.term(&term)
}

struct Evaluation<'a, 'p> {
    source: &'a str,
    line: usize,
    scope: Scope<'a>,
    depth: usize,
    problems: &'p mut Vec<Problem>,
}

impl Evaluation<'_, '_> {
    fn term(&mut self, term: &Term<'_>) -> Result<Node, Problem> {
        match term {
            Term::Quoted(text) => Ok(Node::text(self.line, *text)),
            Term::Name(name) => self.name(name),
            Term::Call(function, arguments) => self.call(function, arguments),
        }
    }

    fn error(&self, why: &str) -> Problem {
        Problem::error(self.line, format!("`${{{}}}`: {why}", self.source))
    }

    fn name(&mut self, name: &str) -> Result<Node, Problem> {
        let mut steps: Vec<&str> = name.split('.').collect();
        match steps[0] {
            "resources" if matches!(steps.get(2), Some(&"output" | &"info")) => {
                return Err(self.error("it is known only after a deployment; set a value for local use"));
            }
            "vars" | "resources" => {}
            "this" | "that" => {
                let resource =
                    self.scope.resource.ok_or_else(|| self.error("there is no resource around it"))?;
                steps.splice(0..1, ["resources", resource]);
            }
            "env" if steps.len() == 2 => return self.environment(steps[1], None),
            _ => {
                return Err(
                    self.error("fc-local knows vars, env, file, json, path, config, resources and this")
                );
            }
        }
        let mut node = self.scope.root;
        for step in &steps {
            node = match (&node.value, step.parse::<usize>()) {
                (Value::List(items), Ok(index)) => {
                    items.get(index).ok_or_else(|| self.error("the list has no such item"))?
                }
                _ => node.child(step).ok_or_else(|| self.error(&format!("there is no `{step}` there")))?,
            };
        }
        let inner = if steps[0] == "resources" {
            Scope { resource: Some(steps[1]), ..self.scope }
        } else {
            self.scope
        };
        Ok(resolve_at(node, inner, self.depth + 1, self.problems))
    }

    fn call(&mut self, function: &str, arguments: &[Term<'_>]) -> Result<Node, Problem> {
        let mut texts = Vec::new();
        for argument in arguments {
            let node = self.term(argument)?;
            texts.push(node.scalar().ok_or_else(|| self.error("an argument must be text"))?);
        }
        let first = texts.first().ok_or_else(|| self.error("an argument is missing"))?;
        match function {
            "env" => self.environment(first, texts.get(1).cloned()),
            "file" => {
                let path = self.scope.folder.join(first);
                std::fs::read_to_string(&path)
                    .map(|text| Node::text(self.line, text))
                    .map_err(|error| self.error(&format!("cannot read {}: {error}", path.display())))
            }
            "json" => serde_json::from_str(first)
                .map(|json| Node::from_json(self.line, json))
                .map_err(|error| self.error(&format!("not JSON: {error}"))),
            "path" => Ok(Node::text(self.line, self.scope.folder.join(first).to_string_lossy())),
            "config" => self.config(first),
            "secret" => Err(self.error("fc-local reads no secret store; use env and a `.env` file")),
            _ => Err(self.error("there is no such function")),
        }
    }

    fn environment(&self, name: &str, default: Option<String>) -> Result<Node, Problem> {
        // The deployment tool takes the default for an empty one too.
        let value = (self.scope.environment)(name).filter(|value| !value.is_empty() || default.is_none());
        value
            .or(default)
            .map(|text| Node::text(self.line, text))
            .ok_or_else(|| self.error(&format!("{name} is not set, and the expression has no default")))
    }

    /// The account's settings come from the same variables that the deployment tool reads.
    fn config(&self, name: &str) -> Result<Node, Problem> {
        if let Some(value) = (self.scope.environment)(name) {
            return Ok(Node::text(self.line, value));
        }
        match name {
            "AccountID" => Ok(Node::text(self.line, super::function::ACCOUNT_DEFAULT)),
            _ => Err(self.error(&format!("{name} is not set in the environment"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    const FILE: &str = "
vars: {region: cn-hangzhou, size: 512, loop: '${vars.loop}'}
resources:
  api: {props: {name: 'a-${vars.region}', tags: [x, y]}}
";

    #[track_caller]
    fn check(text: &str, expected: Result<Value, &str>) {
        let root = yaml::parse(FILE).unwrap();
        let environment = |name: &str| (name == "STAGE").then(|| "test".to_owned());
        let scope = Scope {
            root: &root,
            folder: Path::new("/app"),
            environment: &environment,
            resource: Some("api"),
            left: &Cell::new(VALUES_MAX),
        };
        let mut problems = Vec::new();
        let node = resolve(&Node::text(7, text), scope, &mut problems);
        match expected {
            Ok(value) => {
                assert_eq!(problems, []);
                assert_eq!(node.value, value);
            }
            Err(part) => {
                assert_eq!(problems[0].line, 7);
                assert!(problems[0].text.contains(part), "{problems:?}");
            }
        }
    }

    #[test]
    fn expressions_lead_to_values() {
        let text = |text: &str| Ok(Value::Text(text.to_owned()));
        check("${vars.region}", text("cn-hangzhou"));
        check("${vars.size}", Ok(Value::Int(512)));
        check("m-${vars.size}-${env('STAGE')}", text("m-512-test"));
        check("${env('NO', 'dev')}", text("dev"));
        check("${env(\"NO\",'')}", text(""));
        check("${path('dist')}", text("/app/dist"));
        check("${resources.api.props.name}", text("a-cn-hangzhou"));
        check("${this.props.tags.1}", text("y"));
        check("${config('AccountID')}", text("1234567890123456"));
        check("{{ region }} $HOME", text("{{ region }} $HOME"));
    }

    #[test]
    fn what_leads_nowhere_is_named() {
        check("${vars.nothing}", Err("no `nothing`"));
        check("${env('NO')}", Err("NO is not set"));
        check("${HOME}", Err("fc-local knows"));
        check("${a b}", Err("without braces"));
        check("${json('{\"a\": 1}')}", Err("is not an expression"));
        check("${file('none')}", Err("cannot read /app/none"));
        check("x${this.props.tags}", Err("cannot stand within text"));
        check("${resources.api.output.url}", Err("after a deployment"));
        check("${secret('x')}", Err("no secret store"));
    }

    #[test]
    fn a_circle_is_named_where_it_closes() {
        let root = yaml::parse(FILE).unwrap();
        let left = Cell::new(VALUES_MAX);
        let scope = Scope {
            root: &root,
            folder: Path::new("/"),
            environment: &|_| None,
            resource: None,
            left: &left,
        };
        let mut problems = Vec::new();
        resolve(&Node::text(7, "${vars.loop}"), scope, &mut problems);
        assert_eq!(problems.len(), 1);
        assert_eq!(problems[0].line, 2);
        assert!(problems[0].text.contains("leads back to itself"), "{problems:?}");
    }

    #[test]
    fn action_keys_name_their_commands() {
        assert!(is_pre_action("pre-deploy", "deploy"));
        assert!(is_pre_action("pre-${regex('deploy|local')}", "local"));
        assert!(is_pre_action("pre-${ regex(\"local\") }", "local"));
        assert!(!is_pre_action("pre-${regex('deploy')}", "local"));
        assert!(!is_pre_action("success-deploy", "deploy"));
    }
}
