//! Requests and replies, as the clients write and read them. A token is a word here.

use fc_runtime::{Error, Result};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{MODEL, Param};

/// The most words of one completion.
const WORDS_MAX: usize = 100_000;

/// The words of a completion whose request says nothing.
const WORDS_DEFAULT: usize = 200;

/// The most texts that may end a completion, as in OpenAI's API.
const STOPS_MAX: usize = 4;

#[derive(Debug, Deserialize)]
pub(super) struct Request {
    pub(super) model: String,
    messages: Vec<Message>,
    #[serde(default)]
    pub(super) stream: bool,
    stream_options: Option<StreamOptions>,
    max_tokens: Option<usize>,
    max_completion_tokens: Option<usize>,
    /// Not OpenAI's, but vLLM's: it goes on for at least so long.
    pub(super) min_tokens: Option<usize>,
    pub(super) temperature: Option<f64>,
    pub(super) seed: Option<u64>,
    stop: Option<Texts>,
    n: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct StreamOptions {
    #[serde(default)]
    include_usage: bool,
}

#[derive(Debug, Deserialize)]
struct Message {
    role: String,
    content: Option<Content>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Content {
    Text(String),
    Parts(Vec<Part>),
}

#[derive(Debug, Deserialize)]
struct Part {
    text: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Texts {
    One(String),
    Several(Vec<String>),
}

impl Request {
    pub(super) fn check(&self) -> Result {
        let refuse = |param: &'static str, message: &'static str| {
            Err(Error::bad_request(message).with_code("invalid_value").with_cause(Param(param)))
        };
        match self {
            _ if self.messages.is_empty() => refuse("messages", "there has to be a message"),
            _ if self.n.is_some_and(|n| n != 1) => refuse("n", "one completion at a time"),
            _ if self.temperature.is_some_and(|degree| !(0.0..=2.0).contains(&degree)) => {
                refuse("temperature", "the temperature is 0 to 2")
            }
            _ if self.stops().len() > STOPS_MAX => refuse("stop", "at most four texts may end a completion"),
            _ if self.words_most() == 0 || self.words_most() > WORDS_MAX => {
                refuse("max_tokens", "a completion has 1 to 100000 words")
            }
            _ => Ok(()),
        }
    }

    pub(super) fn words_most(&self) -> usize {
        let most = self.max_completion_tokens.or(self.max_tokens);
        most.unwrap_or_else(|| WORDS_DEFAULT.max(self.min_tokens.unwrap_or_default()))
    }

    pub(super) fn wants_usage(&self) -> bool {
        self.stream_options.as_ref().is_some_and(|options| options.include_usage)
    }

    pub(super) fn stops(&self) -> Vec<String> {
        match &self.stop {
            None => Vec::new(),
            Some(Texts::One(text)) => vec![text.clone()],
            Some(Texts::Several(texts)) => texts.clone(),
        }
    }

    /// What the user said last.
    pub(super) fn last_text(&self) -> String {
        let users = self.messages.iter().rfind(|message| message.role == "user");
        users.or(self.messages.last()).map(Message::text).unwrap_or_default()
    }

    pub(super) fn words(&self) -> usize {
        self.messages.iter().map(|message| message.text().split_whitespace().count()).sum()
    }
}

impl Message {
    fn text(&self) -> String {
        match &self.content {
            None => String::new(),
            Some(Content::Text(text)) => text.clone(),
            Some(Content::Parts(parts)) => {
                let texts: Vec<&str> = parts.iter().filter_map(|part| part.text.as_deref()).collect();
                texts.join(" ")
            }
        }
    }
}

/// Why a completion has ended.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Finish {
    Stop,
    Length,
}

#[derive(Debug, Clone, Copy, Serialize)]
#[expect(clippy::struct_field_names, reason = "they are OpenAI's")]
pub(super) struct Usage {
    prompt_tokens: usize,
    completion_tokens: usize,
    total_tokens: usize,
}

impl Usage {
    pub(super) fn new(prompt: usize, completion: usize) -> Self {
        Self { prompt_tokens: prompt, completion_tokens: completion, total_tokens: prompt + completion }
    }
}

#[derive(Debug, Serialize)]
pub(super) struct Completion {
    id: String,
    object: &'static str,
    created: u64,
    model: &'static str,
    choices: [Value; 1],
    usage: Usage,
}

impl Completion {
    pub(super) fn new(id: String, created: u64, text: String, finish: Finish, usage: Usage) -> Self {
        let message = json!({"role": "assistant", "content": text, "refusal": null});
        let choice = json!({"index": 0, "message": message, "logprobs": null, "finish_reason": finish});
        Self { id, object: "chat.completion", created, model: MODEL, choices: [choice], usage }
    }
}

/// A piece of a completion that is streamed.
#[derive(Debug)]
pub(super) enum Chunk {
    Begin,
    Text(String),
    End(Finish),
    Usage(Usage),
}

impl Chunk {
    pub(super) fn to_json(&self, id: &str, created: u64, wants_usage: bool) -> Value {
        let choice = |delta: Value, finish: Option<Finish>| json!([{"index": 0, "delta": delta, "logprobs": null, "finish_reason": finish}]);
        let (choices, usage) = match self {
            Self::Begin => (choice(json!({"role": "assistant", "content": ""}), None), None),
            Self::Text(text) => (choice(json!({"content": text}), None), None),
            Self::End(finish) => (choice(json!({}), Some(*finish)), None),
            Self::Usage(usage) => (json!([]), Some(*usage)),
        };
        let mut chunk = json!({
            "id": id, "object": "chat.completion.chunk", "created": created, "model": MODEL, "choices": choices,
        });
        if wants_usage {
            chunk["usage"] = json!(usage);
        }
        chunk
    }
}
