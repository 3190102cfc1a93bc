//! Chat completions as OpenAI's clients ask for them: `/v1/chat/completions` and `/v1/models`.

mod api;
mod chain;
mod stop;

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use fc_runtime::http::header::HeaderValue;
use fc_runtime::{
    App, Error, Exchange, Group, Instance, IntoReply as _, Json, Next, Reply, Result, Sse, guard,
};
use serde_json::json;

use api::{Chunk, Completion, Finish, Request, Usage};
pub use chain::{Chain, Choice, Words};
use stop::Stop;

/// The name of the model.
pub const MODEL: &str = "readme-chain";

/// The model, and how fast it speaks.
#[derive(Debug)]
pub struct Model {
    chain: Arc<Chain>,
    pause: Duration,
}

impl Model {
    /// A model that has read the file `CORPUS`, or the README of this example, and says `WORDS_PER_SECOND`, by default
    /// 50. With 0 it does not pause.
    ///
    /// # Errors
    /// When the file cannot be read, or the number is none.
    pub fn open(instance: &Instance) -> Result<Self> {
        let text = match instance.var_opt("CORPUS") {
            Some(file) => std::fs::read_to_string(file)?,
            None => include_str!("../../README.md").to_owned(),
        };
        let pace: u32 = instance.var_opt("WORDS_PER_SECOND").unwrap_or("50").parse()?;
        let pause = if pace == 0 { Duration::ZERO } else { Duration::from_secs(1) / pace };
        Ok(Self { chain: Arc::new(Chain::learn(&text)), pause })
    }
}

/// The app. With keys in `API_KEYS`, separated by commas, callers have to bring one.
///
/// # Errors
/// None today; the keys are checked when they are used.
pub fn app(instance: &Instance) -> Result<App<Model>> {
    let keys: Vec<String> =
        instance.var_opt("API_KEYS").unwrap_or_default().split(',').map(str::to_owned).collect();
    let keys: Vec<String> = keys.into_iter().filter(|key| !key.is_empty()).collect();
    let app = App::with_state_from(async |instance| Model::open(&instance));
    Ok(app.group("/v1", move |group| {
        let group = if keys.is_empty() {
            routes(group)
        } else {
            group.group("/", |group| routes(group).around(guard::bearer(keys)))
        };
        group.around(in_their_shape)
    }))
}

fn routes(group: Group<Model>) -> Group<Model> {
    group
        .get("/models", async |_| Json(json!({"object": "list", "data": [about()]})))
        .get("/models/{model}", async |ex| {
            known(&ex.param::<String>("model")?)?;
            Ok(Json(about()))
        })
        .post("/chat/completions", complete)
}

fn about() -> serde_json::Value {
    json!({"id": MODEL, "object": "model", "created": 0, "owned_by": "ai"})
}

fn known(model: &str) -> Result {
    if model == MODEL {
        return Ok(());
    }
    let message = format!("the model `{model}` does not exist; there is `{MODEL}`");
    Err(Error::not_found(message).with_code("model_not_found").with_cause(Param("model")))
}

/// The parameter of a request that is to blame, as the cause of an error.
#[derive(Debug)]
struct Param(&'static str);

impl std::fmt::Display for Param {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "the parameter {}", self.0)
    }
}

impl std::error::Error for Param {}

/// Middleware: errors have the shape that OpenAI's clients read.
async fn in_their_shape(ex: Exchange<Model>, next: Next<Model>) -> Reply {
    let reply = next.run(ex).await;
    let Some(error) = reply.error() else { return reply };
    let kind = match error.status().as_u16() {
        401 => "authentication_error",
        403 => "permission_error",
        429 => "rate_limit_error",
        400..500 => "invalid_request_error",
        _ => "server_error",
    };
    let param = error.find_cause::<Param>().map(|param| param.0);
    let error =
        json!({"error": {"message": error.message(), "type": kind, "param": param, "code": error.code()}});
    let mut theirs = Json(error).into_reply().with_status(reply.status().as_u16());
    for name in ["retry-after", "www-authenticate"] {
        if let Some(value) = reply.headers().get(name) {
            theirs = theirs.with_header(name, HeaderValue::clone(value));
        }
    }
    theirs
}

