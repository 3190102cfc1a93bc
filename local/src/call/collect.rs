//! A reply taken whole: read to its end before anything of it is passed on.

use bytes::{Bytes, BytesMut};
use fc_runtime::platform::limits::MIB;
use fc_runtime::platform::names::{header, status};
use http::response;
use http_body_util::BodyExt;
use hyper::body::Incoming;

use super::dispatch::AnswerBody;
use super::run::Run;
use crate::failure::Failure;

/// How much of a reply that is not streamed is held. The platform states no limit; this one protects the
/// machine.
const WHOLE_MAX: usize = 256 * MIB;

/// Reads the reply to its end, within the function's time.
pub(crate) async fn collect(
    body: AnswerBody,
    run: Run,
    wants_log: bool,
) -> Result<(Bytes, Option<String>), Failure> {
    let (AnswerBody::Whole(mut body) | AnswerBody::Stream(mut body)) = body else {
        let failure = Failure::bad_response("the function's reply has no end");
        run.fail(&failure);
        return Err(failure);
    };
    let read = run.within(read(&mut body)).await;
    let outcome = match read {
        Ok(Ok(bytes)) => Ok(bytes),
        Ok(Err(None)) => {
            Err(Failure::bad_response(format!("the function's reply has more than {WHOLE_MAX} bytes")))
        }
        Ok(Err(Some(_))) => Err(run.crashed().await),
        Err(failure) => Err(failure),
    };
    match outcome {
        Ok(bytes) if wants_log => Ok((bytes, run.finish_with_log().await)),
        Ok(bytes) => {
            run.finish();
            Ok((bytes, None))
        }
        Err(failure) => {
            run.fail(&failure);
            Err(failure)
        }
    }
}

/// `Err(None)` if there is too much of it.
async fn read(body: &mut Incoming) -> Result<Bytes, Option<hyper::Error>> {
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Some)?.into_data() else { continue };
        match &mut all {
            None if first.is_empty() => first = data,
            None => {
                let mut joined = BytesMut::with_capacity(first.len() + data.len());
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&data);
                all = Some(joined);
            }
            Some(all) if all.len() + data.len() > WHOLE_MAX => return Err(None),
            Some(all) => all.extend_from_slice(&data),
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

/// Whether the function says of its own reply that the call failed. Its status does not decide.
pub(crate) fn is_function_error(head: &response::Parts) -> bool {
    head.headers.get(header::STATUS).is_some_and(|status| status != status::SUCCESS)
}
