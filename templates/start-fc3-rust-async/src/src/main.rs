//! Long work that is taken at once and done later: asynchronous tasks.
//!
//! A caller that sends `X-Fc-Invocation-Type: Async` gets 202 as soon as the platform has stored the call. The platform then
//! calls at least once, and repeats what fails.

use std::time::Duration;

use fc_runtime::{App, Error, Json, Result};
use serde::{Deserialize, Serialize};

#[derive(Deserialize)]
struct Job {
    /// What names the work: the same for each attempt at it.
    id: String,
    /// How many pages there are to make.
    pages: u32,
}

#[derive(Serialize)]
struct Done {
    id: String,
    pages: u32,
    attempt: u32,
}

fn main() -> Result {
    app().run()
}

fn app() -> App {
    App::new().post("/report", async |ex| {
        let job: Job = ex.json().await?;
        let (task, attempt) =
            (ex.invocation().task_id().unwrap_or("-").to_owned(), ex.invocation().attempt());
        tracing::info!(task, attempt, "report {} begins", job.id);
        if job.pages == 0 {
            // 5xx: the platform calls again, and tells `onFailure` in the end. A 4xx counts as a success.
            return Err(Error::internal("a report without pages"));
        }
        for page in 1..=job.pages {
            // A task that is stopped is dropped here, as a client that leaves.
            tokio::time::sleep(Duration::from_millis(100)).await;
            tracing::debug!(page, "a page is made");
        }
        // Note `job.id` where the result is stored: an attempt after this one must find it, and make nothing twice.
        Ok(Json(Done { id: job.id, pages: job.pages, attempt }))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_report_is_made_and_an_empty_one_fails() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            let done = client.post("/report").json(&json!({"id": "a", "pages": 1})).await;
            done.assert_json(json!({"id": "a", "pages": 1, "attempt": 1}));
            client.post("/report").json(&json!({"id": "b", "pages": 0})).await.assert_status(500);
        });
    }
}
