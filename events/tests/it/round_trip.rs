//! Samples and events made from them are read and written again without a loss.

use fc_events::samples;
use serde_json::{Value, json};

use crate::generated::Generator;
use crate::kinds::KINDS;

/// Fields that are written in one form, whichever was read.
fn in_one_form(mut value: Value) -> Value {
    for event in value.as_array_mut().into_iter().flatten() {
        if let Some(start) = event.pointer_mut("/data/systemProperties/CONSUME_START_TIME") {
            *start = json!(start.to_string().trim_matches('"'));
        }
    }
    value
}

#[test]
fn samples_come_back_whole() {
    for (name, pass) in KINDS {
        let sample = samples::json(name).unwrap();
        let written = pass(sample.as_bytes()).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected = in_one_form(serde_json::from_str(sample).unwrap());
        assert_eq!(written, expected, "{name}");
    }
}

#[test]
fn a_thousand_of_each_come_back_whole() {
    for (name, pass) in KINDS {
        let sample: Value = serde_json::from_str(samples::json(name).unwrap()).unwrap();
        let mut generator = Generator::new(name);
        for round in 0..1000 {
            let made = generator.like(&sample);
            let written = pass(made.to_string().as_bytes());
            let written = written.unwrap_or_else(|error| panic!("{name}, round {round}: {error}: {made}"));
            assert_eq!(in_one_form(written), in_one_form(made), "{name}, round {round}");
        }
    }
}

/// A batch may come as objects, as texts that hold JSON, or as one object.
#[test]
fn a_batch_is_the_same_in_each_form() {
    for (name, pass) in KINDS {
        let sample: Value = serde_json::from_str(samples::json(name).unwrap()).unwrap();
        let Value::Array(elements) = &sample else { continue };
        let expected = in_one_form(sample.clone());
        let texts: Vec<_> = elements.iter().map(Value::to_string).collect();
        assert_eq!(pass(json!(texts).to_string().as_bytes()).unwrap(), expected, "{name}: texts");
        assert_eq!(pass(elements[0].to_string().as_bytes()).unwrap(), expected, "{name}: one object");
        assert_eq!(pass(b"[]").unwrap(), json!([]), "{name}: empty");
    }
}

/// Where a leaf of a sample is of another type, the error names its path, or the type takes any value there.
#[test]
fn a_wrong_field_is_named() {
    for (name, pass) in KINDS {
        let sample: Value = serde_json::from_str(samples::json(name).unwrap()).unwrap();
        let mut named = 0;
        for path in leaves(&sample) {
            let mut wrong = sample.clone();
            *wrong.pointer_mut(&path).unwrap() = json!({"neither": ["text", "nor number"]});
            if let Err(error) = pass(wrong.to_string().as_bytes()) {
                let field = error.field().unwrap_or_else(|| panic!("{name}{path}: {error}"));
                assert_eq!(pointer(field), path, "{name}: {error}");
                let element = path.strip_prefix('/').and_then(|path| path.split('/').next()?.parse().ok());
                assert_eq!(error.element(), element, "{name}: {error}");
                named += 1;
            }
        }
        // EventBridge's data is any JSON.
        assert!(named >= 2, "{name}: {named}");
    }
}

/// The same in a batch of texts: the path goes on inside the text.
#[test]
fn a_wrong_field_in_a_text_is_named() {
    let event =
        json!({"id": "2", "type": "alikafka:Topic:Message", "data": {"topic": "logs", "offset": "many"}});
    let batch = json!([{"id": "1", "type": "t", "data": {"topic": "logs"}}, event.to_string()]).to_string();
    let error = (KINDS.iter().find(|(name, _)| *name == "kafka").unwrap().1)(batch.as_bytes()).unwrap_err();
    assert_eq!((error.element(), error.field()), (Some(1), Some("[1].data.offset")));
    assert_eq!(
        error.to_string(),
        r#"[1].data.offset: invalid value: string "many", expected a whole number"#
    );
}

#[test]
fn what_is_no_json_is_told_with_its_place() {
    let error = fc_events::read::<fc_events::timer::TimerEvent>(b"{\"triggerTime\": ").unwrap_err();
    assert!(error.to_string().contains("at line 1 column 16"), "{error}");
    let error =
        fc_events::read::<fc_events::timer::TimerEvent>(b"{\"triggerTime\": \"\", \"triggerName\": \"\"} x")
            .unwrap_err();
    assert!(error.to_string().contains("trailing characters"), "{error}");
    let error = fc_events::read::<fc_events::timer::TimerEvent>(b"").unwrap_err();
    assert!(error.to_string().contains("EOF"), "{error}");
}

/// The paths of all texts, numbers and truth values, as JSON pointers.
fn leaves(value: &Value) -> Vec<String> {
    let below = |name: &str, value: &Value| {
        leaves(value).into_iter().map(|path| format!("/{name}{path}")).collect::<Vec<_>>()
    };
    match value {
        Value::Object(fields) => fields.iter().flat_map(|(name, value)| below(name, value)).collect(),
        Value::Array(elements) => elements
            .iter()
            .enumerate()
            .flat_map(|(number, value)| below(&number.to_string(), value))
            .collect(),
        _ => vec![String::new()],
    }
}

/// `[1].data.offset` as `/1/data/offset`.
fn pointer(field: &str) -> String {
    let steps = field.split(['.', '[', ']']).filter(|step| !step.is_empty());
    steps.flat_map(|step| ["/", step]).collect()
}
