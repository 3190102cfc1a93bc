//! Variables within the values of a `.env` file: `$NAME`, `${NAME}`, `${NAME:-default}`.

/// The most replacements in one value, and its largest length.
const STEPS_MAX: usize = 1000;
const LENGTH_MAX: usize = 256 * 1024;

/// Replaces the variables in `value`, the last one first. `\$` stands for a dollar. `known` holds the set variables.
/// `later` is asked if neither `known` nor a default has a value. `None` if the value refers to itself.
pub(super) fn expand(
    value: &str,
    known: &dyn Fn(&str) -> Option<String>,
    later: &dyn Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut value = value.to_owned();
    for _ in 0..STEPS_MAX {
        let Some(reference) = last(&value) else { return Some(value.replace("\\$", "$")) };
        let is_set = |text: &String| !text.is_empty();
        let replacement = known(reference.name)
            .filter(is_set)
            .or_else(|| reference.default.map(str::to_owned).filter(is_set))
            .or_else(|| later(reference.name).filter(is_set))
            .unwrap_or_default();
        // The deployment tool replaces the first occurrence of the text, even inside another reference.
        let at = value.find(reference.whole)?;
        let (before, behind) = (&value[..at], &value[at + reference.whole.len()..]);
        let inserted = with_marks(&replacement, before, reference.whole, behind);
        value = format!("{before}{inserted}{behind}");
        if value.len() > LENGTH_MAX {
            return None;
        }
    }
    None
}

struct Reference<'a> {
    whole: &'a str,
    name: &'a str,
    default: Option<&'a str>,
}

/// The last unescaped dollar sign, with the name after it.
fn last(value: &str) -> Option<Reference<'_>> {
    let at = value.rmatch_indices('$').map(|(at, _)| at).find(|at| !value[..*at].ends_with('\\'))?;
    let whole = &value[at..];
    let after = &whole[1..];
    let inner = after.strip_prefix('{').unwrap_or(after);
    let is_outer = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
    let (name, behind) = inner.split_at(inner.find(is_outer).unwrap_or(inner.len()));
    if name.is_empty() {
        return None;
    }
    let default = behind.strip_prefix(":-").map(|text| &text[..text.find(['}', '\\']).unwrap_or(text.len())]);
    let behind = &behind[default.map_or(0, |default| default.len() + 2)..];
    let behind = behind.strip_prefix('}').unwrap_or(behind);
    Some(Reference { whole: &whole[..whole.len() - behind.len()], name, default })
}

/// The replacement with JavaScript's marks replaced: `$$`, `$&`, `` $` `` and `$'`.
fn with_marks(replacement: &str, before: &str, whole: &str, behind: &str) -> String {
    let mut out = String::new();
    let mut rest = replacement;
    while let Some((text, after)) = rest.split_once('$') {
        out.push_str(text);
        let mark = match after.chars().next() {
            Some('$') => "$",
            Some('&') => whole,
            Some('`') => before,
            Some('\'') => behind,
            _ => {
                out.push('$');
                rest = after;
                continue;
            }
        };
        out.push_str(mark);
        rest = &after[1..];
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: &str) {
        let known = |name: &str| match name {
            "A" => Some("a".to_owned()),
            "MARK" => Some("x$&".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        assert_eq!(expand(value, &known, &|_| None).as_deref(), Some(expected), "{value}");
    }

    #[test]
    fn variables_are_replaced_as_by_the_tool() {
        check("$A-${A}-\\$A", "a-a-$A");
        check("${NO:-x}${EMPTY:-y}${A:-z}", "xya");
        // Without braces, a default reaches to the end of the line.
        check("$NO:-x y", "x y");
        check("$A}", "a");
        check("100$", "100$");
        check("$", "$");
        // The first occurrence of the text is replaced.
        check("$AB $A", "aB a");
    }

    #[test]
    fn a_value_that_grows_ends() {
        assert_eq!(expand("$MARK", &|_| Some("$MARK$MARK".to_owned()), &|_| None), None);
    }
}