async fn complete(ex: Exchange<Model>) -> Result<Reply> {
    let request: Request = ex.json().await?;
    request.check()?;
    known(&request.model)?;
    let id = format!("chatcmpl-{}", ex.request_id());
    let created = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Model { chain, pause } = ex.state();
    let generation = Generation::new(chain, *pause, &request);
    if request.stream {
        let wants_usage = request.wants_usage();
        return Ok(
            Sse::run(async move |out| stream(out, generation, id, created, wants_usage).await).into_reply()
        );
    }
    let mut generation = generation;
    let mut text = String::new();
    while let Some(piece) = generation.next().await {
        text.push_str(&piece);
    }
    Ok(Json(Completion::new(id, created, text, generation.finish, generation.usage())).into_reply())
}

async fn stream(
    mut out: fc_runtime::SseSender,
    mut generation: Generation,
    id: String,
    created: u64,
    wants_usage: bool,
) -> Result {
    let event = |chunk: Chunk| Json(chunk.to_json(&id, created, wants_usage));
    out.send(event(Chunk::Begin)).await?;
    while let Some(piece) = generation.next().await {
        out.send(event(Chunk::Text(piece))).await?;
    }
    out.send(event(Chunk::End(generation.finish))).await?;
    if wants_usage {
        out.send(event(Chunk::Usage(generation.usage()))).await?;
    }
    out.send("[DONE]").await?;
    Ok(())
}

/// A completion that is being made. Dropped before its end, as when the client leaves, it says so.
struct Generation {
    words: Words,
    pause: Duration,
    prompt_words: usize,
    stop: Stop,
    words_most: usize,
    words_least: usize,
    said: usize,
    sentences: usize,
    /// Why it has ended, once it has.
    finish: Finish,
    is_done: bool,
}

/// How many sentences it says of itself.
const SENTENCES: usize = 3;

impl Generation {
    fn new(chain: &Arc<Chain>, pause: Duration, request: &Request) -> Self {
        let seed = request.seed.unwrap_or_else(|| getrandom::u64().unwrap_or_default());
        let choice = Choice::new(seed, request.temperature.unwrap_or(1.0));
        Self {
            words: chain.generate(&request.last_text(), choice),
            pause,
            prompt_words: request.words(),
            stop: Stop::new(request.stops()),
            words_most: request.words_most(),
            words_least: request.min_tokens.unwrap_or_default(),
            said: 0,
            sentences: 0,
            finish: Finish::Stop,
            is_done: false,
        }
    }

    /// The next piece of text.
    async fn next(&mut self) -> Option<String> {
        while !self.is_done {
            if self.said > 0 && !self.pause.is_zero() {
                tokio::time::sleep(self.pause).await;
            } else {
                // Others have their turn, however long it talks.
                tokio::task::yield_now().await;
            }
            let is_full = self.said == self.words_most;
            let word = (!is_full && !self.is_enough()).then(|| self.words.next()).flatten();
            let piece = if let Some(word) = word {
                let piece = if self.said == 0 { word } else { format!(" {word}") };
                self.said += 1;
                self.sentences += usize::from(self.words.is_at_end());
                self.stop.push(&piece)
            } else {
                self.is_done = true;
                self.finish = if is_full { Finish::Length } else { Finish::Stop };
                self.stop.finish()
            };
            if !piece.is_empty() {
                return Some(piece);
            }
        }
        None
    }

    fn is_enough(&self) -> bool {
        self.stop.is_reached() || self.sentences >= SENTENCES && self.said >= self.words_least
    }

    fn usage(&self) -> Usage {
        Usage::new(self.prompt_words, self.said)
    }
}

impl Drop for Generation {
    fn drop(&mut self) {
        if !self.is_done {
            tracing::info!(words = self.said, "the client has left: the generation is stopped");
        }
    }
}

#[cfg(test)]
mod tests;
