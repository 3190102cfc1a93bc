//! The part of JavaScript that expressions are written in, as a tree.

use crate::manifest::node::Value;

/// The deepest nesting of an expression.
const DEPTH_MAX: usize = 32;

/// The most operators and accesses of an expression. Each nests the value before it one level deeper, and the
/// evaluation recurses.
const LINKS_MAX: usize = 1000;

/// An expression of JavaScript.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Script {
    Literal(Value),
    Name(String),
    Member(Box<Script>, String),
    Index(Box<Script>, Box<Script>),
    Call(Box<Script>, Vec<Script>),
    Not(Box<Script>),
    Binary(Operator, Box<Script>, Box<Script>),
    Choice(Box<Script>, Box<Script>, Box<Script>),
}

/// An operator between two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Operator {
    Or,
    And,
    Coalesce,
    Equal,
    Unequal,
    Add,
}

/// The operators with their precedence, from the lowest.
const OPERATORS: [(&str, Operator, u8); 8] = [
    ("||", Operator::Or, 1),
    ("??", Operator::Coalesce, 1),
    ("&&", Operator::And, 2),
    ("===", Operator::Equal, 3),
    ("!==", Operator::Unequal, 3),
    ("==", Operator::Equal, 3),
    ("!=", Operator::Unequal, 3),
    ("+", Operator::Add, 4),
];

/// Parses an expression. `None` if the source is invalid, or JavaScript that is not supported.
pub(super) fn parse(source: &str) -> Option<Script> {
    let mut parser = Parser { rest: source, depth: 0, links: 0 };
    let script = parser.choice()?;
    parser.blanks();
    parser.rest.is_empty().then_some(script)
}

struct Parser<'a> {
    rest: &'a str,
    depth: usize,
    links: usize,
}

