//! Where the deployment tool does otherwise than one would think.

use super::sources::{TOOL, TOOL_FC3, TOOL_RUN};
use crate::doctor::facts::{Facts, Function, Text};
use crate::doctor::finding::{Finding, Level, Rule};
use crate::manifest::{Node, Value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "empty-value",
        level: Level::Warning,
        title: "No key is without a value.",
        why: "A key without a value, and `{MODE:fast}` without a blank behind the colon, vanish before the component sees \
              them. A field that vanishes is set back to its default by the deployment.",
        source: TOOL_RUN,
        check: empty_value,
    },
    Rule {
        id: "template-mark",
        level: Level::Error,
        title: "No mark of a template is left.",
        why: "`{{ name }}` is replaced by `s init`, and by nothing later: it is deployed as it stands. `s verify` objects to it \
              only where a value has to be one of a list.",
        source: TOOL_RUN,
        check: template_mark,
    },
    Rule {
        id: "resource-access",
        level: Level::Warning,
        title: "Credentials are chosen at the top of the file.",
        why: "A resource's own `access` changes what `${this.access}` is, and nothing else: the resource is deployed with the \
              credentials of the file, or of `-a`. An expression in the file's `access` is not replaced.",
        source: TOOL_RUN,
        check: resource_access,
    },
    Rule {
        id: "hook-key-suffix",
        level: Level::Warning,
        title: "The key of a hook has a phase and a command.",
        why: "The tool reads two words of a hook's key: `pre-deploy-more` runs before `deploy`, as `pre-deploy` does.",
        source: TOOL_RUN,
        check: hook_key_suffix,
    },
    Rule {
        id: "component-folder",
        level: Level::Error,
        title: "No folder is called fc3.",
        why: "A folder `fc3` in the folder from which `s` is called is taken for the component, in place of the one of the \
              registry. The deployment fails, or runs what lies there.",
        source: TOOL_RUN,
        check: component_folder,
    },
    Rule {
        id: "deploy-output-format",
        level: Level::Warning,
        title: "Scripts deploy without -o.",
        why: "With `-o json`, and any other format, the tool passes over a failed `pre-deploy` hook: it deploys what a failed \
              build left. It ends with 0 even if the deployment itself fails, and `s verify -o json` whatever it finds.",
        source: TOOL_RUN,
        check: deploy_output_format,
    },
    Rule {
        id: "resource-behind-command",
        level: Level::Warning,
        title: "Scripts name a resource before the command.",
        why: "A resource counts as the first word alone: `s web deploy`. In `s deploy web` and `s remove web` the word is \
              passed over, and the command runs for all resources.",
        source: TOOL,
        check: resource_behind_command,
    },
    Rule {
        id: "scaling-twice",
        level: Level::Error,
        title: "Instances are kept by scalingConfig or by provisionConfig.",
        why: "`scalingConfig` is the newer of the two, and the API does not take both for one function.",
        source: TOOL_FC3,
        check: scaling_twice,
    },
];

fn empty_value(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        if let Some(written) = &function.written {
            search_empty(facts, function, written, &mut found);
        }
    }
    found
}

fn search_empty(facts: &Facts, function: &Function, node: &Node, found: &mut Vec<Finding>) {
    if let Value::List(items) = &node.value {
        for item in items {
            search_empty(facts, function, item, found);
        }
    }
    for entry in node.entries() {
        if entry.node.value == Value::Null {
            let place = facts.manifest.place(entry.line, &entry.key, Some(&function.resource));
            let (text, fix) = match entry.key.split_once(':') {
                Some((key, value)) => (
                    format!("`{}` is a key without a value: a blank is missing behind the colon", entry.key),
                    format!("{key}: {value}"),
                ),
                None => (
                    format!("`{}` has no value, so the deployment tool leaves it out", entry.key),
                    "remove the key, or write its value".to_owned(),
                ),
            };
            found.push(Finding::new(place, text, fix));
        }
        search_empty(facts, function, &entry.node, found);
    }
}

fn template_mark(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (number, line) in facts.manifest.lines() {
        // A mark within a longer text may be the app's own.
        let value = line.split(" #").next().unwrap_or(line).split_once(':').map_or("", |(_, value)| value);
        let value = value.trim().trim_matches(['"', '\'']);
        if value.starts_with("{{") && value.ends_with("}}") && !line.trim_start().starts_with('#') {
            let place = facts.manifest.place(number, "{{", None);
            found.push(Finding::new(
                place,
                "the mark of a template is deployed as it stands",
                "write the value",
            ));
        }
    }
    found
}

fn resource_access(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(raw) = &facts.raw else { return found };
    let general = raw.entry("access");
    if let Some(entry) = general.filter(|entry| entry.node.as_text().is_some_and(|text| text.contains("${")))
    {
        let place = facts.manifest.place(entry.line, "access", None);
        found.push(Finding::new(place, "the expression in `access` is not replaced", "s deploy -a NAME"));
    }
    for resource in raw.child("resources").map(Node::entries).unwrap_or_default() {
        let Some(entry) = resource.node.entry("access") else { continue };
        if general
            .is_none_or(|general| general.node != entry.node && general.node.scalar() != entry.node.scalar())
        {
            let place = facts.manifest.place(entry.line, "access", Some(&resource.key));
            let text = "the `access` of a resource does not choose its credentials";
            found.push(Finding::new(place, text, "s deploy -a NAME"));
        }
    }
    found
}

