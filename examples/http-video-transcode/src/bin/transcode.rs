//! `transcode`: makes a video of another format, as a task that is called through its HTTP trigger.

use fc_runtime::{App, Exchange, Json, Result};
use http_video_transcode::{Folder, Job, Storage, transcode};
use serde::Serialize;

struct State {
    storage: Storage,
    ffmpeg: String,
}

#[derive(Serialize)]
struct Made {
    bucket: String,
    object: String,
    /// Whether an earlier attempt had made it.
    already: bool,
}

fn main() -> Result {
    App::with_state_from(async |instance| {
        let ffmpeg = instance.var_opt("FFMPEG").unwrap_or("ffmpeg").to_owned();
        Ok(State { storage: Storage::of(&instance)?, ffmpeg })
    })
    .post("/", make)
    .post("/{*path}", make)
    .run()
}

/// Every failure is a 5xx, also one of the job's own making: of a task there is nobody left who would read a 4xx, which
/// counts as a success, and `dest-fail` shall hear of it.
async fn make(ex: Exchange<State>) -> Result<Json<Made>> {
    let job: Job = ex.json().await.map_err(|error| fc_runtime::Error::new(500, error.to_string()))?;
    job.check()?;
    let credentials = ex.invocation().credentials();
    let state = ex.state();
    let bucket = state.storage.bucket(&job.bucket, credentials)?;
    let output = job.output();
    let made = |already| Json(Made { bucket: job.bucket.clone(), object: output.clone(), already });
    // At least once: an attempt may come after one that finished.
    if bucket.has(&output).await? {
        tracing::info!("{output} is there already");
        return Ok(made(true));
    }
    // Declared before ffmpeg runs, so that a stop ends ffmpeg first and then removes its files.
    let folder = Folder::create()?;
    let (source, target) = (folder.file("source"), folder.file(&format!("target.{}", job.dst_format)));
    let size = bucket.fetch(&job.object, &source).await?;
    tracing::info!("fetched {}: {size} bytes", job.object);
    transcode(&state.ffmpeg, &source, &target).await?;
    let size = bucket.store(&target, &output).await?;
    tracing::info!("made {output}: {size} bytes");
    Ok(made(false))
}