impl Parser<'_> {
    fn blanks(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn take(&mut self, sign: &str) -> bool {
        self.blanks();
        let after = self.rest.strip_prefix(sign);
        self.rest = after.unwrap_or(self.rest);
        after.is_some()
    }

    fn choice(&mut self) -> Option<Script> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        let condition = self.binary(0)?;
        self.blanks();
        let script = if self.rest.starts_with('?') && !self.rest.starts_with("?.") {
            self.rest = &self.rest[1..];
            let then = self.choice()?;
            if !self.take(":") {
                return None;
            }
            Script::Choice(Box::new(condition), Box::new(then), Box::new(self.choice()?))
        } else {
            condition
        };
        self.depth -= 1;
        Some(script)
    }

    fn binary(&mut self, least: u8) -> Option<Script> {
        let mut left = self.unary()?;
        loop {
            self.blanks();
            let found = OPERATORS.iter().find(|(sign, ..)| self.rest.starts_with(sign));
            let Some((sign, operator, strength)) = found.filter(|(_, _, strength)| *strength > least) else {
                return Some(left);
            };
            // `++` and `+=` are other operators.
            if *sign == "+" && self.rest[1..].starts_with(['+', '=']) {
                return None;
            }
            self.rest = &self.rest[sign.len()..];
            self.link()?;
            let right = self.binary(*strength)?;
            left = Script::Binary(*operator, Box::new(left), Box::new(right));
        }
    }

    fn unary(&mut self) -> Option<Script> {
        self.blanks();
        if self.rest.starts_with('!') && !self.rest.starts_with("!=") {
            self.rest = &self.rest[1..];
            self.depth += 1;
            if self.depth > DEPTH_MAX {
                return None;
            }
            let inner = self.unary()?;
            self.depth -= 1;
            return Some(Script::Not(Box::new(inner)));
        }
        let mut script = self.primary()?;
        loop {
            self.blanks();
            if self.rest.starts_with(['.', '[', '(']) {
                self.link()?;
            }
            if let Some(after) = self.rest.strip_prefix('.') {
                self.rest = after.trim_start();
                script = Script::Member(Box::new(script), self.name()?.to_owned());
            } else if self.take("[") {
                let index = self.choice()?;
                if !self.take("]") {
                    return None;
                }
                script = Script::Index(Box::new(script), Box::new(index));
            } else if self.take("(") {
                script = Script::Call(Box::new(script), self.arguments()?);
            } else {
                return Some(script);
            }
        }
    }

    /// Counts an operator or an access: each nests the expression before it one level deeper.
    fn link(&mut self) -> Option<()> {
        self.links += 1;
        (self.links <= LINKS_MAX).then_some(())
    }

    fn arguments(&mut self) -> Option<Vec<Script>> {
        let mut arguments = Vec::new();
        loop {
            if self.take(")") {
                return Some(arguments);
            }
            arguments.push(self.choice()?);
            if !self.take(",") {
                return self.take(")").then_some(arguments);
            }
        }
    }

    fn primary(&mut self) -> Option<Script> {
        self.blanks();
        if self.take("(") {
            let inner = self.choice()?;
            return self.take(")").then_some(inner);
        }
        let first = self.rest.chars().next()?;
        if matches!(first, '\'' | '"') {
            return self.quoted(first).map(|text| Script::Literal(Value::Text(text)));
        }
        if first.is_ascii_digit() || matches!(first, '.' | '-') {
            return self.number();
        }
        let name = self.name()?;
        Some(match name {
            "true" => Script::Literal(Value::Bool(true)),
            "false" => Script::Literal(Value::Bool(false)),
            "null" | "undefined" => Script::Literal(Value::Null),
            name => Script::Name(name.to_owned()),
        })
    }

    fn name(&mut self) -> Option<&str> {
        let is_inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '$');
        let end = self.rest.find(|c| !is_inner(c)).unwrap_or(self.rest.len());
        let (name, after) = self.rest.split_at(end);
        self.rest = after;
        (!name.is_empty() && !name.starts_with(|c: char| c.is_numeric())).then_some(name)
    }

    fn number(&mut self) -> Option<Script> {
        let (sign, digits) = match self.rest.strip_prefix('-') {
            Some(digits) => (-1.0, digits),
            None => (1.0, self.rest),
        };
        let end = digits.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(digits.len());
        let (number, after) = digits.split_at(end);
        // `07`, `0x7`, `1e3` and `7n` are numbers of other kinds.
        let is_plain = number == "0" || !number.starts_with('0') || number.starts_with("0.");
        if !is_plain || after.starts_with(|c: char| c.is_alphanumeric() || c == '_') {
            return None;
        }
        self.rest = after;
        Some(Script::Literal(Value::number(sign * number.parse::<f64>().ok()?)))
    }

    fn quoted(&mut self, quote: char) -> Option<String> {
        let mut out = String::new();
        let mut chars = self.rest[1..].chars();
        loop {
            match chars.next()? {
                c if c == quote => break,
                '\n' | '\r' => return None,
                '\\' => match chars.next()? {
                    'n' => out.push('\n'),
                    'r' => out.push('\r'),
                    't' => out.push('\t'),
                    // Code points and line continuations are rare in a manifest.
                    '0'..='9' | 'u' | 'x' | 'b' | 'f' | 'v' | '\n' | '\r' => return None,
                    other => out.push(other),
                },
                other => out.push(other),
            }
        }
        self.rest = chars.as_str();
        Some(out)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> Script {
        Script::Literal(Value::Text(text.to_owned()))
    }

    fn name(name: &str) -> Script {
        Script::Name(name.to_owned())
    }

    #[test]
    fn expressions_become_trees() {
        assert_eq!(parse("'a\\'b'"), Some(text("a'b")));
        assert_eq!(parse(" -1.5 "), Some(Script::Literal(Value::Float(-1.5))));
        let call = Script::Call(Box::new(name("env")), vec![text("A"), Script::Literal(Value::Int(60))]);
        assert_eq!(parse("env('A', 60)"), Some(call.clone()));
        let member = Script::Member(Box::new(call), "t".to_owned());
        assert_eq!(parse("env(\"A\",60,).t"), Some(member));
        let index = Script::Index(Box::new(name("a")), Box::new(text("b-c")));
        assert_eq!(parse("a['b-c']"), Some(index));
        let sum = Script::Binary(Operator::Add, Box::new(name("b")), Box::new(name("c")));
        assert_eq!(
            parse("a || b + c"),
            Some(Script::Binary(Operator::Or, Box::new(name("a")), Box::new(sum)))
        );
        let choice = Script::Choice(
            Box::new(Script::Not(Box::new(name("a")))),
            Box::new(name("b")),
            Box::new(name("c")),
        );
        assert_eq!(parse("!a ? b : c"), Some(choice));
    }

    #[test]
    fn what_is_no_expression_or_not_known_is_refused() {
        for source in [
            "", "a b", "'open", "a.", "f(", "f('x', {", "a++", "a - b", "a < b", "07", "1e3", "a, b", "`t`",
            "a?.b", "x => x",
        ] {
            assert_eq!(parse(source), None, "{source}");
        }
        assert_eq!(parse(&"(".repeat(100_000)), None);
        assert_eq!(parse(&"!".repeat(100_000)), None);
        assert_eq!(parse(&format!("a{}", ".a".repeat(100_000))), None);
        assert_eq!(parse(&format!("a{}", "[0]".repeat(100_000))), None);
        assert_eq!(parse(&format!("a{}", "+a".repeat(100_000))), None);
    }
}
