//! Public items and their examples: who has one, and who links to one.

use std::collections::BTreeSet;

use crate::tidy::{Source, Sources};

/// A documented item of a package.
#[derive(Debug)]
struct Item {
    /// `At`, or `At::cors` for what belongs to a type.
    name: String,
    docs: String,
    /// `src/app/at.rs:13`.
    place: String,
    /// Whether the rule holds for the item itself: public, and in no type.
    is_subject: bool,
    is_constant: bool,
}

impl Sources {
    /// Each public type, trait and function shows how to use it: by a code block in its documentation, or by a link to an item,
    /// a method or a module whose documentation has one. A constant may leave that to the module around it.
    #[track_caller]
    pub fn check_examples(&self) {
        let items: Vec<Item> = self.iter().flat_map(items).collect();
        let modules = self.iter().map(|file| (module(file), inner_docs(&file.text)));
        let documented = items.iter().map(|item| (item.name.clone(), item.docs.clone())).chain(modules);
        let shown: BTreeSet<String> =
            documented.filter(|(_, docs)| has_code(docs)).map(|(name, _)| name).collect();
        let in_module = |item: &Item| {
            let file = item.place.split(':').next().unwrap_or_default();
            self.iter().any(|source| source.name == file && has_code(&inner_docs(&source.text)))
        };
        let lacks = |item: &&Item| {
            let links = links(&item.docs);
            let has_example = has_code(&item.docs)
                || links.iter().any(|link| leads_to(link, &item.name, &shown))
                || (item.is_constant && in_module(item));
            item.is_subject && !has_example
        };
        let missing: Vec<String> =
            items.iter().filter(lacks).map(|item| format!("{}: {}", item.place, item.name)).collect();
        assert!(missing.is_empty(), "no example, and no link to one:\n{}", missing.join("\n"));
    }
}

fn has_code(docs: &str) -> bool {
    docs.contains("```")
}

/// Whether the target of a link is one of `shown`. The methods of a macro belong to every type, `$builder` in the sources.
fn leads_to(target: &str, own: &str, shown: &BTreeSet<String>) -> bool {
    let target = target.trim_end_matches("()").replace("Self", own);
    let parts: Vec<&str> = target.split("::").collect();
    match parts[..] {
        [.., of, name] if of.starts_with(char::is_uppercase) => {
            shown.contains(&format!("{of}::{name}")) || shown.contains(&format!("$builder::{name}"))
        }
        [.., name] => shown.contains(name),
        [] => false,
    }
}

/// The targets of links: `b` of `[a](b)` and of `[b]`.
fn links(docs: &str) -> Vec<&str> {
    let written_out = docs.split("](").skip(1).filter_map(|rest| rest.split_once(')'));
    let short = docs.split("[`").skip(1).filter_map(|rest| rest.split_once("`]"));
    let short = short.filter(|(_, behind)| !behind.starts_with('('));
    written_out.chain(short).map(|(target, _)| target).collect()
}

/// What `//!` says.
fn inner_docs(text: &str) -> String {
    let lines = text.lines().take_while(|line| line.starts_with("//!"));
    lines.map(|line| line[3..].to_owned() + "\n").collect()
}

/// The name of the module that a file is; `crate` for the root.
fn module(file: &Source) -> String {
    let path = file.name.trim_end_matches(".rs").trim_end_matches("/mod");
    let name = path.rsplit('/').next().unwrap_or(path);
    if name == "lib" { "crate" } else { name }.to_owned()
}

