//! The domains by host name.

use std::collections::HashMap;
use std::sync::Arc;

use super::rewrite::Rule;
use super::routes::Paths;
use crate::model::{self, Protocol};

/// The custom domains of a platform.
#[derive(Debug, Default)]
pub(crate) struct Domains {
    /// In the order of the manifest.
    all: Vec<Arc<Domain>>,
    exact: HashMap<String, Arc<Domain>>,
    /// The domains that begin with `*.`, without the star; the longest first.
    wildcards: Vec<(String, Arc<Domain>)>,
}

/// A custom domain with its routes.
#[derive(Debug)]
pub(crate) struct Domain {
    pub(crate) name: Arc<str>,
    pub(crate) settings: model::Domain,
    paths: Paths,
    routes: Vec<Route>,
}

/// A route of a domain, ready to be asked.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) settings: model::Route,
    pub(crate) qualifier: Option<Arc<str>>,
    rules: Vec<Rule>,
}

impl Domains {
    /// `offers_tls` says whether clients can reach the platform through TLS. If they cannot, a domain takes requests
    /// without it, whatever its protocol.
    pub(crate) fn new(domains: &[model::Domain], offers_tls: bool) -> Self {
        let mut own = Domains::default();
        for settings in domains {
            let name = settings.name.to_ascii_lowercase();
            let protocol = if offers_tls { settings.protocol } else { Protocol::Both };
            let domain = Arc::new(Domain::new(model::Domain { protocol, ..settings.clone() }));
            own.all.push(Arc::clone(&domain));
            match name.strip_prefix('*') {
                Some(suffix) => own.wildcards.push((suffix.to_owned(), domain)),
                None => {
                    own.exact.insert(name, domain);
                }
            }
        }
        own.wildcards.sort_by_key(|(suffix, _)| std::cmp::Reverse(suffix.len()));
        own
    }

    /// The domain for a host, in lower case: the one of this name, else the one with the longest `*.` name.
    pub(crate) fn find(&self, host: &str) -> Option<&Arc<Domain>> {
        if self.all.is_empty() {
            return None;
        }
        let exact = self.exact.get(host);
        exact.or_else(|| {
            let longest = self.wildcards.iter().find(|(suffix, _)| {
                host.len() > suffix.len() && host.ends_with(suffix.as_str()) && !host.starts_with('.')
            });
            longest.map(|(_, domain)| domain)
        })
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Arc<Domain>> {
        self.all.iter()
    }
}

impl Domain {
    fn new(settings: model::Domain) -> Self {
        Domain {
            name: Arc::from(settings.name.as_str()),
            paths: Paths::new(settings.routes.iter().map(|route| route.path.as_str())),
            routes: settings.routes.iter().map(Route::new).collect(),
            settings,
        }
    }

    /// The number of the route for a path.
    pub(crate) fn find(&self, path: &str) -> Option<usize> {
        self.paths.find(path)
    }

    /// The route with a number that [`find`](Self::find) gave.
    pub(crate) fn route(&self, number: usize) -> &Route {
        &self.routes[number]
    }
}

impl Route {
    fn new(settings: &model::Route) -> Self {
        Route {
            qualifier: settings.qualifier.as_deref().map(Arc::from),
            // The manifest has refused what does not compile.
            rules: settings.rewrites.iter().filter_map(|rule| Rule::compile(rule).ok()).collect(),
            settings: settings.clone(),
        }
    }

