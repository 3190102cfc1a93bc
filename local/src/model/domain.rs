//! Custom domains: host names with routes to functions.

use std::fmt;

use super::auth::Auth;
use super::cors::Cors;

/// A custom domain. Its name is compared without case.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Domain {
    /// A host name, or `*.` and the host name whose parts it stands for.
    pub(crate) name: String,
    pub(crate) line: usize,
    pub(crate) protocol: Protocol,
    pub(crate) routes: Vec<Route>,
    /// `None` lets everybody in.
    pub(crate) auth: Option<Auth>,
    pub(crate) cors: Option<Cors>,
    pub(crate) certificate: Option<Certificate>,
}

/// A certificate of one's own, as PEM.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Certificate {
    /// The certificate, and those that lead to its authority.
    pub(crate) chain: String,
    /// The private key, which no log may hold.
    pub(crate) key: String,
    pub(crate) line: usize,
}

impl fmt::Debug for Certificate {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Certificate").field("line", &self.line).finish_non_exhaustive()
    }
}

/// `protocol`: how clients may speak to a domain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http,
    Https,
    Both,
}

/// One route of a domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Route {
    /// A whole path, or its begin with a `*` behind it.
    pub(crate) path: String,
    pub(crate) line: usize,
    pub(crate) function: String,
    /// A version or an alias; `None` is `LATEST`.
    pub(crate) qualifier: Option<String>,
    /// Empty for all methods.
    pub(crate) methods: Vec<String>,
    /// In the order in which they are tried.
    pub(crate) rewrites: Vec<Rewrite>,
}

/// A rule of a route's `rewriteConfig`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rewrite {
    pub(crate) kind: RewriteKind,
    pub(crate) pattern: String,
    pub(crate) replacement: String,
}

/// How the pattern of a rule is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RewriteKind {
    /// `equalRules`: the whole path.
    Equal,
    /// `wildcardRules`: a part of the path, in which `*` is any text.
    Wildcard,
    /// `regexRules`: a regular expression.
    Regex,
}

impl Protocol {
    /// Whether clients may speak to the domain through TLS, or without it.
    pub(crate) fn takes(self, is_tls: bool) -> bool {
        match self {
            Protocol::Http => !is_tls,
            Protocol::Https => is_tls,
            Protocol::Both => true,
        }
    }

    /// The value in a manifest.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Protocol::Http => "HTTP",
            Protocol::Https => "HTTPS",
            Protocol::Both => "HTTP,HTTPS",
        }
    }
}
