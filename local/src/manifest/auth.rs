//! Reads who may call: `authType` and `authConfig`.

use std::collections::HashSet;

use fc_runtime::platform::names::RESERVED_PREFIX;
use http::HeaderName;

use super::node::{Entry, Node, Value};
use super::reader::Reader;
use crate::model::{
    Auth, AuthPaths, BasicUser, BearerToken, ClaimPass, Jwk, JwtAuth, KeySource, Position, Secret,
    TokenLookup,
};

/// The keys of `authConfig`. In JSON text they are found in any case: the platform's own documents write several.
const KEYS: [&str; 7] = ["jwks", "tokenLookup", "claimPassBy", "whitelist", "blacklist", "tokens", "users"];

/// Headers that no claim can set: each side of a connection sets its own.
const OWN_HEADERS: [&str; 13] = [
    "connection",
    "content-length",
    "content-type",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The most tokens or users of one trigger.
const LIST_MAX: usize = 20;

fn is_settable(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    !name.starts_with(RESERVED_PREFIX) && !OWN_HEADERS.contains(&name.as_str())
}

/// Reads the authentication that `authType` of `node` names, whose settings stand under `config`. `None` after a
/// problem: nothing is served open by mistake.
pub(super) fn read(node: &Node, config: &str, reader: &mut Reader<'_>) -> Option<Auth> {
    let kind = reader.required_text(node, "authType")?;
    match kind.as_str() {
        "anonymous" => return Some(Auth::Anonymous),
        "function" => return Some(Auth::Function),
        "jwt" | "bearer" | "basic" => {}
        other => {
            let text = format!("`{other}` does not exist; use anonymous, function, jwt, bearer or basic");
            reader.error(node, "authType", &text);
            return None;
        }
    }
    let Some(entry) = node.entry(config).filter(|entry| entry.node.is_something()) else {
        if !node.is_failed(config) {
            let line = node.entry("authType").map_or(node.line, |entry| entry.line);
            reader.push(line, format!("`{config}` is missing: `authType: {kind}` needs one"));
        }
        return None;
    };
    let settings = settings(entry, reader)?;
    match kind.as_str() {
        "jwt" => jwt(&settings, reader).map(|jwt| Auth::Jwt(Box::new(jwt))),
        "bearer" => tokens(&settings, reader).map(Auth::Bearer),
        _ => users(&settings, reader).map(Auth::Basic),
    }
}

/// The settings as a map: they are written as one, or as JSON text.
fn settings(entry: &Entry, reader: &mut Reader<'_>) -> Option<Node> {
    match &entry.node.value {
        Value::Map(_) => Some(entry.node.clone()),
        Value::Text(text) => {
            let Ok(json @ serde_json::Value::Object(_)) = serde_json::from_str(text) else {
                // The text itself is not shown: it may hold secrets.
                reader
                    .push(entry.line, format!("`{}` must be a map, or the text of a JSON object", entry.key));
                return None;
            };
            let mut node = Node::from_json(entry.line, json);
            if let Value::Map(entries) = &mut node.value {
                for entry in entries {
                    if let Some(known) = KEYS.iter().find(|known| known.eq_ignore_ascii_case(&entry.key)) {
                        (*known).clone_into(&mut entry.key);
                    }
                }
            }
            Some(node)
        }
        _ => {
            reader.push(entry.line, format!("`{}` must be a map but is {}", entry.key, entry.node.kind()));
            None
        }
    }
}

fn jwt(node: &Node, reader: &mut Reader<'_>) -> Option<JwtAuth> {
    let keys = keys(node, reader);
    let lookups = list(node, "tokenLookup", ["readPosition", "parameterName", "prefix"], reader);
    let lookups = every(lookups.iter().enumerate(), |(at, (line, item))| lookup(at, *line, item, reader));
    if lookups.as_ref().is_some_and(Vec::is_empty) && !node.is_failed("tokenLookup") {
        let text = "is missing: say where the token stands, as `header:Authorization:Bearer `";
        reader.error(node, "tokenLookup", text);
    }
    let claims =
        list(node, "claimPassBy", ["mappingParameterPosition", "claimName", "mappingParameterName"], reader);
    // The deployment tool writes `query::` where nothing is declared.
    let declared =
        claims.iter().enumerate().filter(|(_, (_, [_, claim, name]))| !(claim.is_empty() && name.is_empty()));
    let claims = every(declared, |(at, (line, item))| claim_pass(at, *line, item, reader));
    let paths = paths(node, reader)?;
    let lookups = lookups.filter(|lookups| !lookups.is_empty())?;
    Some(JwtAuth { keys: keys?, lookups, claims: claims?, paths })
}

/// What `read` makes of all items, or `None` if one of them is wrong. All of them are read, so that each mistake is told.
fn every<I, T>(items: impl Iterator<Item = I>, read: impl FnMut(I) -> Option<T>) -> Option<Vec<T>> {
    let read: Vec<Option<T>> = items.map(read).collect();
    read.into_iter().collect()
}

fn lookup(
    at: usize,
    line: usize,
    [position, name, prefix]: &[String; 3],
    reader: &mut Reader<'_>,
) -> Option<TokenLookup> {
    let key = format!("tokenLookup[{at}]");
    let position = self::position(&key, line, position, name, reader)?;
    if !prefix.is_empty() && position != Position::Header {
        reader.push(line, format!("`{key}`: only a header has a prefix"));
        return None;
    }
    if prefix.eq_ignore_ascii_case("bearer") {
        let text = format!(
            "`{key}`: the prefix `{prefix}` has no space at its end, so the space would be part of the token"
        );
        reader.note(line, text);
    }
    Some(TokenLookup { position, name: name.clone(), prefix: prefix.clone() })
}

fn claim_pass(
    at: usize,
    line: usize,
    [position, claim, name]: &[String; 3],
    reader: &mut Reader<'_>,
) -> Option<ClaimPass> {
    let key = format!("claimPassBy[{at}]");
    let position = self::position(&key, line, position, name, reader)?;
    if claim.is_empty() {
        reader.push(line, format!("`{key}` needs the name of a claim"));
        return None;
    }
    if position == Position::Header && !is_settable(name) {
        reader.push(line, format!("`{key}`: the header `{name}` is the platform's or the connection's own"));
        return None;
    }
    Some(ClaimPass { position, claim: claim.clone(), name: name.clone() })
}

fn keys(node: &Node, reader: &mut Reader<'_>) -> Option<KeySource> {
    let Some(set) = node.child("jwks") else {
        if !node.is_failed("jwks") {
            reader.error(node, "jwks", "is missing: the keys that tokens are verified with");
        }
        return None;
    };
    if let Some(url) = set.child("url").filter(|_| set.child("keys").is_none()) {
        let text = reader.text(set, "url")?;
        if !text.starts_with("http://") && !text.starts_with("https://") || text.parse::<http::Uri>().is_err()
        {
            reader.error(set, "url", "must be an address that begins with `http://` or `https://`");
            return None;
        }
        reader.note(url.line, "`jwks.url` exists only here: the platform takes `jwks.keys`".to_owned());
        return Some(KeySource::Url(text));
    }
    let Some(Node { value: Value::List(items), .. }) = set.child("keys") else {
        reader.push(set.line, "`jwks` needs `keys`, a list".to_owned());
        return None;
    };
    let mut keys = Vec::new();
    for (at, item) in items.iter().enumerate() {
        match Jwk::read(&item.to_json()) {
            Ok(key) => keys.push(key),
            Err(text) => reader.push(item.line, format!("`jwks.keys[{at}]` {text}")),
        }
    }
    if items.is_empty() {
        reader.push(set.line, "`jwks` has no key, so no token could be valid".to_owned());
    }
    if let Some(text) = Jwk::fault_of_set(&keys) {
        reader.push(set.line, format!("the keys of `jwks` {text}"));
        return None;
    }
    (!keys.is_empty() && keys.len() == items.len()).then_some(KeySource::Inline(keys))
}

/// The items of a comma-separated text such as `header:Authorization:Bearer `, or of a list of maps, with their lines.
fn list(node: &Node, key: &str, names: [&str; 3], reader: &mut Reader<'_>) -> Vec<(usize, [String; 3])> {
    let Some(child) = node.child(key) else { return Vec::new() };
    match &child.value {
        Value::Text(text) => text
            .split(',')
            .filter(|item| !item.trim().is_empty())
            .map(|item| {
                // A space at the end belongs to the prefix.
                let mut parts = item.trim_start().splitn(3, ':').map(str::to_owned);
                (child.line, std::array::from_fn(|_| parts.next().unwrap_or_default()))
            })
            .collect(),
        Value::List(items) => items
            .iter()
            .map(|item| (item.line, names.map(|name| reader.text(item, name).unwrap_or_default())))
            .collect(),
        _ => {
            reader.error(node, key, &format!("must be text or a list but is {}", child.kind()));
            Vec::new()
        }
    }
}

fn position(key: &str, line: usize, position: &str, name: &str, reader: &mut Reader<'_>) -> Option<Position> {
    let found = match position {
        "header" => Position::Header,
        "cookie" => Position::Cookie,
        "query" => Position::Query,
        "form" => Position::Form,
        _ => {
            reader.push(
                line,
                format!("`{key}`: `{position}` is no place; there are header, cookie, query and form"),
            );
            return None;
        }
    };
    let is_name = match found {
        // The name of a cookie is a token too.
        Position::Header | Position::Cookie => HeaderName::from_bytes(name.as_bytes()).is_ok(),
        Position::Query | Position::Form => !name.is_empty(),
    };
    if !is_name {
        reader.push(line, format!("`{key}`: `{name}` is no name for a {position} parameter"));
    }
    is_name.then_some(found)
}

fn paths(node: &Node, reader: &mut Reader<'_>) -> Option<AuthPaths> {
    let (white, black) = (reader.texts(node, "whitelist"), reader.texts(node, "blacklist"));
    let mut is_good = true;
    if !white.is_empty() && !black.is_empty() {
        reader.error(node, "blacklist", "and `whitelist` exclude one another");
        is_good = false;
    }
    for (key, patterns) in [("whitelist", &white), ("blacklist", &black)] {
        let line = node.entry(key).map_or(node.line, |entry| entry.line);
        for (at, pattern) in patterns.iter().enumerate() {
            let fixed = pattern.strip_suffix('*').unwrap_or(pattern);
            if !pattern.starts_with('/') || fixed.contains(['*', '?', '#']) {
                let why = "a path begins with `/`, and a `*` stands at its end only";
                reader.push(line, format!("`{key}[{at}]` is `{pattern}`: {why}"));
                is_good = false;
            }
        }
    }
    if !is_good {
        return None;
    }
    Some(match (white.is_empty(), black.is_empty()) {
        (false, _) => AuthPaths::AllBut(white),
        (_, false) => AuthPaths::Only(black),
        _ => AuthPaths::All,
    })
}

fn tokens(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<BearerToken>> {
    let items = items(node, "tokens", reader)?;
    let tokens = every(items.iter().enumerate(), |(at, item)| {
        let name = field(item, ("tokens", at, "tokenName"), reader, |name| {
            let starts_well = !name.starts_with(|c: char| c.is_ascii_digit() || c == '-');
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-');
            let is_good = starts_well && (1..=128).contains(&name.len()) && name.bytes().all(is_name);
            let form = "must be 1 to 128 letters, digits, `_` or `-`, not starting with a digit or `-`";
            if is_good { Ok(()) } else { Err(form) }
        });
        let token = field(item, ("tokens", at, "tokenData"), reader, |token| {
            let is_token = |b: u8| b.is_ascii_alphanumeric() || b"+/=-~.".contains(&b);
            let is_good = (32..=128).contains(&token.len()) && token.bytes().all(is_token);
            if is_good { Ok(()) } else { Err("must be 32 to 128 letters, digits or `+/=-~.`") }
        });
        let is_enabled = reader.boolean(item, "enable", true);
        Some(BearerToken { name: name?, token: Secret::new(token?), is_enabled })
    })?;
    check_names(node, "tokens", tokens.iter().map(|token| token.name.as_str()), reader)?;
    Some(tokens)
}

fn users(node: &Node, reader: &mut Reader<'_>) -> Option<Vec<BasicUser>> {
    const SPECIAL: &[u8] = b"!@#$%^&*()";
    let items = items(node, "users", reader)?;
    let users = every(items.iter().enumerate(), |(at, item)| {
        let name = field(item, ("users", at, "username"), reader, |name| {
            let is_name = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
            let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
            let is_good = (12..=128).contains(&name.len()) && starts_well && name.bytes().all(is_name);
            let form = "must be 12 to 128 letters, digits, `_`, `-` or `.`, starting with a letter";
            if is_good { Ok(()) } else { Err(form) }
        });
        let password = field(item, ("users", at, "password"), reader, |password| {
            let has = |is: &dyn Fn(u8) -> bool| password.bytes().any(is);
            let is_strong = has(&|b| b.is_ascii_uppercase())
                && has(&|b| b.is_ascii_lowercase())
                && has(&|b| b.is_ascii_digit())
                && has(&|b| SPECIAL.contains(&b));
            let form = "must be 12 to 128 characters, with an upper-case and a lower-case letter, a digit and one of `!@#$%^&*()`";
            if (12..=128).contains(&password.len()) && is_strong { Ok(()) } else { Err(form) }
        });
        Some(BasicUser { name: name?, password: Secret::new(password?) })
    })?;
    check_names(node, "users", users.iter().map(|user| user.name.as_str()), reader)?;
    Some(users)
}

/// A text of one item of a list, which `check` finds good. A mistake names the item: all may stand in one line.
fn field(
    item: &Node,
    (list, at, key): (&str, usize, &str),
    reader: &mut Reader<'_>,
    check: impl FnOnce(&str) -> Result<(), &'static str>,
) -> Option<String> {
    let line = item.entry(key).map_or(item.line, |entry| entry.line);
    let fault = match item.child(key).map(|child| (child, child.scalar())) {
        None if item.is_failed(key) => return None,
        None => "is missing".to_owned(),
        Some((child, None)) => format!("must be text but is {}", child.kind()),
        Some((_, Some(text))) => match check(&text) {
            Ok(()) => return Some(text),
            Err(form) => form.to_owned(),
        },
    };
    reader.push(line, format!("`{list}[{at}].{key}` {fault}"));
    None
}

fn items<'a>(node: &'a Node, key: &str, reader: &mut Reader<'_>) -> Option<&'a [Node]> {
    match node.child(key).map(|child| &child.value) {
        Some(Value::List(items)) if (1..=LIST_MAX).contains(&items.len()) => Some(items),
        Some(Value::List(items)) => {
            reader.error(node, key, &format!("must have 1 to {LIST_MAX} items but has {}", items.len()));
            None
        }
        Some(_) => {
            reader.error(node, key, "must be a list");
            None
        }
        None => {
            if !node.is_failed(key) {
                reader.error(node, key, "is missing");
            }
            None
        }
    }
}

fn check_names<'a>(
    node: &Node,
    key: &str,
    names: impl Iterator<Item = &'a str>,
    reader: &mut Reader<'_>,
) -> Option<()> {
    let mut seen = HashSet::new();
    let twice: Vec<&str> = names.filter(|name| !seen.insert(*name)).collect();
    for name in &twice {
        let line = node.entry(key).map_or(node.line, |entry| entry.line);
        reader.push(line, format!("`{key}.{name}` is there twice"));
    }
    twice.is_empty().then_some(())
}