fn items(file: &Source) -> Vec<Item> {
    let end = file.text.find("#[cfg(test)]\nmod ").unwrap_or(file.text.len());
    let (mut found, mut docs, mut holder, mut is_attribute) =
        (Vec::new(), String::new(), String::new(), false);
    for (at, line) in file.text[..end].lines().enumerate() {
        let (code, is_outside) = (line.trim(), !line.starts_with(' '));
        if let Some(doc) = code.strip_prefix("///") {
            docs.extend([doc, "\n"]);
            continue;
        }
        if is_attribute || code.starts_with("#[") || code.starts_with("//") {
            is_attribute = (is_attribute || code.starts_with("#[")) && !code.ends_with(']');
            continue;
        }
        if code.starts_with("impl") {
            holder = implementor(code);
        }
        let docs = std::mem::take(&mut docs);
        let Some((kind, name)) = declared(code) else { continue };
        let is_public = code.starts_with("pub ");
        if is_outside && kind == "trait" {
            name.clone_into(&mut holder);
        }
        found.push(Item {
            name: if is_outside { name.to_owned() } else { format!("{holder}::{name}") },
            docs,
            place: format!("{}:{}", file.name, at + 1),
            is_subject: is_outside && is_public,
            is_constant: kind == "const",
        });
    }
    found
}

/// The keyword of a declaration and the name behind it.
fn declared(code: &str) -> Option<(&str, &str)> {
    let code = code.strip_prefix("pub ").unwrap_or(code);
    let code = code.strip_prefix("async ").unwrap_or(code);
    let (kind, rest) = code.split_once(' ')?;
    let name = &rest[..rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len())];
    let is_known = ["struct", "enum", "trait", "type", "fn", "const"].contains(&kind);
    (is_known && !name.is_empty()).then_some((kind, name))
}

/// `At` of `impl<S: Into<u8>> From<S> for At {`.
fn implementor(code: &str) -> String {
    let mut depth = 0;
    let rest = code.trim_start_matches("impl").trim_start_matches(|c: char| {
        depth += i32::from(c == '<') - i32::from(c == '>');
        depth > 0 || c == '>'
    });
    let name = rest.rsplit(" for ").next().unwrap_or(rest).trim();
    name.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn items_have_their_docs() {
        let text = "//! A file.\n\n/// A place: [`at`].\n#[doc(alias = \"a\")]\n#[must_use(\n    \"b\"\n)]\npub struct At {\n    \
                    a: u8,\n}\n\nimpl<S: Into<u8>> At<S> {\n    /// With an example.\n    /// ```\n    /// ```\n    \
                    pub fn cors(self) {}\n}\n\npub(crate) struct Hidden;\n";
        let source = Source {
            path: "src/at.rs".into(),
            name: "src/at.rs".to_owned(),
            module: "at".to_owned(),
            text: text.to_owned(),
        };
        let found = items(&source);
        let names: Vec<_> = found.iter().map(|item| (&*item.name, item.is_subject)).collect();
        assert_eq!(names, [("At", true), ("At::cors", false)]);
        assert_eq!(found[0].docs, " A place: [`at`].\n");
        assert!(has_code(&found[1].docs));
    }

    #[test]
    fn a_link_leads_to_an_example() {
        let shown: BTreeSet<String> =
            ["At", "App::event", "$builder::group", "grpc"].map(str::to_owned).into();
        for (docs, expected) in [
            ("see [`At`]", true),
            ("see [a place](crate::At)", true),
            ("see [`App::event`](crate::App::event)", true),
            ("see [`Group::group`]", true),
            ("see [gRPC](crate::grpc)", true),
            ("see [`Self::event`]", true),
            ("see [`Event::event`]", false),
            ("see [`Reply`](crate::Reply)", false),
            ("see `At`", false),
        ] {
            let leads = links(docs).iter().any(|link| leads_to(link, "App", &shown));
            assert_eq!(leads, expected, "{docs}");
        }
    }

    #[test]
    fn an_impl_names_its_type() {
        for (code, name) in [
            ("impl App {", "App"),
            ("impl<S: Into<u8>> From<S> for At {", "At"),
            ("impl<S: Send> $builder<S> {", "$builder"),
            ("impl<T: IntoReply> IntoReply for Result<T, Error> {", "Result"),
        ] {
            assert_eq!(implementor(code), name, "{code}");
        }
    }
}
