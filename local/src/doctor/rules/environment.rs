//! Variables and secrets.

use super::sources::{ENVIRONMENT, TOOL};
use crate::doctor::facts::{Facts, Function};
use crate::doctor::finding::{Finding, Level, Rule};
use crate::event::{Redactor, is_secret_name};
use crate::manifest::{Node, Value};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "variables-too-large",
        level: Level::Error,
        title: "All variables together hold 4 KiB at most.",
        why: "Names and values of `environmentVariables` count together. Beyond 4 KiB the platform refuses the function. \
              Larger settings belong into a file of the code package, or into a store of secrets.",
        source: ENVIRONMENT,
        check: variables_too_large,
    },
    Rule {
        id: "reserved-variable",
        level: Level::Error,
        title: "No variable of one's own begins with FC_.",
        why: "Names that begin with `FC_` belong to the platform, which refuses them. Others begin with a letter, and have \
              letters, digits and `_`.",
        source: ENVIRONMENT,
        check: reserved_variable,
    },
    Rule {
        id: "secret-in-manifest",
        level: Level::Warning,
        title: "No secret is written into the manifest.",
        why: "What stands in `s.yaml` stands in the history of its repository. Let the value come from the shell or from a \
              `.env` beside the manifest, which is not committed: `${env('DB_PASSWORD')}`. The function can also fetch it \
              at its start, with the role that the platform gives it.",
        source: TOOL,
        check: secret_in_manifest,
    },
];

/// The most bytes of all variables.
const VARIABLES_MAX: usize = 4096;

fn variables_too_large(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let variables = function.get(&["environmentVariables"]).map(Node::entries).unwrap_or_default();
        let size: usize =
            variables.iter().map(|entry| entry.key.len() + entry.node.as_text().map_or(0, str::len)).sum();
        if size > VARIABLES_MAX {
            let text = format!("the variables hold {size} bytes; the platform takes {VARIABLES_MAX}");
            let fix = "move large values into a file of the code package";
            found.push(Finding::new(facts.key(function, &["environmentVariables"]), text, fix));
        }
    }
    found
}

fn reserved_variable(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(variables) = function.get(&["environmentVariables"]) else { continue };
        for entry in variables.entries().iter().filter(|entry| entry.key.starts_with("FC_")) {
            let place = facts.at(function, variables, &entry.key);
            let text = format!("`{}`: names that begin with FC_ belong to the platform", entry.key);
            found.push(Finding::new(place, text, format!("APP_{}", &entry.key[3..])));
        }
    }
    found
}

/// The parts of a function's settings in which secrets stand.
const SECRET_PLACES: [&[&str]; 4] = [
    &["environmentVariables"],
    &["customContainerConfig", "registryConfig", "authConfig"],
    &["customDomain", "certConfig"],
    &["customDomain", "authConfig"],
];

fn secret_in_manifest(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(written) = &function.written else { continue };
        for path in SECRET_PLACES {
            let node = path.iter().try_fold(written, |node, key| node.child(key));
            if let Some(node) = node {
                search(facts, function, node, &mut found);
            }
        }
        let triggers = written.child("triggers").map(crate::manifest::items).unwrap_or_default();
        for auth in triggers.iter().filter_map(|trigger| trigger.child("triggerConfig")?.child("authConfig"))
        {
            search(facts, function, auth, &mut found);
        }
    }
    if let Some(variables) = facts.raw.as_ref().and_then(|raw| raw.child("vars")) {
        search(facts, &Function::default(), variables, &mut found);
    }
    found
}

fn search(facts: &Facts, function: &Function, node: &Node, found: &mut Vec<Finding>) {
    for entry in node.entries() {
        match &entry.node.value {
            Value::Map(_) => search(facts, function, &entry.node, found),
            Value::List(items) => items.iter().for_each(|item| search(facts, function, item, found)),
            Value::Text(text) if is_secret(&entry.key, text) => {
                let resource = (!function.resource.is_empty()).then_some(function.resource.as_str());
                let place = facts.manifest.place(entry.line, &entry.key, resource);
                let text = format!("`{}` has its secret written here", entry.key);
                let name = entry.key.to_uppercase();
                found.push(Finding::new(place, text, format!("{}: ${{env('{name}')}}", entry.key)));
            }
            _ => {}
        }
    }
}

/// Whether the value is a secret by the name, or by its own form. One that comes from elsewhere is none.
fn is_secret(name: &str, value: &str) -> bool {
    if value.contains("${") || value.contains("{{") || value.is_empty() {
        return false;
    }
    // The id of an access key of the platform, and a key in PEM.
    let has_form =
        value.starts_with("LTAI") && value.len() >= 16 && value.bytes().all(|b| b.is_ascii_alphanumeric())
            || value.contains("-----BEGIN") && value.contains("PRIVATE KEY-----");
    // A password in an address, such as `mysql://root:password@host`.
    let has_password = Redactor::default().redact(value.to_owned()) != value;
    has_form || has_password || is_secret_field(name, value) && !is_reference(value)
}

