//! Ready-made middleware (arounds) for functions whose trigger is anonymous.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use http::header::RETRY_AFTER;

use crate::app::Handler;
use crate::error::{Error, Result};
use crate::exchange::Exchange;
use crate::log::say;
use crate::reply::Reply;
use crate::sealed::Next;
use crate::store::store_of;

/// Middleware (an around) that passes only requests with this header, such as requests through your load balancer.
///
/// Let a rule of the load balancer insert the header, and keep the secret in the function's environment. Other requests
/// get a 403. The comparison takes the same time for every wrong value of the same length.
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
    let secret: Arc<str> = secret.into().into();
    async move |ex: Exchange<S>, next: Next<S>| {
        let mut sent = ex.headers().get_all(name).iter();
        match (sent.next(), sent.next()) {
            (Some(value), None) if is_same(value.as_bytes(), secret.as_bytes()) => Ok(next.run(ex).await),
            _ => Err(Error::forbidden("this function is not reached this way")),
        }
    }
}

/// Middleware (an around) that passes only requests with `Authorization: Bearer` and one of these tokens. Others get a
/// 401.
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
    let tokens: Arc<[String]> = tokens.into_iter().map(Into::into).collect();
    async move |ex: Exchange<S>, next: Next<S>| {
        let mut lines = ex.headers().get_all(http::header::AUTHORIZATION).iter();
        // Proxies and servers may read different ones of two headers.
        let line = lines.next().filter(|_| lines.next().is_none()).map(http::HeaderValue::as_bytes);
        let token = line.and_then(|line| {
            let (scheme, token) = line.split_at(line.iter().position(|byte| *byte == b' ')?);
            scheme.eq_ignore_ascii_case(b"bearer").then(|| token.trim_ascii())
        });
        // Every token is compared, so that the time does not reveal which token was close.
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

/// Middleware (an around) that passes so many requests in each period for each key, such as a client's address. Others get a
/// 429 with `Retry-After`.
///
/// The period of a key begins with its first request. Requests without a key are not limited. [`App::store`](crate::App::store)
/// says where the counts are kept: by default each instance counts for itself, so that a limit holds for all only in a store
/// that all share. While the store fails, requests pass, and the log says so.
///
/// ```
/// use fc_runtime::{App, guard};
/// use std::time::Duration;
///
/// # fc_runtime::testing::run(async {
/// let by_token = guard::rate_limit(2, Duration::from_secs(60), |ex| ex.header("x-token").map(str::to_owned));
/// let client = App::new().get("/", async |_| "inside").around(by_token).test_client();
/// for status in [200, 200, 429] {
///     client.get("/").header("x-token", "a").await.assert_status(status);
/// }
/// client.get("/").header("x-token", "a").await.assert_header("retry-after", "60");
/// client.get("/").header("x-token", "b").await.assert_status(200);
/// # });
/// ```
#[allow(clippy::type_complexity, reason = "it is what `around` asks for")]
#[doc(alias = "throttle")]
#[doc(alias = "governor")]
pub fn rate_limit<S, K>(
    limit: u64,
    period: Duration,
    key: K,
) -> impl AsyncFn(Exchange<S>, Next<S>) -> Result<Reply> + Handler<(Exchange<S>, Next<S>), Result<Reply>>
where
    S: Send + Sync + 'static,
    K: Fn(&Exchange<S>) -> Option<String> + Send + Sync + 'static,
{
    // Several limits of one app do not share their counts.
    static LIMITS: AtomicUsize = AtomicUsize::new(0);
    let number = LIMITS.fetch_add(1, Ordering::Relaxed);
    let key = Arc::new(key);
    async move |ex: Exchange<S>, next: Next<S>| {
        let Some(key) = key(&ex) else { return Ok(next.run(ex).await) };
        let store = store_of(&ex.shared().store);
        match store.hit(&format!("rate:{number}:{key}"), period).await {
            Ok(hits) if hits.count > limit => {
                // Rounded up: a client that comes a moment too early would be refused again.
                let seconds = hits.resets_in.as_secs() + u64::from(hits.resets_in.subsec_nanos() > 0);
                Err(Error::new(429, "too many requests").with_header(RETRY_AFTER, seconds.max(1).into()))
            }
            Ok(_) => Ok(next.run(ex).await),
            Err(error) => {
                say::error(format_args!("the store of a rate limit failed, and a request passes: {error:?}"));
                Ok(next.run(ex).await)
            }
        }
    }
}

/// Whether two byte strings are equal. The time depends only on the length of `sent`. An empty secret equals nothing,
/// because it would let every request pass.
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
