//! Takes files of up to 32 MiB into a folder or into OSS, and shows how far they are.

mod kind;
mod page;
mod progress;
mod receive;
mod storage;

use std::sync::Arc;

use fc_runtime::{App, Credentials, HangUpPolicy, Instance, MIB, Result, at};

use progress::Uploads;
use storage::Storage;

struct State {
    storage: Storage,
    /// The role's, as they were at the start: for the ready check, which is no call.
    role: Option<Credentials>,
    uploads: Arc<Uploads>,
}

fn main() -> Result {
    // The platform's limit for a request: the form around the file is in it.
    let form = at("/uploads/{id}").body_limit(32 * MIB);
    App::with_state_from(open)
        .get("/", page::html)
        .get("/page.css", page::style)
        .get("/page.js", page::script)
        // The handler of a client that leaves goes on, to remove what it has written.
        .post(form.hang_up_policy(HangUpPolicy::Finish), receive::upload)
        .get("/uploads/{id}/progress", progress::watch)
        .get("/files/{name}", receive::download)
        .ready_check("storage", async |state| Ok(state.storage.for_call(state.role.clone())?.check().await?))
        .run()
}

async fn open(instance: Instance) -> Result<State> {
    Ok(State { storage: Storage::open(&instance)?, role: instance.credentials(), uploads: Arc::default() })
}
