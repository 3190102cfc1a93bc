//! Rewrites: rules that change the path and the query of a request on its way to a function.
//!
//! A rule looks at the path as the client sent it, and replaces the whole path. The first rule that matches is the only
//! one. The work grows with the length of the path, whatever the pattern: expressions have no look-around and no
//! references to their own groups.

use regex::{Captures, Regex, RegexBuilder};

use crate::model::{Rewrite, RewriteKind};

/// The largest compiled expression, in bytes.
const COMPILED_MAX: usize = 1 << 20;

/// The longest pattern or replacement, in bytes.
const RULE_MAX: usize = 4096;

/// A rule, ready to be asked.
#[derive(Debug)]
pub(crate) struct Rule {
    matcher: Matcher,
    replacement: Vec<Piece>,
}

#[derive(Debug)]
enum Matcher {
    Equal(String),
    Expression(Regex),
}

/// A piece of a replacement.
#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// `$1`: the text that a group of the pattern took.
    Group(usize),
}

impl Rule {
    /// Compiles a rule, or says what is wrong with it.
    pub(crate) fn compile(rule: &Rewrite) -> Result<Self, String> {
        let Rewrite { kind, pattern, replacement } = rule;
        if pattern.is_empty() || pattern.len() > RULE_MAX {
            return Err(format!("`match` must have 1 to {RULE_MAX} characters"));
        }
        let matcher = match kind {
            RewriteKind::Equal if !pattern.starts_with('/') => {
                return Err(format!(
                    "`match` is compared with a whole path, so `{pattern}` must begin with `/`"
                ));
            }
            RewriteKind::Equal => Matcher::Equal(pattern.clone()),
            RewriteKind::Wildcard => Matcher::Expression(compile(&wildcard(pattern)?)?),
            RewriteKind::Regex => Matcher::Expression(compile(pattern)?),
        };
        check_replacement(replacement)?;
        let replacement = match &matcher {
            Matcher::Equal(_) => vec![Piece::Text(replacement.clone())],
            Matcher::Expression(expression) => pieces(replacement, expression.captures_len() - 1)?,
        };
        Ok(Rule { matcher, replacement })
    }

    /// The target in place of `path` and `query`; `None` if the rule is for other paths. The client's query stays,
    /// behind the query that the replacement brings.
    pub(crate) fn rewrite(&self, path: &str, query: Option<&str>) -> Option<String> {
        let mut target = match &self.matcher {
            Matcher::Equal(own) => (own == path).then(|| self.fill(None))?,
            Matcher::Expression(expression) => self.fill(Some(&expression.captures(path)?)),
        };
        if !target.starts_with('/') {
            target.insert(0, '/');
        }
        if let Some(query) = query {
            target.push(if target.contains('?') { '&' } else { '?' });
            target.push_str(query);
        }
        Some(target)
    }

    fn fill(&self, captures: Option<&Captures<'_>>) -> String {
        let pieces = self.replacement.iter().map(|piece| match piece {
            Piece::Text(text) => text.as_str(),
            Piece::Group(group) => {
                captures.and_then(|captures| captures.get(*group)).map_or("", |found| found.as_str())
            }
        });
        pieces.collect()
    }
}

fn compile(expression: &str) -> Result<Regex, String> {
    RegexBuilder::new(expression).size_limit(COMPILED_MAX).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(limit) => {
            format!("`match` needs more than {limit} bytes: make it simpler")
        }
        // The text has several lines, of which the last one says what is wrong.
        error => {
            let text = error.to_string();
            let why = text.lines().last().unwrap_or_default().trim_start_matches("error: ");
            format!("`match` is no regular expression that fc-local can run: {why}")
        }
    })
}

