//! Operators of Terraform's expressions.

use hcl_edit::expr::{BinaryOperator, UnaryOperator};

use crate::manifest::alb::source::{MARK, marked};
use crate::manifest::node::{Node, Value};

/// True or false, or `None` if the value is neither, or not known.
pub(super) fn truth(node: &Node) -> Option<bool> {
    match &node.value {
        Value::Bool(value) => Some(*value),
        Value::Text(text) => text.parse().ok(),
        _ => None,
    }
}

fn number(node: &Node) -> Option<f64> {
    match &node.value {
        #[expect(clippy::cast_precision_loss, reason = "an integer is one that a double holds")]
        Value::Int(value) => Some(*value as f64),
        Value::Float(value) => Some(*value),
        Value::Text(text) => text.trim().parse().ok(),
        _ => None,
    }
}

fn unknown() -> Value {
    Value::Text(marked("an expression that is not known here"))
}

fn is_known(node: &Node) -> bool {
    node.scalar().is_none_or(|text| !text.contains(MARK))
}

pub(super) fn unary(operator: UnaryOperator, node: &Node) -> Value {
    match operator {
        UnaryOperator::Neg => number(node).map_or_else(unknown, |value| Value::number(-value)),
        UnaryOperator::Not => truth(node).map_or_else(unknown, |value| Value::Bool(!value)),
    }
}

pub(super) fn binary(left: &Node, operator: BinaryOperator, right: &Node) -> Value {
    let calculate = |how: fn(f64, f64) -> f64| match (number(left), number(right)) {
        (Some(left), Some(right)) => Value::number(how(left, right)),
        _ => unknown(),
    };
    let compare = |how: fn(&f64, &f64) -> bool| match (number(left), number(right)) {
        (Some(left), Some(right)) => Value::Bool(how(&left, &right)),
        _ => unknown(),
    };
    let is_same = || left.to_json() == right.to_json();
    match operator {
        BinaryOperator::Eq | BinaryOperator::NotEq if !(is_known(left) && is_known(right)) => unknown(),
        BinaryOperator::Eq => Value::Bool(is_same()),
        BinaryOperator::NotEq => Value::Bool(!is_same()),
        BinaryOperator::And => match (truth(left), truth(right)) {
            (Some(left), Some(right)) => Value::Bool(left && right),
            _ => unknown(),
        },
        BinaryOperator::Or => match (truth(left), truth(right)) {
            (Some(left), Some(right)) => Value::Bool(left || right),
            _ => unknown(),
        },
        BinaryOperator::Plus => calculate(|left, right| left + right),
        BinaryOperator::Minus => calculate(|left, right| left - right),
        BinaryOperator::Mul => calculate(|left, right| left * right),
        BinaryOperator::Div => calculate(|left, right| left / right),
        BinaryOperator::Mod => calculate(|left, right| left % right),
        BinaryOperator::Less => compare(f64::lt),
        BinaryOperator::LessEq => compare(f64::le),
        BinaryOperator::Greater => compare(f64::gt),
        BinaryOperator::GreaterEq => compare(f64::ge),
    }
}
