//! Calling a function with an event, without a client in between.

use std::sync::Arc;

use bytes::Bytes;

use super::platform::Platform;
use crate::call::{Call, Seat, Whole, dispatch};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::failure_json;
use crate::model::Edition;
use crate::registry::Callee;
use crate::wire::{BodyFault, Payload, ids};

/// The result of an event call. [The example of the crate](crate) reads the result.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Invocation {
    /// The request's id.
    pub request: String,
    /// The reply, or the error as the platform's JSON.
    pub body: Bytes,
    /// Whether the function or the platform reported a failure.
    pub is_error: bool,
    /// Whether the platform would send an asynchronous event once more after this outcome.
    pub is_retryable: bool,
    /// The last 4 KiB of the call's log, if the caller asked for the log.
    pub log: Option<String>,
}

impl Platform {
    /// Calls a function with an event.
    pub async fn invoke(&self, name: &str, event: Bytes, wants_log: bool) -> Invocation {
        self.invoke_qualified(name, None, event, wants_log).await
    }

    /// Calls a version or an alias of a function with an event; `None` is `LATEST`.
    pub async fn invoke_qualified(
        &self,
        name: &str,
        qualifier: Option<&str>,
        event: Bytes,
        wants_log: bool,
    ) -> Invocation {
        let id = ids::request();
        let tail = wants_log.then(Tail::default);
        let outcome = self.try_invoke((name, qualifier), event, tail.clone(), &id).await;
        let request = id.to_string();
        match outcome {
            Ok((body, is_error, log)) => Invocation { request, body, is_error, is_retryable: is_error, log },
            Err(failure) => {
                let log = tail.map(|tail| tail.text());
                let body = Bytes::from(failure_json(&failure, &id, Edition::Fc3));
                let is_retryable = failure.kind.is_retryable();
                Invocation { request, body, is_error: true, is_retryable, log }
            }
        }
    }

    async fn try_invoke(
        &self,
        (name, qualifier): (&str, Option<&str>),
        event: Bytes,
        tail: Option<Tail>,
        id: &Arc<str>,
    ) -> Result<(Bytes, bool, Option<String>), Failure> {
        let wants_log = tail.is_some();
        let callee = Callee::choose(self.registry.find(name)?, qualifier)?;
        let payload = (Payload::whole(event), BodyFault::default());
        let call = Call::event(Arc::clone(id), callee, Via::CommandLine, payload, tail);
        let answer = dispatch(Box::new(call), &mut Seat::default()).await?;
        let is_error = answer.is_function_error();
        let Whole { bytes, log, .. } = answer.body.collect(wants_log).await?;
        Ok((bytes, is_error, log))
    }
}
