//! The evaluation of expressions.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::path::Path;

use super::inputs::Budget;
use super::script::{self, Operator, Script};
use super::{functions, hints, path};
use crate::manifest::node::{Entry, Node, Value};

/// The values of the names in an expression.
#[derive(Clone, Copy)]
pub(crate) struct Context<'a> {
    /// The folder that holds the file.
    pub(crate) folder: &'a Path,
    /// Looks up an environment variable.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    /// The named values, such as `vars`.
    pub(crate) names: &'a [(&'a str, &'a Node)],
    /// Variables whose own expression failed and was reported, and those of them that other expressions use.
    pub(crate) broken: &'a RefCell<Broken>,
    pub(crate) budget: &'a Budget,
}

/// Variables without a value.
#[derive(Debug, Default)]
pub(crate) struct Broken {
    pub(crate) variables: BTreeSet<String>,
    pub(crate) used: BTreeSet<String>,
}

impl std::fmt::Debug for Context<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Context").field("folder", &self.folder).finish_non_exhaustive()
    }
}

impl Context<'_> {
    /// The value of a name of the file.
    pub(super) fn named(&self, name: &str) -> Option<&Node> {
        self.names.iter().find(|(own, _)| *own == name).map(|(_, node)| *node)
    }

    /// The value at a path like `vars.x`.
    pub(super) fn at(&self, path: &str) -> Option<Node> {
        let names = path::names(path);
        let (first, rest) = names.split_first()?;
        path::at_path(self.named(first)?, rest)
    }
}

/// Why an expression has no value.
#[derive(Debug, PartialEq)]
pub(super) enum Failure {
    /// A variable in the expression failed, and was reported.
    Said,
    Wrong(String),
}

/// The value of the code between `${` and `}`.
pub(super) fn evaluate(code: &str, line: usize, context: &Context<'_>) -> Result<Node, Failure> {
    let evaluation = Evaluation { code, line, context };
    let found = if is_call(code) { evaluation.call() } else { evaluation.names() };
    match found.map_err(Failure::Wrong)? {
        Node { value: Value::Null | Value::Failed, .. } if evaluation.is_of_broken() => Err(Failure::Said),
        Node { value: Value::Failed, .. } => Err(Failure::Said),
        Node { value: Value::Null, .. } => Err(Failure::Wrong(evaluation.nothing())),
        found => Ok(found),
    }
}

/// The beginning of a long text, for a message.
pub(super) fn shortened(text: &str) -> String {
    const LENGTH_MAX: usize = 80;
    if text.chars().count() <= LENGTH_MAX {
        return text.to_owned();
    }
    text.chars().take(LENGTH_MAX).chain("…".chars()).collect()
}

/// Whether the deployment tool reads the code as a call: brackets on one line.
fn is_call(code: &str) -> bool {
    code.lines().any(|line| line.split_once('(').is_some_and(|(_, after)| after.contains(')')))
}

/// Whether there is something between two quotes of a kind on one line.
fn is_quoted(code: &str) -> bool {
    let has = |quote: char| {
        code.lines()
            .any(|line| line.find(quote).zip(line.rfind(quote)).is_some_and(|(first, last)| last > first + 1))
    };
    has('\'') || has('"')
}

struct Evaluation<'a> {
    code: &'a str,
    line: usize,
    context: &'a Context<'a>,
}

