//! Timer triggers of the manifest, by the machine's own clock.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::manifest::Function;
use testkit::{Folder, Launch};

use crate::harness::{Local, f, program, scripted, write_manifest};

fn timed(cron: &str, payload: &str) -> Function {
    let config = json!({"cronExpression": cron, "enable": true, "payload": payload});
    let timer = json!({"triggerName": "tick", "triggerType": "timer", "triggerConfig": config});
    let source = json!({"eventSourceConfig": {"eventSourceType": "Kafka"}});
    let kafka = json!({"triggerName": "orders", "triggerType": "eventbridge", "triggerConfig": source});
    let oss = json!({"triggerName": "uploads", "triggerType": "oss", "triggerConfig": {"events": []}});
    f().prop("triggers", json!([timer, kafka, oss]))
}

#[test]
fn a_timer_fires_and_a_changed_one_takes_its_place() {
    let folder = scripted();
    write_manifest(&folder, timed("* * * * * *", "hello"));
    let local = Local::start(folder, &[]);
    let set = local.wait_for(kind("timer").field("what", "set").function("f"));
    assert_eq!((&set["trigger"], &set["schedule"]), (&"tick".into(), &"* * * * * *".into()));
    let fired = local.wait_for(kind("timer").field("what", "fired").has("due"));
    // The call of the event is an asynchronous one.
    let request = fired["request"].as_str().unwrap();
    local.wait_for(kind("async_call").field("state", "Succeeded").request(request));
    // What fires in the cloud only is told with the line that sends its event.
    for line in ["fc-local send kafka f", "fc-local send oss f"] {
        local.wait_for(kind("manifest_note").saying(line));
    }
    write_manifest(&local.folder, timed("0 0 4 1 1 *", "hello"));
    local.wait_for(kind("timer").field("what", "set").field("schedule", "0 0 4 1 1 *"));
    let mut times: Vec<Value> = local
        .matching(kind("timer").field("what", "fired"))
        .iter()
        .map(|fired| fired["due"].clone())
        .collect();
    let all = times.len();
    times.dedup();
    assert_eq!(times.len(), all, "none fires twice");
}

#[test]
fn the_list_shows_when_timers_are_due() {
    let list = |function: Function, arguments: &[&str]| {
        let folder = Folder::new();
        write_manifest(&folder, function);
        let launch = Launch::new(program()).args(["--template".into(), folder.file("s.yaml")]);
        launch.args(["list"]).args(arguments.iter().copied()).run().out
    };
    let text = list(timed("CRON_TZ=Asia/Shanghai 0 0 4 1 1 *", ""), &[]);
    assert!(
        text.contains("timer tick  CRON_TZ=Asia/Shanghai 0 0 4 1 1 *  next ")
            && text.contains("-12-31T20:00:00Z, "),
        "{text}"
    );
    let text = list(timed("0 0 0 31 2 *", "").local("timers", false), &[]);
    assert!(text.contains("next never  (x-local.timers is off)"), "{text}");
    let listed: Value = serde_json::from_str(&list(timed("@every 5m", ""), &["--json"])).unwrap();
    let timer = &listed[0]["timers"][0];
    assert_eq!(
        (&timer["name"], &timer["schedule"], timer["next"].as_array().map(Vec::len)),
        (&"tick".into(), &"@every 5m".into(), Some(3))
    );
}
