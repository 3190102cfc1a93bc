//! ROS templates, YAML or JSON: the resources of load balancers, with references and parameters replaced.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use super::source::{Form, Kind, Problems, Resource, Source, marked, place};
use crate::manifest::node::{Entry, Node, Value, items};
use crate::manifest::yaml;

const KINDS: [(&str, Kind); 11] = [
    ("ALIYUN::ALB::LoadBalancer", Kind::Balancer),
    ("ALIYUN::ALB::Listener", Kind::Listener),
    ("ALIYUN::ALB::Rule", Kind::Rule),
    ("ALIYUN::ALB::ServerGroup", Kind::Group),
    ("ALIYUN::ALB::BackendServerAttachment", Kind::Servers),
    ("ALIYUN::ALB::Acl", Kind::Acl),
    ("ALIYUN::ALB::AclEntries", Kind::AclEntry),
    ("ALIYUN::ALB::AclAssociation", Kind::ListenerAcl),
    ("ALIYUN::ALB::AdditionalCertificateAssociation", Kind::Certificates),
    ("ALIYUN::FC3::Function", Kind::Function),
    ("ALIYUN::FC::Function", Kind::Function),
];

/// The longest text that `Fn::Join` makes, in bytes.
const TEXT_MAX: usize = 1 << 20;

/// How deep functions of a template may stand in one another.
const DEPTH_MAX: usize = 32;

/// Reads the text of a template.
pub(super) fn read(
    text: &str,
    file: &Arc<Path>,
    parameters: &BTreeMap<String, String>,
    problems: &mut Problems,
) -> Option<Source> {
    let root = match yaml::parse_template(text) {
        Ok(document) => document.root,
        Err(problem) => {
            problems.error(&place(file, problem.line), problem.text);
            return None;
        }
    };
    if root.child("ROSTemplateFormatVersion").is_none() {
        problems
            .error(&place(file, root.line), "`ROSTemplateFormatVersion` is missing: this is no ROS template");
    }
    let resources = root.child("Resources");
    let names: HashSet<&str> =
        resources.map(Node::entries).unwrap_or_default().iter().map(|own| own.key.as_str()).collect();
    let template = Template { root: &root, names, parameters };
    let mut all = Vec::new();
    for entry in resources.map(Node::entries).unwrap_or_default() {
        let at = place(file, entry.line);
        let Some(kind) = entry.node.child("Type").and_then(Node::scalar) else {
            problems.error(&at, format!("resource `{}` has no `Type`", entry.key));
            continue;
        };
        let Some((_, kind)) = KINDS.iter().find(|(own, _)| *own == kind) else {
            if kind.starts_with("ALIYUN::ALB::") {
                problems.note(&at, format!("`{kind}` is not emulated"));
            }
            continue;
        };
        let node = match entry.node.child("Properties") {
            Some(properties) => template.replace(properties, 0),
            None => Node::empty_map(entry.line),
        };
        all.push(Resource { kind: *kind, address: entry.key.clone(), place: at, node });
    }
    Some(Source { form: Form::Ros, resources: all })
}

struct Template<'a> {
    root: &'a Node,
    names: HashSet<&'a str>,
    parameters: &'a BTreeMap<String, String>,
}

