//! A service for exchange rates, in axum alone: state, extractors of its own, errors of its own, layers of tower-http.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use axum::extract::rejection::JsonRejection;
use axum::extract::{DefaultBodyLimit, FromRef, FromRequestParts, Path, Query, State};
use axum::http::header::{AUTHORIZATION, X_CONTENT_TYPE_OPTIONS};
use axum::http::request::Parts;
use axum::http::{HeaderValue, Method, StatusCode};
use axum::response::sse::{Event, KeepAlive};
use axum::response::{IntoResponse, Response, Sse};
use axum::routing::{get, post};
use axum::{Json, Router};
use futures_util::Stream;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::sync::watch;
use tower_http::compression::CompressionLayer;
use tower_http::cors::CorsLayer;
use tower_http::set_header::SetResponseHeaderLayer;
use tower_http::trace::TraceLayer;

/// Rates as they are at the start: how much of a currency one euro is.
const RATES: [(&str, f64); 8] = [
    ("CHF", 0.94),
    ("CNY", 8.21),
    ("EUR", 1.0),
    ("GBP", 0.84),
    ("INR", 98.6),
    ("JPY", 172.1),
    ("SGD", 1.51),
    ("USD", 1.16),
];

/// The application's state.
#[derive(Debug, Clone)]
pub struct Rates {
    rates: Arc<RwLock<BTreeMap<String, f64>>>,
    /// How many times a rate was set.
    changes: Arc<watch::Sender<u64>>,
    /// Tells those who wait that they have to go.
    closing: Arc<watch::Sender<()>>,
    token: OperatorToken,
}

#[derive(Debug, Clone)]
struct OperatorToken(Arc<str>);

impl FromRef<Rates> for OperatorToken {
    fn from_ref(rates: &Rates) -> Self {
        rates.token.clone()
    }
}

impl Rates {
    pub fn open(operator_token: &str) -> Self {
        let rates = RATES.map(|(name, rate)| (name.to_owned(), rate)).into();
        Rates {
            rates: Arc::new(RwLock::new(rates)),
            changes: Arc::default(),
            closing: Arc::default(),
            token: OperatorToken(operator_token.into()),
        }
    }

    /// Whether there are rates to give.
    pub fn check(&self) -> Result<(), Failure> {
        self.rate("EUR").map(drop)
    }

    /// Ends what is open: streams, and requests that wait for a change. New ones may come.
    pub fn close(&self) {
        self.closing.send_replace(());
    }

    fn rate(&self, currency: &str) -> Result<f64, Failure> {
        let rates = self.rates.read().map_err(|_| Failure::Broken)?;
        rates.get(currency).copied().ok_or_else(|| Failure::Unknown(currency.to_owned()))
    }

    fn convert(&self, Conversion { from, to, amount }: &Conversion) -> Result<f64, Failure> {
        let euros = amount / self.rate(from)?;
        Ok((euros * self.rate(to)? * 100.0).round() / 100.0)
    }
}

pub fn router(rates: Rates) -> Router {
    let operators = Router::new().route("/rates/{currency}", post(set));
    Router::new()
        .route("/rates", get(list))
        .route("/rates/{currency}", get(show))
        .route("/rates/{currency}/next", get(next))
        .route("/convert", get(convert).post(convert_many))
        .route("/watch", get(watch))
        .merge(operators)
        .fallback(async || (StatusCode::NOT_FOUND, "no such page\n"))
        .layer(DefaultBodyLimit::max(64 * 1024))
        .layer(SetResponseHeaderLayer::if_not_present(
            X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ))
        .layer(CompressionLayer::new())
        .layer(
            CorsLayer::new()
                .allow_origin(HeaderValue::from_static("https://shop.example.com"))
                .allow_methods([Method::GET, Method::POST]),
        )
        .layer(TraceLayer::new_for_http())
        .with_state(rates)
}

#[derive(Debug, Deserialize, Serialize)]
struct Conversion {
    from: String,
    to: String,
    amount: f64,
}

#[derive(Debug, Deserialize)]
struct Rate {
    rate: f64,
}

async fn list(State(rates): State<Rates>) -> Result<Json<BTreeMap<String, f64>>, Failure> {
    Ok(Json(rates.rates.read().map_err(|_| Failure::Broken)?.clone()))
}

