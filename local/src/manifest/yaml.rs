//! YAML text as a tree in which every key and value knows its line.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};

use super::node::{Entry, Node, Value};
use super::problem::Problem;
use super::scalar::{self, Scalar};

/// How deep a document may nest; the tree is walked by recursion.
const DEPTH_MAX: usize = 64;

/// How many nodes a document may have once its aliases are written out, so that a few lines of
/// aliases of aliases cannot fill the memory.
const NODES_MAX: usize = 100_000;

/// A document, with the notes about it.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) root: Node,
    pub(crate) notes: Vec<Problem>,
}

/// How many lines may have tabs that the parser does not take.
const TABS_MAX: usize = 1000;

/// Parses `source`, which holds one document.
pub(crate) fn parse(source: &str) -> Result<Document, Problem> {
    parse_with(source, false)
}

/// Parses a template, in which `!Ref NAME` and others of its kind are short for `{Ref: NAME}` and `{Fn::…: …}`.
pub(crate) fn parse_template(source: &str) -> Result<Document, Problem> {
    parse_with(source, true)
}

fn parse_with(source: &str, has_functions: bool) -> Result<Document, Problem> {
    let source = source.strip_prefix('\u{feff}').unwrap_or(source);
    let failure = match read(source, has_functions) {
        Err(problem) if source.contains('\t') => problem,
        result => return result,
    };
    // The parser refuses tabs behind a sign, which YAML and the deployment tool take for blanks.
    let mut lines: Vec<String> = source.split('\n').map(str::to_owned).collect();
    let mut problem = failure.clone();
    for _ in 0..TABS_MAX {
        let Some(line) = problem.line.checked_sub(1).and_then(|at| lines.get_mut(at)) else { break };
        let Some(mended) = without_tab(line) else { break };
        *line = mended;
        match read(&lines.join("\n"), has_functions) {
            Err(next) => problem = next,
            result => return result,
        }
    }
    Err(failure)
}

/// The line with a blank for the first tabs behind a sign that separates. `None` if there are none.
fn without_tab(line: &str) -> Option<String> {
    let is_sign = |before: &str| {
        before.trim_end_matches(' ').ends_with([':', '-', '?', ','])
            && !before.trim_end_matches(' ').is_empty()
    };
    let at = line.match_indices('\t').map(|(at, _)| at).find(|at| is_sign(&line[..*at]))?;
    let behind = line[at..].trim_start_matches(['\t', ' ']);
    Some(format!("{} {behind}", &line[..at]))
}

fn read(source: &str, has_functions: bool) -> Result<Document, Problem> {
    let mut builder = Builder {
        has_functions,
        events: Parser::new_from_str(source),
        anchors: HashMap::new(),
        nodes: 0,
        last_line: 1,
        notes: Vec::new(),
    };
    let root = builder.document()?;
    Ok(Document { root, notes: builder.notes })
}

struct Builder<'a> {
    has_functions: bool,
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    last_line: usize,
    notes: Vec<Problem>,
}

impl<'a> Builder<'a> {
    fn document(&mut self) -> Result<Node, Problem> {
        let mut root = None;
        let mut has_begun = false;
        loop {
            let (event, span) = self.next()?;
            match event {
                Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
                Event::StreamEnd => return Ok(root.unwrap_or_else(|| Node::empty_map(span.start.line()))),
                Event::DocumentStart(_) if has_begun => {
                    let text = "a second document starts here; the deployment tool takes one: remove the `---` or what follows it";
                    return Err(Problem::error(span.start.line(), text));
                }
                Event::DocumentStart(_) => has_begun = true,
                event => root = Some(self.node(event, span, 0)?),
            }
        }
    }

    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                self.last_line = span.start.line();
                Ok((event, span))
            }
            Some(Err(error)) => {
                Err(Problem::error(error.marker().line(), format!("this is not YAML: {}", error.info())))
            }
            None => Err(Problem::error(self.last_line, "the file ends in the middle of a value")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = span.start.line();
        self.count(line, 1)?;
        if depth > DEPTH_MAX {
            return Err(Problem::error(line, format!("values nest deeper than {DEPTH_MAX} levels")));
        }
        match event {
            Event::Scalar(text, _, _, Some(tag)) if self.has_functions && function(&tag).is_some() => {
                Ok(call(line, &tag, Value::Text(text.into_owned())))
            }
            Event::SequenceStart(anchor, Some(tag)) if self.has_functions && function(&tag).is_some() => {
                let list = self.node(Event::SequenceStart(anchor, None), span, depth)?;
                Ok(call(line, &tag, list.value))
            }
            Event::Scalar(text, style, anchor, tag) => {
                let value = self.scalar(&text, style == ScalarStyle::Plain, tag.as_deref(), line)?;
                Ok(self.keep(anchor, Node { line, value }))
            }
            Event::SequenceStart(anchor, tag) => {
                check_tag(tag.as_deref(), "seq", line)?;
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Ok(self.keep(anchor, Node { line, value: Value::List(items) }))
            }
            Event::MappingStart(anchor, tag) => {
                check_tag(tag.as_deref(), "map", line)?;
                let entries = self.entries(depth)?;
                Ok(self.keep(anchor, Node { line, value: Value::Map(entries) }))
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::error(line, "this alias names no anchor above it"));
                };
                self.count(line, node.size())?;
                Ok(node)
            }
            other => Err(Problem::error(line, format!("unexpected {other:?}"))),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        is_plain: bool,
        tag: Option<&Tag>,
        line: usize,
    ) -> Result<Value, Problem> {
        let scalar = match tag {
            None if is_plain => scalar::plain(text),
            None => Scalar::Value(Value::Text(text.to_owned())),
            Some(tag) if is_unspecific(tag) => Scalar::Value(Value::Text(text.to_owned())),
            Some(tag) => {
                core_name(tag).and_then(|name| scalar::tagged(name, text, is_plain)).ok_or_else(|| {
                    Problem::error(line, format!("the tag `{}` does not take `{text}`", shown(tag)))
                })?
            }
        };
        match scalar {
            Scalar::Value(value) => Ok(value),
            Scalar::Time => {
                let text =
                    format!("`{text}` is a date, of which the deployment tool makes an empty map: quote it");
                self.notes.push(Problem::lost(line, text));
                Ok(Value::Map(Vec::new()))
            }
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        // Keys that were merged in and that a key of the map itself may still replace.
        let mut merged: Vec<String> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                return Ok(entries);
            }
            let line = span.start.line();
            let is_merge =
                matches!(&event, Event::Scalar(text, ScalarStyle::Plain, _, None) if *text == "<<");
            let key = self.node(event, span, depth + 1)?.to_text();
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            if is_merge {
                let sources = match node.value {
                    Value::List(items) => items,
                    _ => vec![node],
                };
                for source in sources {
                    let Value::Map(source) = source.value else {
                        return Err(Problem::error(line, "`<<` merges maps only"));
                    };
                    for entry in source {
                        if !entries.iter().any(|own| own.key == entry.key) {
                            merged.push(entry.key.clone());
                            entries.push(entry);
                        }
                    }
                }
                continue;
            }
            let replaced = merged.iter().position(|merged| *merged == key).map(|at| merged.swap_remove(at));
            match entries.iter_mut().find(|entry| entry.key == key) {
                Some(entry) if replaced.is_some() => *entry = Entry { key, line, node },
                Some(first) => {
                    let text =
                        format!("`{key}` stands twice in this map; the first is on line {}", first.line);
                    return Err(Problem::error(line, text));
                }
                None => entries.push(Entry { key, line, node }),
            }
        }
    }

    fn keep(&mut self, anchor: usize, node: Node) -> Node {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn count(&mut self, line: usize, nodes: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(Problem::error(line, format!("more than {NODES_MAX} values")));
        }
        Ok(())
    }
}

