//! The assignments in a `.env` file's text.

/// `NAME=value` or `NAME: value`, in the file's order; the last one of a name counts.
///
/// Quotes keep blanks, `#` and line feeds in a value. Blanks around the sign, and before an opening quote, may hold
/// line feeds too.
pub(super) fn parse(text: &str) -> Vec<(String, String)> {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let mut found: Vec<(String, String)> = Vec::new();
    let mut rest = text.as_str();
    loop {
        rest = trim_start(rest);
        if rest.is_empty() {
            return found;
        }
        if let Some((name, value, behind)) = assignment(rest) {
            match found.iter_mut().find(|(own, _)| own == name) {
                Some((_, own)) => *own = value,
                None => found.push((name.to_owned(), value)),
            }
            rest = behind;
        }
        rest = rest.find('\n').map_or("", |end| &rest[end..]);
    }
}

/// A name, its value, and the text behind them.
fn assignment(text: &str) -> Option<(&str, String, &str)> {
    let exported = text.strip_prefix("export").map(|rest| (rest, trim_start(rest)));
    let exported = exported.filter(|(all, rest)| rest.len() < all.len()).and_then(|(_, rest)| named(rest));
    exported.or_else(|| named(text))
}

fn named(text: &str) -> Option<(&str, String, &str)> {
    let is_inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    let end = text.find(|c| !is_inner(c)).unwrap_or(text.len());
    let (name, behind) = text.split_at(end);
    if name.is_empty() {
        return None;
    }
    // One blank belongs to the colon. If it is a line feed, the value is on the next line.
    let after_colon = || behind.strip_prefix(':')?.strip_prefix(is_blank);
    let value = trim_start(behind).strip_prefix('=').or_else(after_colon)?;
    let (value, behind) = quoted(value).unwrap_or_else(|| {
        let end = value.find(['#', '\n']).unwrap_or(value.len());
        (&value[..end], &value[end..])
    });
    Some((name, plain(value.trim_matches(is_blank)), behind))
}

/// A quoted value with its quotes, and the text behind the value.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let text = trim_start(text);
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'))?;
    let mut escaped = Vec::new();
    let mut ends = Vec::new();
    for (at, _) in text.match_indices(quote).skip(1) {
        if text[..at].ends_with('\\') {
            escaped.push(at);
        } else {
            ends.push(at);
            break;
        }
    }
    // An escaped quote ends the value only if no other quote does.
    ends.extend(escaped.into_iter().rev());
    ends.into_iter().map(|at| text.split_at(at + 1)).find(|(_, behind)| is_end(behind))
}

/// Whether the rest of the line is blank or a comment.
fn is_end(text: &str) -> bool {
    let line = text.split('\n').next().unwrap_or_default();
    let rest = line.trim_start_matches(is_blank);
    rest.is_empty() || rest.starts_with('#')
}

/// The value without its quotes.
fn plain(value: &str) -> String {
    let quote = value.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'));
    let inner = quote.and_then(|quote| value[1..].strip_suffix(quote)).unwrap_or(value);
    if quote == Some('"') { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() }
}

fn trim_start(text: &str) -> &str {
    text.trim_start_matches(is_blank)
}

/// JavaScript's blanks, the byte order mark among them.
fn is_blank(c: char) -> bool {
    matches!(c, '\t'..='\r' | ' ' | '\u{a0}' | '\u{1680}' | '\u{2000}'..='\u{200a}' | '\u{2028}' | '\u{2029}' | '\u{202f}' | '\u{205f}' | '\u{3000}' | '\u{feff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = parse(text);
        let found: Vec<_> = found.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(found, expected, "{text:?}");
    }

    #[test]
    fn lines_are_read_as_the_deployment_tool_reads_them() {
        check(
            "# a comment\n\nA=1\nexport B = two # not this\nC: colon\nno line\nexport=x\n",
            &[("A", "1"), ("B", "two"), ("C", "colon"), ("export", "x")],
        );
        check(
            "A='x # y'\nB=\"a\\nb\"\nC='a\\nb'\nD=\nE= \n",
            &[("A", "x # y"), ("B", "a\nb"), ("C", "a\\nb"), ("D", ""), ("E", "")],
        );
        check(
            "A=\"one\ntwo\" # rest\nB=`it's`\nC='open\nD=1",
            &[("A", "one\ntwo"), ("B", "it's"), ("C", "'open"), ("D", "1")],
        );
        check("\u{feff}A=1\r\nB='2'\r\n", &[("A", "1"), ("B", "2")]);
    }

    #[test]
    fn quotes_end_where_the_line_does() {
        check("A='it\\'s'\n", &[("A", "it\\'s")]);
        check("A='a' b\n", &[("A", "'a' b")]);
        check("A='a' 'b'\n", &[("A", "a' 'b")]);
        check("A='a\\'\nB=1\n", &[("A", "a\\"), ("B", "1")]);
        check("A=\"open\\n\n", &[("A", "\"open\n")]);
        check("A=\n'next'\n", &[("A", "next")]);
        check("A:\nB=1\n", &[("A", "B=1")]);
        check("A\n=1\n", &[("A", "1")]);
    }

    #[test]
    fn the_last_line_of_a_name_counts() {
        check("A=1\nB=2\nA=3", &[("A", "3"), ("B", "2")]);
        check("a.b-c=1\né=2\n", &[("a.b-c", "1")]);
    }
}