    /// The target in place of the client's `path` and `query`; `None` if no rule is for the path.
    pub(crate) fn rewrite(&self, path: &str, query: Option<&str>) -> Option<String> {
        self.rules.iter().find_map(|rule| rule.rewrite(path, query))
    }
}

/// Checks the name of a domain: what is wrong with it, if anything is.
pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    const NAME_MAX: usize = 256;
    const LABEL_MAX: usize = 63;
    if name.len() > NAME_MAX {
        return Err("must have at most 256 characters");
    }
    let labels: Vec<&str> = name.strip_prefix("*.").unwrap_or(name).split('.').collect();
    let is_label = |label: &&str| {
        (1..=LABEL_MAX).contains(&label.len())
            && !label.starts_with('-')
            && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    };
    if !labels.iter().all(is_label) {
        return Err(
            "must be labels of 1 to 63 letters, digits or `-`, with a dot between them; the first label can be `*`",
        );
    }
    let last = labels.last().copied().unwrap_or_default();
    if labels.len() < 2 || last.len() < 2 || !last.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Err("must end in a top-level domain of two or more letters, such as `.com`");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Rewrite, RewriteKind};

    fn domain(name: &str) -> model::Domain {
        model::Domain {
            name: name.to_owned(),
            line: 1,
            protocol: Protocol::Http,
            routes: Vec::new(),
            auth: None,
            cors: None,
            certificate: None,
        }
    }

    #[test]
    fn the_exact_name_wins_then_the_longest_wildcard() {
        let names = ["*.example.com", "api.example.com", "*.dev.example.com", "Shop.Example.org"];
        let domains = Domains::new(&names.map(domain), true);
        for (host, expected) in [
            ("api.example.com", Some("api.example.com")),
            ("www.example.com", Some("*.example.com")),
            ("a.b.example.com", Some("*.example.com")),
            ("a.dev.example.com", Some("*.dev.example.com")),
            ("dev.example.com", Some("*.example.com")),
            ("shop.example.org", Some("Shop.Example.org")),
            ("example.com", None),
            (".example.com", None),
            ("wwwexample.com", None),
            ("example.org", None),
            ("localhost", None),
        ] {
            assert_eq!(domains.find(host).map(|domain| &*domain.name), expected, "{host}");
        }
        assert!(Domains::default().find("api.example.com").is_none());
    }

    #[test]
    fn the_first_rule_that_matches_is_the_only_one() {
        let rule = |kind, pattern: &str, replacement: &str| Rewrite {
            kind,
            pattern: pattern.to_owned(),
            replacement: replacement.to_owned(),
        };
        let settings = model::Route {
            path: "/*".to_owned(),
            line: 1,
            function: "f".to_owned(),
            qualifier: None,
            methods: Vec::new(),
            rewrites: vec![
                rule(RewriteKind::Equal, "/a", "/b"),
                rule(RewriteKind::Wildcard, "^/b*", "/c$1"),
                rule(RewriteKind::Regex, "^/b/(.)", "/never/$1"),
                rule(RewriteKind::Regex, "^/([0-9])", "/number/$1"),
            ],
        };
        let route = Route::new(&settings);
        for (path, expected) in
            [("/a", Some("/b")), ("/b/1", Some("/c/1")), ("/7", Some("/number/7")), ("/x", None)]
        {
            assert_eq!(route.rewrite(path, None).as_deref(), expected, "{path}");
        }
    }

    #[test]
    fn names_are_those_of_the_domain_system() {
        for name in [
            "a.com",
            "api.example.com",
            "*.example.com",
            "A-b.Example.COM",
            "1.x.cn",
            "f.fcv3.1.cn-a.fc.devsapp.net",
        ] {
            assert_eq!(check_name(name), Ok(()), "{name}");
        }
        let (label, long) = (format!("{}.com", "a".repeat(64)), format!("{}com", "a.".repeat(127)));
        for name in [
            "",
            "com",
            "*",
            "*.com",
            "a..com",
            ".a.com",
            "a.com.",
            "-a.com",
            "a_b.com",
            "a.b.c1",
            "a.c",
            "a.*.com",
            "\u{4f8b}.com",
            "a.com:80",
            "http://a.com",
            "127.0.0.1",
            "a b.com",
            &label,
            &long,
        ] {
            assert!(check_name(name).is_err(), "{name}");
        }
    }
}
