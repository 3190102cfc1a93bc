//! `dest-succ`: is called when a video was made. Add here what shall happen then.

use fc_runtime::{App, Result};
use http_video_transcode::Outcome;

fn main() -> Result {
    App::new()
        .event(async |event| {
            let outcome: Outcome = event.json()?;
            let (id, calls) =
                (&outcome.request_context.request_id, outcome.request_context.approximate_invoke_count);
            tracing::info!("dest-succ: {id} made {} in {calls} calls", outcome.response_payload);
            Ok("")
        })
        .run()
}
