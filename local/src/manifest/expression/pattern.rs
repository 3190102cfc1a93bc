//! Regular expressions in the keys of actions and flows: `pre-${regex('deploy|local')}`.

use regress::Regex;

use super::script::{self, Script};
use crate::manifest::node::Value;

/// A part of a key: text, or a pattern that becomes `true` or `false`.
enum Part<'a> {
    Text(&'a str),
    Pattern(Regex),
}

/// The phase and whether the key is for `command`. `Err` names the mistake in the key.
///
/// The deployment tool splits the key at dashes and looks at the first two words, so `pre-deploy-more` is `pre-deploy`.
pub(crate) fn action<'a>(key: &'a str, command: &str) -> Result<(&'a str, bool), String> {
    let phase = key.split(['-', '$']).next().unwrap_or_default();
    let Some(parts) = parts(key)? else {
        return Ok((phase, key.split('-').nth(1) == Some(command)));
    };
    let written = written(&parts, command);
    Ok((phase, written.split('-').nth(1) == Some("true")))
}

/// Whether a flow's key is for `command`.
pub(crate) fn is_match(key: &str, command: &str) -> Result<bool, String> {
    Ok(match parts(key)?.as_deref() {
        None => key == command,
        Some([Part::Pattern(pattern)]) => pattern.find(command).is_some(),
        // Any text counts as true.
        Some(_) => true,
    })
}

fn written(parts: &[Part<'_>], command: &str) -> String {
    let texts = parts.iter().map(|part| match part {
        Part::Text(text) => *text,
        Part::Pattern(pattern) if pattern.find(command).is_some() => "true",
        Part::Pattern(_) => "false",
    });
    texts.collect()
}

/// The parts of a key with patterns in it, `None` for any other key.
fn parts(key: &str) -> Result<Option<Vec<Part<'_>>>, String> {
    let mut parts = Vec::new();
    let mut rest = key;
    let mut has_pattern = false;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((code, behind)) = after.split_once('}') else { break };
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        let source = pattern(code).ok_or_else(|| {
            format!("`{key}`: a key takes an expression like ${{regex('deploy|local')}}, no other")
        })?;
        let pattern = Regex::new(&source)
            .map_err(|error| format!("`{key}`: `{source}` is no regular expression: {error}"))?;
        parts.push(Part::Pattern(pattern));
        has_pattern = true;
        rest = behind;
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(has_pattern.then_some(parts))
}

/// The argument of `regex(…)`, in quotes or bare.
fn pattern(code: &str) -> Option<String> {
    if code.contains(['\'', '"']) {
        let Some(Script::Call(function, arguments)) = script::parse(code) else { return None };
        let is_regex = matches!(*function, Script::Name(name) if name == "regex");
        return match arguments.as_slice() {
            [Script::Literal(Value::Text(pattern)), ..] if is_regex => Some(pattern.clone()),
            _ => None,
        };
    }
    let inner = code.trim().strip_prefix("regex")?.trim_start().strip_prefix('(')?;
    inner.strip_suffix(')').filter(|inner| !inner.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(key: &str, command: &str, expected: bool) {
        let (phase, is_for) = action(key, command).unwrap();
        assert_eq!((phase, is_for), ("pre", expected), "{key}");
    }

    #[test]
    fn keys_name_their_commands_as_for_the_tool() {
        check("pre-deploy", "deploy", true);
        check("pre-deploy", "local", false);
        check("pre-deploy-more", "deploy", true);
        check("pre-${regex('deploy|local')}", "local", true);
        check("pre-${regex('deploy')}", "undeploy", true);
        check("pre-${regex('^deploy$')}", "undeploy", false);
        check("pre-${regex('^(?!local).*')}", "local", false);
        check("pre-${regex('^(?!local).*')}", "deploy", true);
        check("pre-${ regex(\"loc.l\") }", "local", true);
        check("pre-${regex(deploy|local)}", "local", true);
        check("pre-${regex('\\\\w+')}", "local", true);
    }

    #[test]
    fn a_key_that_is_none_is_refused() {
        assert!(action("pre-${regex('(')}", "deploy").unwrap_err().contains("no regular expression"));
        assert!(action("pre-${vars.x}", "deploy").unwrap_err().contains("takes an expression like"));
    }

    #[test]
    fn flows_are_chosen_alike() {
        assert_eq!(is_match("deploy", "deploy"), Ok(true));
        assert_eq!(is_match("${regex('dep.*')}", "deploy"), Ok(true));
        assert_eq!(is_match("${regex('local')}", "deploy"), Ok(false));
    }
}
