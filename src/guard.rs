//! Ready-made arounds for functions whose trigger is anonymous.

use crate::app::Handler;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::reply::Reply;
use crate::sealed::Next;

/// An around that lets only requests with this header through: "only through my load balancer".
///
/// Let a rule of the load balancer insert the header, and keep the secret in the function's environment. Others get 403.
/// The comparison takes the same time wherever the values differ.
///
/// ```
/// use fc_runtime::{App, guard};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/", async |_| "inside")
///     .around(guard::require_header("x-from-alb", "a long secret"))
///     .test_client();
/// client.get("/").await.assert_status(403);
/// client.get("/").header("x-from-alb", "a long secret").await.assert_status(200);
/// # });
/// ```
#[allow(clippy::type_complexity, reason = "it is what `around` asks for")]
#[doc(alias = "auth")]
pub fn require_header<S: Send + Sync + 'static>(
    name: &'static str,
    secret: impl Into<String>,
) -> impl AsyncFn(Exchange<S>, Next<S>) -> Result<Reply> + Handler<(Exchange<S>, Next<S>), Result<Reply>> {
    let secret: std::sync::Arc<str> = secret.into().into();
    async move |ex: Exchange<S>, next: Next<S>| {
        let mut sent = ex.headers().get_all(name).iter();
        match (sent.next(), sent.next()) {
            (Some(value), None) if is_same(value.as_bytes(), secret.as_bytes()) => Ok(next.run(ex).await),
            _ => Err(Error::forbidden("this function is not reached this way")),
        }
    }
}

/// An around that lets only requests with `Authorization: Bearer <one of these tokens>` through. Others get 401.
///
/// ```
/// use fc_runtime::{App, guard};
///
/// # fc_runtime::testing::run(async {
/// let client =
///     App::new().get("/", async |_| "inside").around(guard::bearer(["a long token"])).test_client();
/// client.get("/").await.assert_status(401).assert_header("www-authenticate", "Bearer");
/// client.get("/").header("authorization", "Bearer a long token").await.assert_status(200);
/// # });
/// ```
#[allow(clippy::type_complexity, reason = "it is what `around` asks for")]
#[doc(alias = "authorization")]
#[doc(alias = "auth")]
#[doc(alias = "token")]
pub fn bearer<S: Send + Sync + 'static, T: Into<String>>(
    tokens: impl IntoIterator<Item = T>,
) -> impl AsyncFn(Exchange<S>, Next<S>) -> Result<Reply> + Handler<(Exchange<S>, Next<S>), Result<Reply>> {
    let tokens: std::sync::Arc<[String]> = tokens.into_iter().map(Into::into).collect();
    async move |ex: Exchange<S>, next: Next<S>| {
        let mut lines = ex.headers().get_all(http::header::AUTHORIZATION).iter();
        // Of two headers nobody knows which one the others read.
        let line = lines.next().filter(|_| lines.next().is_none()).map(http::HeaderValue::as_bytes);
        let token = line.and_then(|line| {
            let (scheme, token) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
            scheme.eq_ignore_ascii_case(b"bearer").then(|| token.trim_ascii())
        });
        // Every token is compared, so that the time does not tell which one is near.
        let known = token.is_some_and(|token| {
            tokens.iter().fold(false, |known, own| known | is_same(token, own.as_bytes()))
        });
        if known {
            return Ok(next.run(ex).await);
        }
        let challenge = http::HeaderValue::from_static("Bearer");
        Err(Error::unauthorized("a bearer token is needed")
            .with_header(http::header::WWW_AUTHENTICATE, challenge))
    }
}

/// Whether two byte strings are equal, in a time that depends on the length of the first alone. An empty secret
/// equals nothing: it would open the door to everyone.
fn is_same(sent: &[u8], secret: &[u8]) -> bool {
    let mut difference = u8::from(sent.len() != secret.len()) | u8::from(secret.is_empty());
    for (at, byte) in sent.iter().enumerate() {
        let own = secret.get(at).copied().unwrap_or(!byte);
        difference = std::hint::black_box(difference | (byte ^ own));
    }
    difference == 0
}

#[cfg(test)]
mod tests {
    use super::is_same;

    #[test]
    fn only_equal_secrets_are_the_same() {
        assert!(is_same(b"secret", b"secret"));
        assert!(!is_same(b"secreT", b"secret"));
        assert!(!is_same(b"secre", b"secret"));
        assert!(!is_same(b"secrets", b"secret"));
        assert!(!is_same(b"", b""));
        assert!(!is_same(b"", b"secret"));
    }
}
