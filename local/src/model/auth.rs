//! Who may call: the authentication of an HTTP trigger or of a custom domain.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};

use super::jwk::Jwk;

/// The authentication of an HTTP trigger or of a custom domain.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Auth {
    /// Everybody may call.
    Anonymous,
    /// Requests are signed with an access key.
    Function,
    /// Requests carry a JSON Web Token.
    Jwt(Box<JwtAuth>),
    /// Requests carry one of these tokens.
    Bearer(Vec<BearerToken>),
    /// Requests carry the name and the password of one of these users.
    Basic(Vec<BasicUser>),
}

impl Auth {
    /// The secrets of callers, as requests carry them.
    pub(crate) fn secrets(&self) -> Vec<Secret> {
        match self {
            Auth::Anonymous | Auth::Function => Vec::new(),
            Auth::Bearer(tokens) => tokens.iter().map(|token| token.token.clone()).collect(),
            Auth::Basic(users) => users
                .iter()
                .flat_map(|user| {
                    let pair = [user.name.as_bytes(), b":", user.password.reveal()].concat();
                    [user.password.clone(), Secret::new(STANDARD.encode(pair))]
                })
                .collect(),
            Auth::Jwt(jwt) => match &jwt.keys {
                KeySource::Url(_) => Vec::new(),
                KeySource::Inline(keys) => {
                    let shared = keys.iter().filter_map(Jwk::shared_secret);
                    shared.map(|secret| Secret::new(URL_SAFE_NO_PAD.encode(secret.reveal()))).collect()
                }
            },
        }
    }

    /// Whether the function gets parameters that only a caller's token may set.
    pub(crate) fn sets_parameters(&self) -> bool {
        matches!(self, Auth::Jwt(jwt) if !jwt.claims.is_empty())
    }
}

/// The settings of `authType: jwt`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct JwtAuth {
    pub(crate) keys: KeySource,
    /// Where a token may stand. The first place with a token decides.
    pub(crate) lookups: Vec<TokenLookup>,
    /// The claims that the function gets as parameters.
    pub(crate) claims: Vec<ClaimPass>,
    pub(crate) paths: AuthPaths,
}

/// Where the keys that tokens are verified with come from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum KeySource {
    Inline(Vec<Jwk>),
    /// A key set that is fetched from `http` or `https`.
    Url(String),
}

/// Where a parameter of a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Position {
    Header,
    Cookie,
    Query,
    /// The body of a `POST` of type `application/x-www-form-urlencoded`.
    Form,
}

/// A place where a token may stand.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TokenLookup {
    pub(crate) position: Position,
    pub(crate) name: String,
    /// The text before the token, such as `Bearer ` with its space. Only headers have one.
    pub(crate) prefix: String,
}

/// A claim that becomes a parameter of the request.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ClaimPass {
    pub(crate) position: Position,
    pub(crate) claim: String,
    pub(crate) name: String,
}

/// The paths that need a token. A pattern is a path, or the beginning of paths with `*` at its end.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum AuthPaths {
    All,
    /// `whitelist`
    AllBut(Vec<String>),
    /// `blacklist`
    Only(Vec<String>),
}

/// One token of `authType: bearer`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BearerToken {
    pub(crate) name: String,
    pub(crate) token: Secret,
    pub(crate) is_enabled: bool,
}

/// One user of `authType: basic`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct BasicUser {
    pub(crate) name: String,
    pub(crate) password: Secret,
}

/// A secret, which `Debug` does not show.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Vec<u8>);

impl Secret {
    pub(crate) fn new(secret: impl Into<Vec<u8>>) -> Self {
        Secret(secret.into())
    }

    /// The secret itself: for comparing, signing and the owner's eyes.
    pub(crate) fn reveal(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("******")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let user = BasicUser { name: "user".to_owned(), password: Secret::new("hunter2") };
        let token = BearerToken { name: "t".to_owned(), token: Secret::new("hunter2"), is_enabled: true };
        let shown = format!("{:?}", (Auth::Basic(vec![user]), Auth::Bearer(vec![token])));
        assert!(
            shown.contains("******") && !shown.contains("hunter2") && !shown.contains("104, 117"),
            "{shown}"
        );
    }
}
