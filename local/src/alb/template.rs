//! Texts with variables: `${host}`, `${protocol}`, `${port}`, `${path}`, `${query}` and `${1}` to `${3}`.

use std::fmt::Write as _;

/// A text, ready to be filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Piece>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Variable(Variable),
    /// What a group of the path's expression took, from 0.
    Group(usize),
}

/// A variable of redirects and rewrites.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Variable {
    Host,
    Protocol,
    Port,
    Path,
    Query,
}

/// The values of the variables.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts<'a> {
    pub(crate) host: &'a str,
    pub(crate) protocol: &'a str,
    pub(crate) port: u16,
    pub(crate) path: &'a str,
    pub(crate) query: &'a str,
    pub(crate) groups: &'a [&'a str],
}

/// The most groups that a text can use.
pub(crate) const GROUPS_MAX: usize = 3;

impl Template {
    /// Reads a text, or says what is wrong with its variables.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once("${") {
            if !before.is_empty() {
                pieces.push(Piece::Text(before.to_owned()));
            }
            let (name, behind) = behind.split_once('}').ok_or_else(|| "`${` without its `}`".to_owned())?;
            let piece = match name {
                "host" => Piece::Variable(Variable::Host),
                "protocol" => Piece::Variable(Variable::Protocol),
                "port" => Piece::Variable(Variable::Port),
                "path" => Piece::Variable(Variable::Path),
                "query" => Piece::Variable(Variable::Query),
                _ => match name.parse::<usize>() {
                    Ok(group @ 1..=GROUPS_MAX) => Piece::Group(group - 1),
                    _ => {
                        return Err(format!(
                            "`${{{name}}}` is no variable: there are ${{host}}, ${{protocol}}, ${{port}}, ${{path}}, ${{query}}, and ${{1}} to ${{3}} for the groups of the path's expression"
                        ));
                    }
                },
            };
            if pieces.contains(&piece) && matches!(piece, Piece::Variable(_)) {
                return Err(format!("`${{{name}}}` stands twice"));
            }
            pieces.push(piece);
            rest = behind;
        }
        if !rest.is_empty() {
            pieces.push(Piece::Text(rest.to_owned()));
        }
        Ok(Template(pieces))
    }

    /// The variables of the text.
    pub(crate) fn variables(&self) -> impl Iterator<Item = Variable> {
        self.0.iter().filter_map(|piece| match piece {
            Piece::Variable(variable) => Some(*variable),
            _ => None,
        })
    }

    /// The highest group, from 1; 0 for none.
    pub(crate) fn groups(&self) -> usize {
        let groups = self.0.iter().filter_map(|piece| match piece {
            Piece::Group(group) => Some(group + 1),
            _ => None,
        });
        groups.max().unwrap_or(0)
    }

    /// Whether the text is this variable and nothing else.
    pub(crate) fn is_only(&self, variable: Variable) -> bool {
        self.0 == [Piece::Variable(variable)]
    }

    pub(crate) fn fill(&self, facts: &Facts<'_>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Variable(Variable::Host) => out.push_str(facts.host),
                Piece::Variable(Variable::Protocol) => out.push_str(facts.protocol),
                // Writing into a string cannot fail.
                Piece::Variable(Variable::Port) => _ = write!(out, "{}", facts.port),
                Piece::Variable(Variable::Path) => {
                    // `/${path}` has one slash.
                    out.push_str(if out.ends_with('/') {
                        facts.path.trim_start_matches('/')
                    } else {
                        facts.path
                    });
                }
                Piece::Variable(Variable::Query) => out.push_str(facts.query),
                Piece::Group(group) => out.push_str(facts.groups.get(*group).copied().unwrap_or_default()),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_filled_in() {
        let facts =
            Facts { host: "a.cn", protocol: "http", port: 80, path: "/x", query: "q=1", groups: &["c", "b"] };
        for (text, filled) in [
            ("${host}", "a.cn"),
            ("/v1${path}", "/v1/x"),
            ("/v1/${path}", "/v1/x"),
            ("/${2}/${1}/${2}", "/b/c/b"),
            ("/${3}", "/"),
            ("from=${host}&${query}", "from=a.cn&q=1"),
            ("${protocol}:${port}", "http:80"),
            ("/$1/$", "/$1/$"),
        ] {
            assert_eq!(Template::parse(text).unwrap().fill(&facts), filled, "{text}");
        }
    }

    #[test]
    fn unknown_variables_are_refused() {
        for wrong in ["${", "${x}", "${0}", "${4}", "${path}${path}", "${PATH}"] {
            assert!(Template::parse(wrong).is_err(), "{wrong}");
        }
    }
}
