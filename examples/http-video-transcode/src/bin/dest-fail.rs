//! `dest-fail`: is called when a video was not made, or its task was stopped. Add here what shall happen then.

use fc_runtime::{App, Result};
use http_video_transcode::Outcome;

fn main() -> Result {
    App::new()
        .event(async |event| {
            let outcome: Outcome = event.json()?;
            let (id, condition) = (&outcome.request_context.request_id, &outcome.request_context.condition);
            tracing::error!(
                "dest-fail: {id} failed with {condition}: {} could not be made: {}",
                outcome.request_payload,
                outcome.response_payload
            );
            Ok("")
        })
        .run()
}