fn hook_key_suffix(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let Some(raw) = &facts.raw else { return found };
    let resources = raw.child("resources").map(Node::entries).unwrap_or_default();
    for owner in resources.iter().map(|entry| &entry.node).chain([raw]) {
        for entry in owner.child("actions").map(Node::entries).unwrap_or_default() {
            let words: Vec<&str> = entry.key.split('-').collect();
            if words.len() > 2 && !entry.key.contains("${") {
                let place = facts.manifest.place(entry.line, &entry.key, None);
                let meant = format!("{}-{}", words[0], words[1]);
                let text = format!("`{}` runs as `{meant}` does", entry.key);
                found.push(Finding::new(place, text, format!("{meant}:")));
            }
        }
    }
    found
}

fn component_folder(facts: &Facts) -> Vec<Finding> {
    if !facts.has_component_folder {
        return Vec::new();
    }
    let raw = facts.raw.as_ref().and_then(|raw| raw.child("resources"));
    let line = raw.map_or(1, |resources| resources.line);
    let place = facts.manifest.place(line, "component", None);
    vec![Finding::new(
        place,
        "the folder `fc3` beside the manifest is taken for the component",
        "give the folder another name",
    )]
}

/// The words of a line from `s` on, for each call of the deployment tool on it.
fn calls(line: &str) -> impl Iterator<Item = Vec<&str>> {
    let parts = line.split(['&', ';', '|', '"', '\'']).flat_map(|part| part.split("- run:"));
    parts.filter_map(|part| {
        let mut words =
            part.split_whitespace().skip_while(|word| matches!(*word, "run:" | "-" | "npx" | "sudo" | "@s"));
        let is_tool = matches!(words.next(), Some("s" | "@serverless-devs/s"));
        is_tool.then(|| words.collect())
    })
}

/// A finding for each call of the tool in scripts of which `tell` says something.
fn in_scripts(facts: &Facts, tell: impl Fn(&[&str]) -> Option<(String, String)>) -> Vec<Finding> {
    let mut found = Vec::new();
    for script in &facts.scripts {
        for (number, line) in script.lines().filter(|(_, line)| !line.trim_start().starts_with('#')) {
            for words in calls(line) {
                if let Some((text, fix)) = tell(&words) {
                    found.push(Finding::new(Text::place(script, number, "", None), text, fix));
                }
            }
        }
    }
    found
}

fn deploy_output_format(facts: &Facts) -> Vec<Finding> {
    in_scripts(facts, |words| {
        let command = ["deploy", "verify"].into_iter().find(|command| words.contains(command))?;
        let is_format =
            |word: &&&str| **word == "-o" || word.starts_with("-o=") || word.starts_with("--output-format");
        let format = words.iter().find(is_format)?;
        let text =
            format!("`s {command} {format}` ends with 0 after failures that it would stop at otherwise");
        Some((text, format!("s {command}")))
    })
}

fn resource_behind_command(facts: &Facts) -> Vec<Finding> {
    let names: Vec<&str> = facts.functions.iter().map(|function| function.resource.as_str()).collect();
    in_scripts(facts, |words| {
        let [command, name, ..] = words else { return None };
        let is_command = matches!(*command, "deploy" | "remove" | "info" | "plan" | "invoke" | "build");
        (is_command && names.contains(name) && names.len() > 1).then(|| {
            let text = format!("`s {command} {name}` runs for all resources");
            (text, format!("s {name} {command}"))
        })
    })
}

fn scaling_twice(facts: &Facts) -> Vec<Finding> {
    let both = |function: &&Function| function.has("scalingConfig") && function.has("provisionConfig");
    let finding = |function: &Function| {
        let place = facts.key(function, &["provisionConfig"]);
        Finding::new(
            place,
            "`scalingConfig` and `provisionConfig` exclude one another",
            "scalingConfig:\n  minInstances: 1",
        )
    };
    facts.functions.iter().filter(both).map(finding).collect()
}

#[cfg(test)]
mod tests {
    use super::calls;

    #[test]
    fn calls_of_the_tool_are_found_in_lines_of_scripts() {
        for (line, expected) in [
            ("s deploy -y", vec![vec!["deploy", "-y"]]),
            ("cd app && s deploy web; s info", vec![vec!["deploy", "web"], vec!["info"]]),
            ("      - run: s deploy -o json", vec![vec!["deploy", "-o", "json"]]),
            ("\t\"deploy\": \"s deploy\",", vec![vec!["deploy"]]),
            ("npx @serverless-devs/s verify", vec![vec!["verify"]]),
            ("echo this is s deploy", vec![]),
            ("ls deploy", vec![]),
        ] {
            assert_eq!(calls(line).collect::<Vec<_>>(), expected, "{line}");
        }
    }
}