/// The function of a template that a tag is short for.
fn function(tag: &Tag) -> Option<String> {
    let name = if tag.handle == "!" { tag.suffix.as_str() } else { tag.suffix.strip_prefix('!')? };
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric());
    is_name.then(|| if name == "Ref" { name.to_owned() } else { format!("Fn::{name}") })
}

fn call(line: usize, tag: &Tag, value: Value) -> Node {
    let key = function(tag).unwrap_or_default();
    let entry = Entry { key, line, node: Node { line, value } };
    Node { line, value: Value::Map(vec![entry]) }
}

/// `!`: whatever stands there is text.
fn is_unspecific(tag: &Tag) -> bool {
    tag.handle.is_empty() && tag.suffix == "!"
}

/// The name behind `!!`.
fn core_name(tag: &Tag) -> Option<&str> {
    tag.handle.starts_with("tag:yaml.org,2002:").then_some(tag.suffix.as_str())
}

fn shown(tag: &Tag) -> String {
    core_name(tag).map_or_else(|| format!("{}{}", tag.handle, tag.suffix), |name| format!("!!{name}"))
}

fn check_tag(tag: Option<&Tag>, name: &str, line: usize) -> Result<(), Problem> {
    match tag {
        Some(tag) if core_name(tag) != Some(name) && !is_unspecific(tag) => {
            Err(Problem::error(line, format!("the tag `{}` is not supported here", shown(tag))))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(source: &str, line: usize, part: &str) {
        let problem = parse(source).expect_err("a refusal");
        assert_eq!(problem.line, line, "{problem:?}");
        assert!(problem.text.contains(part), "{problem:?}");
    }

    #[test]
    fn every_value_knows_its_line_and_kind() {
        let root = parse("a: 1\nb:\n  - true\n  - 1.5\n  - '7'\nc: ~\n").unwrap().root;
        assert_eq!(root.child("a"), Some(&Node { line: 1, value: Value::Int(1) }));
        let Value::List(items) = &root.child("b").unwrap().value else { panic!("a list") };
        assert_eq!(items[0], Node { line: 3, value: Value::Bool(true) });
        assert_eq!(items[1], Node { line: 4, value: Value::Float(1.5) });
        assert_eq!(items[2], Node::text(5, "7"));
        assert!(root.child("c").is_none() && root.entry("c").unwrap().line == 6);
    }

    #[test]
    fn merges_and_aliases_are_written_out() {
        let root = parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n").unwrap().root;
        let used = root.child("use").unwrap();
        assert_eq!(used.child("x").unwrap().value, Value::Int(1));
        assert_eq!(used.child("y").unwrap().value, Value::Int(3));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        refused("a: 1\na: 2\n", 2, "stands twice");
        refused("a: [1\nb: 2\n", 2, "not YAML");
        let mut bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 10].join(",");
            bomb = format!("{bomb}a{level}: &a{level} [{items}]\n");
        }
        assert!(parse(&bomb).expect_err("too large").text.contains("100000"));
    }
}
