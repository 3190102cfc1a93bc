//! What a client without a library sees.

use fc_runtime::testing::{self, Client};
use serde_json::Value;

use super::*;

fn client(vars: &[(&str, &str)]) -> Client<Model> {
    let vars: Vec<(&str, &str)> = vars.iter().copied().chain([("WORDS_PER_SECOND", "0")]).collect();
    let instance = Instance::from_vars(vars);
    app(&instance).unwrap().test_client().with_instance(instance)
}

fn chat(more: Value) -> Value {
    let mut request =
        json!({"model": MODEL, "messages": [{"role": "user", "content": "Tell me of sessions"}], "seed": 7});
    request.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    request
}

/// The data of the events.
fn chunks(text: &str) -> Vec<String> {
    text.lines().filter_map(|line| line.strip_prefix("data: ")).map(str::to_owned).collect()
}

#[test]
fn a_stream_says_what_the_whole_says() {
    testing::run(async {
        let client = client(&[]);
        let whole = client.post("/v1/chat/completions").json(&chat(json!({}))).await;
        let whole: Value = whole.assert_status(200).json();
        let (text, usage) = (whole["choices"][0]["message"]["content"].as_str().unwrap(), &whole["usage"]);
        assert_eq!(usage["completion_tokens"], text.split(' ').count());
        assert_eq!(
            (&usage["prompt_tokens"], &whole["choices"][0]["finish_reason"]),
            (&json!(4), &json!("stop"))
        );

        let options = json!({"stream": true, "stream_options": {"include_usage": true}});
        let streamed = client.post("/v1/chat/completions").json(&chat(options)).await;
        let mut chunks = chunks(&streamed.assert_header("content-type", "text/event-stream").text());
        assert_eq!(chunks.pop().unwrap(), "[DONE]");
        let chunks: Vec<Value> = chunks.iter().map(|chunk| serde_json::from_str(chunk).unwrap()).collect();
        let texts = chunks.iter().filter_map(|chunk| chunk["choices"][0]["delta"]["content"].as_str());
        assert_eq!(texts.collect::<String>(), text);
        let [.., end, last] = &chunks[..] else { panic!("{chunks:?}") };
        assert_eq!(end["choices"][0]["finish_reason"], "stop");
        assert_eq!((&last["choices"], &last["usage"]), (&json!([]), usage));
    });
}

#[test]
fn it_ends_where_the_client_says() {
    testing::run(async {
        let client = client(&[]);
        let finish = async |more: Value| {
            let answer: Value =
                client.post("/v1/chat/completions").json(&chat(more)).await.assert_status(200).json();
            let choice = &answer["choices"][0];
            let text = choice["message"]["content"].as_str().unwrap().to_owned();
            (text, choice["finish_reason"].as_str().unwrap().to_owned())
        };
        let (whole, _) = finish(json!({})).await;
        let (short, reason) = finish(json!({"max_completion_tokens": 3})).await;
        assert_eq!((short.split(' ').count(), reason.as_str()), (3, "length"));
        let third = whole.split(' ').nth(2).unwrap();
        let (stopped, reason) = finish(json!({"stop": third})).await;
        assert_eq!((&*stopped, &*reason), (whole.split_once(third).unwrap().0, "stop"));
        let (long, _) = finish(json!({"min_tokens": 500})).await;
        assert!(long.split(' ').count() >= 500);
    });
}

#[test]
fn a_refusal_has_the_shape_of_theirs() {
    testing::run(async {
        let client = client(&[("API_KEYS", "sk-one,sk-two")]);
        let ask = async |key: &str, request: Value| {
            let asked = client.post("/v1/chat/completions").header("authorization", &format!("Bearer {key}"));
            let answer = asked.json(&request).await;
            let error: Value = answer.json();
            (
                answer.status.as_u16(),
                error["error"]["type"].to_string(),
                error["error"]["code"].clone(),
                error["error"]["param"].clone(),
            )
        };
        let invalid = || r#""invalid_request_error""#.to_owned();
        assert_eq!(ask("wrong", chat(json!({}))).await.0, 401);
        assert_eq!(ask("wrong", chat(json!({}))).await.1, r#""authentication_error""#);
        let none = chat(json!({"model": "gpt-9"}));
        assert_eq!(ask("sk-two", none).await, (404, invalid(), json!("model_not_found"), json!("model")));
        let empty = chat(json!({"messages": []}));
        assert_eq!(ask("sk-one", empty).await, (400, invalid(), json!("invalid_value"), json!("messages")));
        assert_eq!(ask("sk-one", chat(json!({"n": 2}))).await.3, "n");
        assert_eq!(ask("sk-one", chat(json!({"max_tokens": 0}))).await.3, "max_tokens");
        assert_eq!(ask("sk-one", json!({"model": 5})).await.1, invalid());
        client.get("/v1/models").header("authorization", "Bearer sk-one").await.assert_status(200);
    });
}

#[test]
fn a_client_that_leaves_stops_the_generation() {
    testing::run(async {
        let client = client(&[("WORDS_PER_SECOND", "100")]);
        let long = chat(json!({"stream": true, "min_tokens": 50_000}));
        let mut stream = client.post("/v1/chat/completions").json(&long).open().await;
        while !String::from_utf8_lossy(&stream.piece().await.unwrap()).contains("content\":\" ") {}
        drop(stream);
        assert_eq!(client.counters().await.cancelled, 1);
    });
}