/// A wildcard pattern as an expression: `*` is any text, and `^` the begin of the path.
fn wildcard(pattern: &str) -> Result<String, String> {
    let (begin, rest) = match pattern.strip_prefix('^') {
        Some(rest) => ("^", rest),
        None => ("", pattern),
    };
    if rest.contains('^') {
        return Err("`^` stands for the begin of the path, so it can only come first in `match`".to_owned());
    }
    let parts: Vec<String> = rest.split('*').map(regex::escape).collect();
    Ok(format!("{begin}{}", parts.join("(.*)")))
}

fn check_replacement(replacement: &str) -> Result<(), String> {
    if replacement.len() > RULE_MAX {
        return Err(format!("`replacement` must have at most {RULE_MAX} characters"));
    }
    if !replacement.starts_with(['/', '$']) {
        return Err(format!("`replacement` must be a path that begins with `/`, not `{replacement}`"));
    }
    match replacement
        .chars()
        .find(|character| !character.is_ascii_graphic() || "\"#<>\\^`{}|".contains(*character))
    {
        Some(character) => {
            Err(format!("`replacement` holds {character:?}, which no path may: write it with `%`"))
        }
        None => Ok(()),
    }
}

/// Splits a replacement at its `$1`, `$2`, ….
fn pieces(replacement: &str, groups: usize) -> Result<Vec<Piece>, String> {
    let mut pieces = Vec::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('$') {
        let behind = &rest[at + 1..];
        let digits = behind.bytes().take_while(u8::is_ascii_digit).count();
        let text = if digits == 0 { &rest[..=at] } else { &rest[..at] };
        if !text.is_empty() {
            pieces.push(Piece::Text(text.to_owned()));
        }
        if digits > 0 {
            let group = behind[..digits].parse().ok().filter(|group| *group <= groups);
            let group = group.ok_or_else(|| {
                format!(
                    "`replacement` names ${}, but `match` has {groups} places to take from",
                    &behind[..digits]
                )
            })?;
            pieces.push(Piece::Group(group));
        }
        rest = &behind[digits..];
    }
    if !rest.is_empty() {
        pieces.push(Piece::Text(rest.to_owned()));
    }
    Ok(pieces)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn compile(kind: RewriteKind, pattern: &str, replacement: &str) -> Result<Rule, String> {
        Rule::compile(&Rewrite { kind, pattern: pattern.to_owned(), replacement: replacement.to_owned() })
    }

    /// Asks one rule about targets, each with the target that comes of it.
    #[track_caller]
    fn check(kind: RewriteKind, pattern: &str, replacement: &str, cases: &[(&str, Option<&str>)]) {
        let rule = compile(kind, pattern, replacement).unwrap();
        for (target, expected) in cases {
            let (path, query) = match target.split_once('?') {
                Some((path, query)) => (path, Some(query)),
                None => (*target, None),
            };
            assert_eq!(rule.rewrite(path, query).as_deref(), *expected, "{pattern} on {target}");
        }
    }

    #[test]
    fn equal_rules_are_for_one_path() {
        let check =
            |pattern, replacement, cases: &[_]| check(RewriteKind::Equal, pattern, replacement, cases);
        check(
            "/old",
            "/new",
            &[("/old", Some("/new")), ("/test/old", None), ("/old/", None), ("/OLD", None)],
        );
        check("/serviceName.Qualifier", "/serviceA", &[("/serviceName.Qualifier", Some("/serviceA"))]);
        check("/serviceName.Qualifier", "/serviceA", &[("/serviceName-Qualifier", None)]);
        check("/a*", "/$1", &[("/a*", Some("/$1")), ("/ab", None)]);
        check("/old", "/new", &[("/old?a=1", Some("/new?a=1")), ("/old?", Some("/new?"))]);
        check("/old", "/new?v=2", &[("/old", Some("/new?v=2")), ("/old?a=1", Some("/new?v=2&a=1"))]);
        check("/a%20b", "/new", &[("/a%20b", Some("/new")), ("/a+b", None)]);
    }

    #[test]
    fn wildcard_rules_take_any_text_anywhere() {
        let check =
            |pattern, replacement, cases: &[_]| check(RewriteKind::Wildcard, pattern, replacement, cases);
        check(
            "/old",
            "/new",
            &[("/old", Some("/new")), ("/test/old", Some("/new")), ("/older", Some("/new"))],
        );
        check("^/old", "/new", &[("/old", Some("/new")), ("/test/old", None)]);
        check(
            "/api/*",
            "/$1",
            &[
                ("/api/getFunctionName", Some("/getFunctionName")),
                ("/api/getFunctionName&Version=1", Some("/getFunctionName&Version=1")),
                ("/api/a?b=c", Some("/a?b=c")),
                ("/api/", Some("/")),
                ("/api", None),
            ],
        );
        check("/css/*", "/public/static/css/$1", &[("/css/style.css", Some("/public/static/css/style.css"))]);
        check(
            "/ServiceName/*/FunctionName/*/Qualifier/*",
            "/$1.$3/$2",
            &[
                ("/ServiceName/svc-a/FunctionName/func-a/Qualifier/1", Some("/svc-a.1/func-a")),
                ("/ServiceName/svc-a/FunctionName/func-a", None),
            ],
        );
        check("/a.b", "/new", &[("/a.b", Some("/new")), ("/axb", None)]);
        check("/(a|b)+", "/new", &[("/(a|b)+", Some("/new")), ("/a", None)]);
        check("/*/x/*", "/$2/$1", &[("/1/x/2/x/3", Some("/3/1/x/2"))]);
        check("*", "/all$1", &[("/a", Some("/all/a"))]);
    }

    #[test]
    fn regex_rules_have_groups() {
        let check =
            |pattern, replacement, cases: &[_]| check(RewriteKind::Regex, pattern, replacement, cases);
        check(
            "^/old/[a-z]+/",
            "/xxxx",
            &[("/old/abc/", Some("/xxxx")), ("/old/ABC/", None), ("/old/a", None)],
        );
        check("^/js/(.*?)$", "/public/javascripts/$1", &[("/js/a.js", Some("/public/javascripts/a.js"))]);
        check("^/api/.+?/(.*)", "/api/v2/$1", &[("/api/v1/a/b", Some("/api/v2/a/b")), ("/api/v1", None)]);
        check("(?i)^/item/(?P<id>[0-9]+)$", "/$1?id=$1", &[("/ITEM/7?x", Some("/7?id=7&x"))]);
        check("^/(a)|/(b)$", "/[$1$2]", &[("/x/b", Some("/[b]")), ("/ax", Some("/[a]"))]);
        check("^(.*)$", "$1", &[("/a", Some("/a"))]);
        check("/(.*)$", "$1", &[("/a", Some("/a"))]);
        check("^/(.)(.)(.)(.)(.)(.)(.)(.)(.)(.)$", "/$10$1x$0", &[("/abcdefghij", Some("/jax/abcdefghij"))]);
        check("^/p$", "/$", &[("/p", Some("/$"))]);
    }

    #[test]
    fn what_cannot_be_a_rule_says_why() {
        use RewriteKind::{Equal, Regex, Wildcard};
        for (kind, pattern, replacement, why) in [
            (Equal, "old", "/new", "must begin with `/`"),
            (Equal, "", "/new", "1 to 4096"),
            (Equal, "/old", "new", "begins with `/`"),
            (Equal, "/old", "", "begins with `/`"),
            (Equal, "/old", "https://x.example/", "begins with `/`"),
            (Equal, "/old", "/a b", "' '"),
            (Equal, "/old", "/a#b", "'#'"),
            (Equal, "/old", "/\u{e4}", "'\u{e4}'"),
            (Wildcard, "/a^b", "/new", "can only come first"),
            (Wildcard, "/a/*", "/$2", "names $2"),
            (Wildcard, "/a", "/$1", "names $1"),
            (Regex, "^/(a", "/new", "unclosed group"),
            (Regex, "^/a(?=b)", "/new", "look-around"),
            (Regex, r"^/(a)\1", "/new", "backreferences"),
            (Regex, "^/((a{9}){99}){999}", "/new", "make it simpler"),
            (Regex, "^/a", "/$99999999999999999999", "names $99999999999999999999"),
        ] {
            let error = compile(kind, pattern, replacement).unwrap_err();
            assert!(error.contains(why), "{pattern} -> {replacement}: {error}");
        }
        let long = "/".repeat(4097);
        assert!(compile(Equal, &long, "/").is_err() && compile(Equal, "/", &long).is_err());
    }

    /// Texts of a small alphabet, from a generator with a fixed seed.
    fn texts(count: usize) -> impl Iterator<Item = String> {
        let mut state = 0x9e37_79b9_7f4a_7c15_u64;
        let mut next = move || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            usize::try_from(state % 97).unwrap_or(0)
        };
        (0..count).map(move |_| (0..next() % 9).map(|_| char::from(b"/ab*$1.?^("[next() % 10])).collect())
    }

    /// A wildcard pattern against a plain reading of its rule: its parts are found one behind the other.
    #[test]
    fn wildcards_match_where_their_parts_stand_in_order() {
        fn is_match(pattern: &str, path: &str) -> bool {
            let (is_anchored, pattern) = match pattern.strip_prefix('^') {
                Some(rest) => (true, rest),
                None => (false, pattern),
            };
            let mut parts = pattern.split('*');
            let mut rest = path;
            let first = parts.next().unwrap_or_default();
            match rest.find(first) {
                Some(0) => rest = &rest[first.len()..],
                Some(at) if !is_anchored => rest = &rest[at + first.len()..],
                _ => return false,
            }
            parts.all(|part| match rest.find(part) {
                Some(at) => {
                    rest = &rest[at + part.len()..];
                    true
                }
                None => false,
            })
        }
        let (mut matches, mut others) = (0, 0);
        for pattern in texts(300) {
            let Ok(rule) = compile(RewriteKind::Wildcard, &pattern, "/") else { continue };
            for path in texts(60) {
                let path = format!("/{path}");
                let is_rewritten = rule.rewrite(&path, None).is_some();
                assert_eq!(is_rewritten, is_match(&pattern, &path), "{pattern} on {path}");
                *(if is_rewritten { &mut matches } else { &mut others }) += 1;
            }
        }
        assert!(matches > 500 && others > 500, "{matches} and {others}");
    }

    /// Whatever the rule, its result is a path.
    #[test]
    fn results_are_paths_with_the_clients_query() {
        let mut rewritten = 0;
        for (number, pattern) in texts(150).enumerate() {
            let kind = [RewriteKind::Equal, RewriteKind::Wildcard, RewriteKind::Regex][number % 3];
            for replacement in texts(16) {
                let Ok(rule) = compile(kind, &pattern, &format!("/{replacement}")) else { continue };
                for path in texts(20) {
                    let path = format!("/{path}").replace(['?', '^'], "");
                    let Some(target) = rule.rewrite(&path, Some("q=1")) else { continue };
                    rewritten += 1;
                    assert!(target.starts_with('/') && target.ends_with("q=1"), "{target}");
                    let uri: http::Uri = target.parse().unwrap();
                    assert_eq!(
                        uri.path_and_query().map(http::uri::PathAndQuery::as_str),
                        Some(target.as_str())
                    );
                }
            }
        }
        assert!(rewritten > 200, "{rewritten}");
    }

    /// A pattern that makes a backtracking engine try every way.
    #[test]
    fn no_pattern_takes_more_than_its_path_is_long() {
        let path = format!("/{}", "a".repeat(4000));
        let rule = compile(RewriteKind::Regex, "^/(a+)+(a*)*(a|aa)+$b", "/$1").unwrap();
        assert_eq!(rule.rewrite(&path, None), None);
        let rule = compile(RewriteKind::Wildcard, &format!("{}b", "a*".repeat(30)), "/new").unwrap();
        assert_eq!(rule.rewrite(&path, None), None);
    }
}