impl Template<'_> {
    /// The node with its functions replaced.
    fn replace(&self, node: &Node, depth: usize) -> Node {
        let line = node.line;
        if depth > DEPTH_MAX {
            return Node::text(line, marked("a function that leads too far"));
        }
        match &node.value {
            Value::List(list) => {
                let all = list.iter().map(|item| self.replace(item, depth + 1));
                Node { line, value: Value::List(all.collect()) }
            }
            Value::Map(entries) => {
                if let [only] = entries.as_slice()
                    && let Some(value) = self.call(only, depth + 1)
                {
                    return Node { line, value };
                }
                let all = entries
                    .iter()
                    .map(|own| Entry { node: self.replace(&own.node, depth + 1), ..own.clone() });
                Node { line, value: Value::Map(all.collect()) }
            }
            _ => node.clone(),
        }
    }

    /// The value of a function; `None` if the key is none.
    fn call(&self, entry: &Entry, depth: usize) -> Option<Value> {
        let argument = &entry.node;
        Some(match entry.key.as_str() {
            "Ref" => self.reference(&argument.scalar()?),
            "Fn::GetAtt" => {
                let parts: Vec<String> = match &argument.value {
                    Value::List(list) => list.iter().filter_map(Node::scalar).collect(),
                    _ => argument.scalar()?.splitn(2, '.').map(str::to_owned).collect(),
                };
                Value::Text(self.attribute(&parts.join(".")))
            }
            "Fn::Sub" => {
                let (text, own) = match &argument.value {
                    Value::List(list) => (list.first()?.scalar()?, list.get(1)),
                    _ => (argument.scalar()?, None),
                };
                Value::Text(self.substitute(&text, own, depth))
            }
            "Fn::Join" => {
                let argument = self.replace(argument, depth);
                let [mark, list] = items(&argument) else { return None };
                let texts: Option<Vec<String>> = items(list).iter().map(Node::scalar).collect();
                let (texts, mark) = (texts?, mark.scalar()?);
                let length =
                    texts.iter().map(String::len).sum::<usize>() + texts.len().checked_mul(mark.len())?;
                Value::Text(if length <= TEXT_MAX {
                    texts.join(&mark)
                } else {
                    marked("a text that is too long")
                })
            }
            "Fn::Select" => {
                let argument = self.replace(argument, depth);
                let [at, list] = items(&argument) else { return None };
                let at: usize = at.scalar()?.parse().ok()?;
                items(list).get(at)?.value.clone()
            }
            "Fn::FindInMap" => {
                let argument = self.replace(argument, depth);
                let path: Option<Vec<String>> = items(&argument).iter().map(Node::scalar).collect();
                let mut node = self.root.child("Mappings")?;
                for name in path? {
                    node = node.child(&name)?;
                }
                node.value.clone()
            }
            name if name.starts_with("Fn::") => Value::Text(marked(name)),
            _ => return None,
        })
    }

    fn reference(&self, name: &str) -> Value {
        if let Some(value) = self.parameters.get(name) {
            return Value::Text(value.clone());
        }
        if let Some(parameter) = self.root.child("Parameters").and_then(|all| all.child(name)) {
            return match parameter.child("Default") {
                Some(default) => default.value.clone(),
                None => Value::Text(marked(&format!("Ref.{name}"))),
            };
        }
        if self.names.contains(name) {
            return Value::Text(marked(name));
        }
        Value::Text(marked(&format!("Ref.{name}")))
    }

    /// A value of another resource: as it is written there, else its name.
    fn attribute(&self, name: &str) -> String {
        let written = name.split_once('.').and_then(|(resource, attribute)| {
            let resource = self.root.child("Resources")?.child(resource)?;
            resource.child("Properties")?.child(attribute)?.scalar()
        });
        written.unwrap_or_else(|| marked(name))
    }

    /// `${NAME}` and `${RESOURCE.ATTRIBUTE}`; `${!x}` is a text.
    fn substitute(&self, text: &str, own: Option<&Node>, depth: usize) -> String {
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            out.push_str(before);
            let Some((name, after)) = behind.split_once('}') else {
                out.push_str("${");
                rest = behind;
                continue;
            };
            if let Some(literal) = name.strip_prefix('!') {
                out.extend(["${", literal, "}"]);
            } else if let Some(node) = own.and_then(|own| own.child(name)) {
                out.push_str(&self.replace(node, depth).to_text());
            } else if name.contains('.') {
                out.push_str(&self.attribute(name));
            } else {
                out.push_str(&Node { line: 1, value: self.reference(name) }.to_text());
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}