async fn show(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, Failure> {
    Ok(rates.rate(&currency)?.to_string())
}

/// Waits until a rate is set, and gives the one of this currency.
async fn next(State(rates): State<Rates>, Path(currency): Path<String>) -> Result<String, Failure> {
    rates.rate(&currency)?;
    let (mut changes, mut closing) = (rates.changes.subscribe(), rates.closing.subscribe());
    tokio::select! {
        _ = changes.changed() => Ok(rates.rate(&currency)?.to_string()),
        _ = closing.changed() => Err(Failure::Closing),
    }
}

async fn convert(
    State(rates): State<Rates>,
    Query(conversion): Query<Conversion>,
) -> Result<Json<f64>, Failure> {
    Ok(Json(rates.convert(&conversion)?))
}

async fn convert_many(
    State(rates): State<Rates>,
    conversions: Result<Json<Vec<Conversion>>, JsonRejection>,
) -> Result<Json<Vec<f64>>, Failure> {
    let Json(conversions) = conversions?;
    conversions.iter().map(|conversion| rates.convert(conversion)).collect::<Result<_, _>>().map(Json)
}

async fn set(
    State(rates): State<Rates>,
    _: Operator,
    Path(currency): Path<String>,
    Json(Rate { rate }): Json<Rate>,
) -> Result<StatusCode, Failure> {
    rates.rate(&currency)?;
    if !(rate.is_finite() && rate > 0.0) {
        return Err(Failure::NoRate);
    }
    rates.rates.write().map_err(|_| Failure::Broken)?.insert(currency, rate);
    rates.changes.send_modify(|count| *count += 1);
    Ok(StatusCode::NO_CONTENT)
}

/// All rates, at first and whenever one is set, until the application closes.
async fn watch(State(rates): State<Rates>) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let (mut changes, closing) = (rates.changes.subscribe(), rates.closing.subscribe());
    changes.mark_changed();
    let events = futures_util::stream::unfold((changes, closing), move |(mut changes, mut closing)| {
        let rates = Arc::clone(&rates.rates);
        async move {
            tokio::select! {
                _ = changes.changed() => {}
                _ = closing.changed() => return None,
            }
            let count = *changes.borrow_and_update();
            let event = Event::default().id(count.to_string()).json_data(&*rates.read().ok()?).ok()?;
            Some((Ok(event), (changes, closing)))
        }
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(Duration::from_secs(10)))
}

/// Whoever has the operators' token.
struct Operator;

impl<S> FromRequestParts<S> for Operator
where
    S: Send + Sync,
    OperatorToken: FromRef<S>,
{
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Failure> {
        let OperatorToken(token) = OperatorToken::from_ref(state);
        let sent = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        // An empty token is a setting that was left out.
        let sent = sent.and_then(|sent| sent.strip_prefix("Bearer ")).filter(|sent| !sent.is_empty());
        let is_right = sent == Some(&*token);
        if is_right { Ok(Operator) } else { Err(Failure::Stranger) }
    }
}

/// What a client is told.
#[derive(Debug)]
pub enum Failure {
    Unknown(String),
    NoRate,
    Stranger,
    Closing,
    Broken,
    Json(JsonRejection),
}

impl From<JsonRejection> for Failure {
    fn from(rejection: JsonRejection) -> Self {
        Failure::Json(rejection)
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Failure::Unknown(currency) => write!(f, "no currency {currency}"),
            Failure::NoRate => f.write_str("a rate is above zero"),
            Failure::Stranger => f.write_str("operators only"),
            Failure::Closing => f.write_str("closing: ask again"),
            Failure::Broken => f.write_str("a write broke off"),
            Failure::Json(rejection) => f.write_str(&rejection.body_text()),
        }
    }
}

impl std::error::Error for Failure {}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match &self {
            Failure::Unknown(_) => StatusCode::NOT_FOUND,
            Failure::NoRate => StatusCode::UNPROCESSABLE_ENTITY,
            Failure::Stranger => StatusCode::UNAUTHORIZED,
            Failure::Closing => StatusCode::SERVICE_UNAVAILABLE,
            Failure::Broken => StatusCode::INTERNAL_SERVER_ERROR,
            Failure::Json(rejection) => rejection.status(),
        };
        (status, Json(json!({"error": self.to_string()}))).into_response()
    }
}

#[cfg(test)]
mod tests {
    use axum::body::{Body, to_bytes};
    use axum::http::Request;
    use tower::ServiceExt;

    use super::*;

    async fn ask(router: &Router, request: Request<Body>) -> (StatusCode, String) {
        let response = router.clone().oneshot(request).await.unwrap();
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }

    fn get(target: &str) -> Request<Body> {
        Request::get(target).body(Body::empty()).unwrap()
    }

    fn set(token: &str, rate: &str) -> Request<Body> {
        let request = Request::post("/rates/USD").header("authorization", format!("Bearer {token}"));
        request
            .header("content-type", "application/json")
            .body(format!("{{\"rate\": {rate}}}").into())
            .unwrap()
    }

    #[tokio::test]
    async fn amounts_are_converted() {
        let router = router(Rates::open("secret"));
        let asked = ask(&router, get("/convert?from=EUR&to=CNY&amount=10")).await;
        assert_eq!(asked, (StatusCode::OK, "82.1".to_owned()));
        let asked = ask(&router, get("/convert?from=EUR&to=XXX&amount=10")).await;
        assert_eq!(asked, (StatusCode::NOT_FOUND, "{\"error\":\"no currency XXX\"}".to_owned()));
    }

    #[tokio::test]
    async fn operators_set_rates_and_those_who_wait_hear_of_it() {
        let router = router(Rates::open("secret"));
        assert_eq!(ask(&router, set("wrong", "2")).await.0, StatusCode::UNAUTHORIZED);
        assert_eq!(ask(&router, set("secret", "-2")).await.0, StatusCode::UNPROCESSABLE_ENTITY);
        let unset = super::router(Rates::open(""));
        assert_eq!(ask(&unset, set("", "2")).await.0, StatusCode::UNAUTHORIZED);
        let waits = ask(&router, get("/rates/USD/next"));
        let (waited, set) = tokio::join!(biased; waits, ask(&router, set("secret", "2")));
        assert_eq!((set.0, waited.1), (StatusCode::NO_CONTENT, "2".to_owned()));
    }
}
