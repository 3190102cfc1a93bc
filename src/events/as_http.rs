//! Events that are requests: answered by the routes.

use std::sync::Arc;

use bytes::Bytes;
use fc_events::AnyRequest;

use crate::app::App;
use crate::error::Result;
use crate::events::typed::misfit;
use crate::events::{reply, request};
use crate::exchange::Call;
use crate::request::refuse_inside;
use crate::sealed::{Doors, Inside, Sealed};

impl<S: Send + Sync + 'static> App<S> {
    /// Has requests that come as events answered by the routes: from API Gateway, from the HTTP trigger of an event function, and from a load balancer
    /// in front of one. [`events`](crate::events#one-app-every-door) says what becomes of each part.
    ///
    /// Middleware (arounds), guards, limits of bodies and times, CORS, records and request ids hold as for other requests. Other events go to the
    /// handler of [`event`](Self::event), if there is one. A payload that has the keys of such a request and is none fails the call, with the field.
    ///
    /// Whoever may call the function with events can say any address and any header in them. Where that matters, let no more than the doors do so.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new()
    ///     .get("/orders/{id}", async |ex| Ok(format!("order {}", ex.param::<u32>("id")?)))
    ///     .event(async |event| Ok(event.text()?.to_uppercase()))
    ///     .event_as_http()
    ///     .test_client();
    /// let gateway = r#"{"path": "/orders/7", "httpMethod": "GET", "headers": {}, "queryParameters": {}, "body": "", "isBase64Encoded": false}"#;
    /// let reply = client.invoke(gateway).await;
    /// assert_eq!(reply.json::<serde_json::Value>()["statusCode"], 200);
    /// assert_eq!(reply.json::<serde_json::Value>()["body"], "order 7");
    /// client.invoke("tick").await.assert_text("TICK");
    /// # });
    /// ```
    #[doc(alias = "api gateway")]
    #[doc(alias = "lambda_http")]
    pub fn event_as_http(mut self) -> Self {
        // Referred to only here, so that a function without it does not link its code.
        self.set_doors(Doors { open: open::<S>, close: reply::written });
        self
    }
}

fn open<S: Send + Sync + 'static>(
    app: &Arc<Sealed<S>>,
    call: &Arc<Call>,
    payload: &Bytes,
) -> Result<Option<Inside>> {
    let found = AnyRequest::find(payload).map_err(|wrong| misfit("the request in the event", &wrong))?;
    Ok(found.map(|found| match request::made(found, call) {
        Ok((head, body)) => app.answer_inside(call, head, body),
        Err(error) => refuse_inside(call, error),
    }))
}