/// Words behind a name that tell of something about a secret.
const ABOUT: [&str; 44] = [
    "AGE",
    "ALGORITHM",
    "ARN",
    "AUDIENCE",
    "BUCKET",
    "CLASS",
    "COUNT",
    "ENABLED",
    "ENDPOINT",
    "EXPIRES",
    "EXPIRY",
    "FILE",
    "FORMAT",
    "HEADER",
    "HOST",
    "ID",
    "ISSUER",
    "LENGTH",
    "LIMIT",
    "LOOKUP",
    "MINUTES",
    "MODE",
    "MODEL",
    "NAME",
    "NETWORK",
    "PATH",
    "POLICY",
    "PREFIX",
    "PROVIDER",
    "REF",
    "REGION",
    "ROLE",
    "RULE",
    "SCOPE",
    "SECONDS",
    "SIZE",
    "SUFFIX",
    "TOKENS",
    "TTL",
    "TYPE",
    "URI",
    "URL",
    "USER",
    "VERSION",
];

/// Keys that are secrets by their kind. Others, such as the key of a partition, are so only if they look like one.
const SECRET_KEYS: [&str; 9] =
    ["ACCESS", "API", "AUTH", "ENCRYPTION", "LICENSE", "MASTER", "PRIVATE", "SECRET", "SIGNING"];

fn is_secret_field(name: &str, value: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    let is_about = ABOUT.iter().any(|word| upper.ends_with(word)) || upper.contains("TOKENIZ");
    let is_plain_key = upper.ends_with("_KEY") && !SECRET_KEYS.iter().any(|kind| upper.contains(kind));
    let is_named = is_secret_name(name) || matches!(name, "tokenData" | "password" | "privateKey");
    is_named && !is_about && (!is_plain_key || looks_random(value))
}

/// Whether a value looks like one that a machine made.
fn looks_random(value: &str) -> bool {
    const LENGTH_MIN: usize = 16;
    let has = |is_kind: fn(char) -> bool| value.chars().any(is_kind);
    value.len() >= LENGTH_MIN && has(|c| c.is_ascii_digit()) && has(|c| c.is_ascii_alphabetic())
}

/// A value that is no secret itself: a path, a name in the cloud, a number, a word of settings.
fn is_reference(value: &str) -> bool {
    let is_path = value.starts_with('/') || value.starts_with("./") || value.starts_with("acs:");
    let is_file = [".pem", ".key", ".crt"].iter().any(|ending| value.ends_with(ending));
    let is_word = ["true", "false", "none", "changeme", "change-me", "secret", "password", "xxx", "todo"];
    let is_blank = value.chars().all(|c| matches!(c, '*' | 'x' | 'X' | '.' | '<' | '>'));
    let is_small = value.len() < 6 || value.parse::<f64>().is_ok() && value.len() < 8;
    is_path || is_file || is_blank || is_small || is_word.contains(&value.to_ascii_lowercase().as_str())
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn a_secret_is_known_by_its_name_and_its_form() {
        for (name, value, expected) in [
            ("DB_PASSWORD", "correct-horse", true),
            ("API_KEY", "9f86d081884c7d65", true),
            ("tokenData", "0123456789abcdef0123456789abcdef", true),
            ("KEY", "LTAI5tExampleExampleExample", true),
            ("certificate", "-----BEGIN RSA PRIVATE KEY-----\nx", true),
            ("DB_URL", "mysql://root:correct-horse@db.example:3306/shop", true),
            ("DB_URL", "mysql://root@db.example:3306/shop", false),
            ("DB_PASSWORD", "${env('DB_PASSWORD')}", false),
            ("DB_PASSWORD", "{{ password }}", false),
            ("DB_PASSWORD", "", false),
            ("PASSWORD_FILE", "/run/secrets/db", false),
            ("TOKEN_TTL", "3600000000", false),
            ("SECRET_NAME", "acme/db-password", false),
            ("TOKEN_URL", "https://auth.example/token", false),
            ("tokenLookup", "header:Authorization:Bearer ", false),
            ("PRIVATE_KEY", "./keys/own.pem", false),
            ("USE_TOKEN", "true", false),
            ("PARTITION_KEY", "customer_id", false),
            ("HASH_KEY", "9f86d081884c7d659a2feaa0", true),
            ("TOKENIZER_MODEL", "bert-base-uncased", false),
            ("MAX_TOKENS", "40960000", false),
            ("TOKEN_AUDIENCE", "shop-api-of-ours", false),
            ("PUBLIC_KEY", "MFkwEwYHKoZIzj0CAQYI", false),
            ("GREETING", "hello to everybody", false),
        ] {
            assert_eq!(is_secret(name, value), expected, "{name}: {value}");
        }
    }
}
