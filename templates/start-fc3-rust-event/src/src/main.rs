//! A function that events call: of an object store here, or of any other trigger.

use fc_events::oss::OssEvent;
use fc_runtime::{App, Result};

/// Which objects matter. It is read once, before the first event: see `initializer` in s.yaml.
struct Settings {
    ending: String,
}

fn main() -> Result {
    app().run()
}

fn app() -> App<Settings> {
    App::with_state_from(async |instance| {
        Ok(Settings { ending: instance.var_opt("ENDING").unwrap_or(".png").to_owned() })
    })
    .on_initialize(async |hook| {
        tracing::info!("objects that end with {} matter", hook.state().ending);
        Ok(())
    })
    .event(async |event| {
        let created: OssEvent = fc_events::read(event.bytes())?;
        let all = created.events.iter().map(|event| &event.oss.object.key);
        let mine: Vec<&str> =
            all.filter(|key| key.ends_with(&event.state().ending)).map(String::as_str).collect();
        // The platform calls at least once: work that must not be done twice needs a key of its own, such as the
        // object's version. An error has an asynchronous call repeated.
        tracing::info!("{} objects to work on", mine.len());
        Ok(mine.join("\n"))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_objects_with_the_ending_matter() {
        fc_runtime::testing::run(async {
            let client = app().test_client();
            let object = |key: &str| json!({"eventName": "ObjectCreated:PutObject", "oss": {"bucket": {"name": "shop"}, "object": {"key": key}}});
            let event = json!({"events": [object("in/tea.png"), object("in/readme.md")]});
            client.invoke(event.to_string()).await.assert_status(200).assert_text("in/tea.png");
            assert!(!client.invoke("no JSON").await.status.is_success());
        });
    }
}