impl Evaluation<'_> {
    /// A call without quotes has one argument: the whole text between the brackets.
    fn call(&self) -> Result<Node, String> {
        if is_quoted(self.code) {
            return self.script(self.code);
        }
        let Some((function, inner)) = self.code.split_once('(') else { return self.script(self.code) };
        let Some((inner, behind)) = inner.rsplit_once(')').filter(|(inner, _)| !inner.is_empty()) else {
            return self.script(self.code);
        };
        self.script(&format!("{function}('{inner}'){behind}"))
    }

    /// Names with dots between them. The deployment tool keeps the blanks of each name.
    fn names(&self) -> Result<Node, String> {
        if self.code.contains(['\'', '\\', '\n', '\r']) {
            return Err(self.no_expression());
        }
        let mut names = self.code.split('.');
        let first = names.next().unwrap_or_default();
        let names: Vec<&str> = names.collect();
        let is_later = matches!(first, "self" | "shared")
            || (matches!(first, "resources" | "components")
                && matches!(names.get(1), Some(&("output" | "info"))));
        let found = path::at_path(&self.script(first)?, &names).unwrap_or_else(|| Node::null(self.line));
        // A value that only a deployment knows stays unreplaced.
        if is_later && found.value == Value::Null {
            return Ok(Node::text(self.line, format!("${{{}}}", self.code)));
        }
        Ok(found)
    }

    /// Whether the names refer to a variable without a value. Notes the variable.
    fn is_of_broken(&self) -> bool {
        let Some(name) = self.code.strip_prefix("vars.").and_then(|rest| rest.split('.').next()) else {
            return false;
        };
        let mut broken = self.context.broken.borrow_mut();
        let is_broken = broken.variables.contains(name);
        if is_broken {
            broken.used.insert(name.to_owned());
        }
        is_broken
    }

    fn script(&self, source: &str) -> Result<Node, String> {
        let script = script::parse(source).ok_or_else(|| self.no_expression())?;
        self.value(&script).map_err(|why| self.with_code(&why))
    }

    fn value(&self, script: &Script) -> Result<Node, String> {
        match script {
            Script::Literal(value) => Ok(Node { line: self.line, value: value.clone() }),
            Script::Name(name) => Ok(self.name(name)),
            Script::Member(of, name) => self.member(&self.value(of)?, name),
            Script::Index(of, index) => self.member(&self.value(of)?, &self.value(index)?.to_text()),
            Script::Call(function, arguments) => self.function(function, arguments),
            Script::Not(inner) => Ok(self.boolean(!self.value(inner)?.is_true())),
            Script::Binary(operator, left, right) => self.binary(*operator, left, right),
            Script::Choice(condition, then, or) => {
                self.value(if self.value(condition)?.is_true() { then } else { or })
            }
        }
    }

    fn name(&self, name: &str) -> Node {
        match name {
            // `env.X`, which the tool looks for among the function's own members.
            _ if functions::is_known(name) => Node::null(self.line),
            "cwd" => Node::text(self.line, self.context.folder.to_string_lossy()),
            "credential" => functions::credential(self.line, self.context),
            _ => self.context.named(name).cloned().unwrap_or_else(|| Node::null(self.line)),
        }
    }

    fn member(&self, of: &Node, name: &str) -> Result<Node, String> {
        if of.value == Value::Null {
            return Err(format!("`{name}` is asked of nothing"));
        }
        Ok(path::member(of, name).unwrap_or_else(|| Node::null(self.line)))
    }

    fn function(&self, function: &Script, arguments: &[Script]) -> Result<Node, String> {
        let values = || arguments.iter().map(|argument| self.value(argument)).collect::<Result<Vec<_>, _>>();
        match function {
            Script::Name(name) => {
                let found = functions::call(name, &values()?, self.line, self.context)?;
                self.context.budget.take_text(found.as_text().map_or(0, str::len))?;
                Ok(found)
            }
            Script::Member(of, name) if **of == Script::Name("env".to_owned()) && name == "init" => {
                Ok(functions::integer(&values()?, self.line, self.context))
            }
            Script::Member(of, name) => {
                let of = self.value(of)?;
                let text = of.to_text();
                let text = match name.as_str() {
                    _ if of.value == Value::Null => return Err(format!("`{name}` is asked of nothing")),
                    "toString" => text,
                    "trim" if of.as_text().is_some() => text.trim().to_owned(),
                    "toLowerCase" if of.as_text().is_some() => text.to_lowercase(),
                    "toUpperCase" if of.as_text().is_some() => text.to_uppercase(),
                    _ => return Err(format!("fc-local does not know the method `{name}` of {}", of.kind())),
                };
                Ok(Node::text(self.line, text))
            }
            _ => Err("this is no function".to_owned()),
        }
    }

    fn binary(&self, operator: Operator, left: &Script, right: &Script) -> Result<Node, String> {
        let left = self.value(left)?;
        match operator {
            Operator::Or if left.is_true() => return Ok(left),
            Operator::And if !left.is_true() => return Ok(left),
            Operator::Coalesce if left.value != Value::Null => return Ok(left),
            Operator::Or | Operator::And | Operator::Coalesce => return self.value(right),
            _ => {}
        }
        let right = self.value(right)?;
        let number = |node: &Node| match node.value {
            #[expect(clippy::cast_precision_loss, reason = "an integer is one that a double holds")]
            Value::Int(value) => Some(value as f64),
            Value::Float(value) => Some(value),
            _ => None,
        };
        match (operator, number(&left), number(&right)) {
            (Operator::Add, Some(one), Some(other)) => {
                Ok(Node { line: self.line, value: Value::number(one + other) })
            }
            (Operator::Add, ..) if left.as_text().is_some() || right.as_text().is_some() => {
                if left.value == Value::Null || right.value == Value::Null {
                    return Err("`+` is given nothing".to_owned());
                }
                let (left, right) = (left.to_text(), right.to_text());
                self.context.budget.take_text(left.len() + right.len())?;
                Ok(Node::text(self.line, left + &right))
            }
            (Operator::Add, ..) => Err("fc-local adds numbers and texts only".to_owned()),
            _ if std::mem::discriminant(&left.value) != std::mem::discriminant(&right.value)
                && left.value != Value::Null
                && right.value != Value::Null =>
            {
                Err("fc-local compares values of one kind only".to_owned())
            }
            _ => Ok(self.boolean((left.value == right.value) == (operator == Operator::Equal))),
        }
    }

    fn boolean(&self, value: bool) -> Node {
        Node { line: self.line, value: Value::Bool(value) }
    }

    fn with_code(&self, why: &str) -> String {
        // The report of an inner call is kept.
        if why.starts_with("`${") {
            why.to_owned()
        } else {
            format!("`${{{}}}`: {why}", shortened(self.code))
        }
    }

    fn no_expression(&self) -> String {
        self.with_code(&hints::of_no_expression(self.code))
    }

    fn nothing(&self) -> String {
        self.with_code(&hints::of_nothing(self.code, self.context))
    }
}

/// The credential's entries as a map.
pub(super) fn map(line: usize, entries: Vec<(&str, String)>) -> Node {
    let entries = entries.into_iter().map(|(key, value)| Entry {
        key: key.to_owned(),
        line,
        node: Node::text(line, value),
    });
    Node { line, value: Value::Map(entries.collect()) }
}
