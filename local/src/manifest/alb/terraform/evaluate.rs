//! Terraform's expressions. What is known only after a deployment becomes a marked text.

use hcl_edit::Span;
use hcl_edit::expr::{Expression, ForExpr, ObjectKey, Traversal, TraversalOperator};
use hcl_edit::template::{Element, Template};

use super::read::pairs;
use super::scope::Scope;
use super::{functions, operators};
use crate::manifest::alb::source::{MARK, marked};
use crate::manifest::expression::with_line;
use crate::manifest::node::{Entry, Node, Value};

/// How much expressions may make in all: values, and texts by 64 bytes.
const STEPS_MAX: usize = 2_000_000;

/// How deep expressions may stand in one another, wherever they are written. One alone stands 64 deep at most.
const LEVELS_MAX: usize = 150;

impl Scope<'_> {
    /// The value of an expression, with the lines of the place where the expression stands.
    pub(super) fn evaluate(&self, expression: &Expression) -> Node {
        let line = self.line(expression.span());
        let level = self.config.level.get();
        if level >= LEVELS_MAX || self.config.steps.get() > STEPS_MAX {
            return Node::text(line, marked("an expression that leads too far"));
        }
        self.config.level.set(level + 1);
        let node = self.value(expression, line);
        self.config.level.set(level);
        self.config.steps.set(self.config.steps.get().saturating_add(weight(&node)));
        node
    }

    fn value(&self, expression: &Expression, line: usize) -> Node {
        let value = match expression {
            Expression::Null(_) => Value::Null,
            Expression::Bool(own) => Value::Bool(*own.value()),
            Expression::Number(own) => Value::number(own.value().as_f64().unwrap_or(f64::NAN)),
            Expression::String(own) => Value::Text(own.value().clone()),
            Expression::Array(items) => Value::List(items.iter().map(|item| self.evaluate(item)).collect()),
            Expression::Object(object) => {
                let mut entries: Vec<Entry> = Vec::new();
                for (key, value) in object {
                    let key = match key {
                        ObjectKey::Ident(ident) => ident.as_str().to_owned(),
                        ObjectKey::Expression(own) => self.evaluate(own).scalar().unwrap_or_default(),
                    };
                    let node = self.evaluate(value.expr());
                    entries.retain(|own| own.key != key);
                    entries.push(Entry { key, line: node.line, node });
                }
                // A map has its keys in the order of their letters.
                entries.sort_by(|one, other| one.key.cmp(&other.key));
                Value::Map(entries)
            }
            Expression::StringTemplate(template) => self.template(template.iter()),
            Expression::HeredocTemplate(own) => {
                let mut own = own.as_ref().clone();
                own.dedent();
                self.whole(&own.template)
            }
            Expression::Parenthesis(own) => return self.evaluate(own.inner()),
            Expression::Variable(name) => match self.name(name.as_str()) {
                Some(node) => return with_line(node.clone(), line),
                None => Value::Text(marked(name.as_str())),
            },
            Expression::Conditional(own) => {
                let condition = self.evaluate(&own.cond_expr);
                match operators::truth(&condition) {
                    Some(true) => return self.evaluate(&own.true_expr),
                    Some(false) => return self.evaluate(&own.false_expr),
                    None => Value::Text(marked("a condition that is not known here")),
                }
            }
            Expression::FuncCall(call) => {
                let mut arguments: Vec<Node> = call.args.iter().map(|own| self.evaluate(own)).collect();
                if call.args.expand_final()
                    && let Some(Node { value: Value::List(items), .. }) = arguments.pop()
                {
                    arguments.extend(items);
                }
                functions::call(call.name.name.as_str(), &arguments, line)
            }
            Expression::Traversal(own) => return with_line(self.traversal(own), line),
            Expression::UnaryOp(own) => operators::unary(*own.operator.value(), &self.evaluate(&own.expr)),
            Expression::BinaryOp(own) => operators::binary(
                &self.evaluate(&own.lhs_expr),
                *own.operator.value(),
                &self.evaluate(&own.rhs_expr),
            ),
            Expression::ForExpr(own) => self.each_of(own),
        };
        Node { line, value }
    }

    fn whole(&self, template: &Template) -> Value {
        self.template(template.iter())
    }

    /// A text with `${…}`. One expression alone keeps its type.
    fn template<'e>(&self, elements: impl Iterator<Item = &'e Element>) -> Value {
        let elements: Vec<&Element> = elements.collect();
        if let [Element::Interpolation(only)] = elements.as_slice() {
            return self.evaluate(&only.expr).value;
        }
        let mut text = String::new();
        for element in elements {
            match element {
                Element::Literal(own) => text.push_str(own.value()),
                Element::Interpolation(own) => match self.evaluate(&own.expr).scalar() {
                    Some(own) => text.push_str(&own),
                    None => text.push_str(&marked("a list or a map")),
                },
                Element::Directive(_) => text.push_str(&marked("a directive of a template")),
            }
        }
        Value::Text(text)
    }

    fn traversal(&self, own: &Traversal) -> Node {
        let Expression::Variable(root) = &own.expr else {
            return self.walk(
                self.evaluate(&own.expr),
                &own.operators.iter().map(|own| own.value().clone()).collect::<Vec<_>>(),
            );
        };
        let operators: Vec<TraversalOperator> = own.operators.iter().map(|own| own.value().clone()).collect();
        let root = root.as_str();
        let line = self.line(own.span());
        if let Some(node) = self.name(root) {
            return self.walk(node.clone(), &operators);
        }
        let attribute = |at: usize| match operators.get(at) {
            Some(TraversalOperator::GetAttr(ident)) => Some(ident.as_str()),
            _ => None,
        };
        match (root, attribute(0)) {
            ("var", Some(name)) => self.walk(self.variable(name, line), &operators[1..]),
            ("local", Some(name)) => match self.config.locals.get(name) {
                Some((expression, file)) => {
                    self.walk(self.elsewhere(*file).evaluate(expression), &operators[1..])
                }
                None => Node::text(line, marked(&format!("local.{name}"))),
            },
            (kind, Some(name)) => self.resource(kind, name, &operators[1..], line),
            _ => Node::text(line, marked(root)),
        }
    }

    fn variable(&self, name: &str, line: usize) -> Node {
        if let Some(value) = self.config.values.get(name) {
            return value.clone();
        }
        match self.config.variables.get(name) {
            Some((Some(default), file)) => self.elsewhere(*file).evaluate(default),
            _ => Node::text(line, marked(&format!("var.{name}"))),
        }
    }

    /// A value of another resource: as it is written there, else its name.
    fn resource(&self, kind: &str, name: &str, operators: &[TraversalOperator], line: usize) -> Node {
        let mut address = format!("{kind}.{name}");
        let declared = self.config.resources.iter().find(|own| own.address == address);
        if let ([TraversalOperator::GetAttr(attribute)], Some(declared)) = (operators, declared)
            && let Some(written) = declared.block.body.get_attribute(attribute.as_str())
            && !declared.block.body.has_attribute("for_each")
            && !declared.block.body.has_attribute("count")
        {
            return self.elsewhere(declared.file).evaluate(&written.value);
        }
        for operator in operators {
            match operator {
                TraversalOperator::GetAttr(ident) => {
                    address.push('.');
                    address.push_str(ident.as_str());
                }
                TraversalOperator::LegacyIndex(at) => address.extend(["[", &at.value().to_string(), "]"]),
                TraversalOperator::Index(expression) => {
                    let index = self.evaluate(expression);
                    let text = index.scalar().unwrap_or_default();
                    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
                    address.extend(if is_number { ["[", &text, "]"] } else { ["[\"", &text, "\"]"] });
                }
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => address.push_str("[*]"),
            }
        }
        Node::text(line, marked(&address.replace(MARK, "")))
    }

    /// Goes into a value by names and numbers.
    fn walk(&self, node: Node, operators: &[TraversalOperator]) -> Node {
        let mut node = node;
        for (at, operator) in operators.iter().enumerate() {
            let line = node.line;
            let name = match operator {
                TraversalOperator::GetAttr(ident) => ident.as_str().to_owned(),
                TraversalOperator::LegacyIndex(number) => number.value().to_string(),
                TraversalOperator::Index(expression) => {
                    self.evaluate(expression).scalar().unwrap_or_default()
                }
                TraversalOperator::AttrSplat(_) | TraversalOperator::FullSplat(_) => {
                    let items = crate::manifest::node::items(&node).to_vec();
                    let rest = &operators[at + 1..];
                    let value = Value::List(items.into_iter().map(|item| self.walk(item, rest)).collect());
                    return Node { line, value };
                }
            };
            let next = match node.value {
                Value::Map(entries) => entries.into_iter().find(|own| own.key == name).map(|own| own.node),
                Value::List(items) => name.parse::<usize>().ok().and_then(|at| items.into_iter().nth(at)),
                Value::Text(text) if text.contains(MARK) => {
                    Some(Node::text(line, marked(&format!("{}.{name}", text.replace(MARK, "")))))
                }
                _ => None,
            };
            let missing = || Node::text(line, marked(&format!("`{name}`, which is not there")));
            node = next.unwrap_or_else(missing);
        }
        node
    }

    /// `[for …]` and `{for …}`.
    fn each_of(&self, own: &ForExpr) -> Value {
        let source = self.evaluate(&own.intro.collection_expr);
        let numbered = |node: &Node| match &node.value {
            Value::List(items) => {
                Some(items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect())
            }
            _ => pairs(node),
        };
        let values: Option<Vec<(String, Node)>> = numbered(&source);
        let Some(values) = values else {
            return Value::Text(marked("the values of a `for` that are not known here"));
        };
        let mut items = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (key, value) in values {
            let mut scope = self.with(own.intro.value_var.as_str(), value);
            if let Some(name) = &own.intro.key_var {
                scope = scope.with(name.as_str(), Node::text(1, key));
            }
            let is_in = |condition: &hcl_edit::expr::ForCond| {
                operators::truth(&scope.evaluate(&condition.expr)) == Some(true)
            };
            if !own.cond.as_ref().is_none_or(is_in) {
                continue;
            }
            let node = scope.evaluate(&own.value_expr);
            match &own.key_expr {
                None => items.push(node),
                Some(key) => {
                    let key = scope.evaluate(key).scalar().unwrap_or_default();
                    entries.retain(|other| other.key != key);
                    entries.push(Entry { key, line: node.line, node });
                }
            }
        }
        if own.key_expr.is_none() {
            return Value::List(items);
        }
        entries.sort_by(|one, other| one.key.cmp(&other.key));
        Value::Map(entries)
    }
}

/// How much a value is: itself, what it holds, and its text.
fn weight(node: &Node) -> usize {
    1 + match &node.value {
        Value::Text(text) => text.len() / 64,
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Map(entries) => entries.iter().map(|entry| weight(&entry.node)).sum(),
        _ => 0,
    }
}
