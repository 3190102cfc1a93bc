//! How asynchronous calls are carried out, and where their outcomes are sent.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// The most retries after a function's own failures, and how many there are unless a configuration says otherwise.
pub(crate) const RETRIES_MAX: u32 = 8;
const RETRIES_DEFAULT: u32 = 3;

/// The longest age that a configuration may allow, in seconds, and the platform's own: 30 days and one day.
pub(crate) const AGE_MAX_SECONDS: u64 = 2_592_000;
const AGE_DEFAULT: Duration = Duration::from_secs(86_400);

/// `asyncInvokeConfig`: how asynchronous calls of a function, a version or an alias are carried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct AsyncConfig {
    /// Whether each call is a task: it has an id and a record, and can be stopped.
    pub(crate) is_task: bool,
    /// How often a call is repeated after failures of the function.
    pub(crate) retries: u32,
    /// How old a call may be when it is taken from the queue.
    pub(crate) age_max: Duration,
    pub(crate) on_success: Option<Destination>,
    pub(crate) on_failure: Option<Destination>,
}

impl Default for AsyncConfig {
    fn default() -> Self {
        AsyncConfig {
            is_task: false,
            retries: RETRIES_DEFAULT,
            age_max: AGE_DEFAULT,
            on_success: None,
            on_failure: None,
        }
    }
}

/// Where the outcome of a call is sent: the name of a resource in the cloud, as it was written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub(crate) struct Destination {
    arn: String,
    target: Target,
}

/// What a destination names, whichever region and account it names.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Target {
    /// A function, in a version or alias if one is named.
    Function { name: String, qualifier: Option<String> },
    /// A queue of the message service.
    Queue(String),
    /// A topic of the message service.
    Topic(String),
    /// A bus of the event service.
    Bus(String),
    /// A topic of an instance of `RocketMQ`.
    RocketMq { instance: String, topic: String },
}

impl Destination {
    /// Reads `acs:<service>:<region>:<account>:<resource>`. Region and account may be empty, and the resource may begin
    /// with `/`.
    ///
    /// # Errors
    ///
    /// What the text lacks.
    pub(crate) fn parse(arn: &str) -> Result<Self, String> {
        let mut parts = arn.splitn(5, ':');
        let (acs, service) = (parts.next(), parts.next().unwrap_or_default());
        let resource = parts.nth(2);
        let (Some("acs"), Some(resource)) = (acs, resource) else {
            let form = "must be `acs:<service>:<region>:<account>:<resource>`";
            return Err(format!("{form} but is `{arn}`"));
        };
        let resource = resource.strip_prefix('/').unwrap_or(resource);
        let target = target(service, resource).ok_or_else(|| {
            let forms = match service {
                "fc" => "`functions/<function>`, with `/<version or alias>` if need be",
                "mns" => "`/queues/<queue>/messages` or `/topics/<topic>/messages`",
                "eventbridge" => "`eventbus/<bus>`",
                "mq" => "`/instances/<instance>/topics/<topic>`",
                _ => return format!("names the service `{service}`; there are fc, mns, eventbridge and mq"),
            };
            format!("names `{resource}`, where `{service}` has {forms}")
        })?;
        Ok(Destination { arn: arn.to_owned(), target })
    }

    /// The text, as it was written.
    pub(crate) fn arn(&self) -> &str {
        &self.arn
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }
}

impl fmt::Display for Destination {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str(self.arn())
    }
}

impl TryFrom<String> for Destination {
    type Error = String;

    fn try_from(arn: String) -> Result<Self, String> {
        Destination::parse(&arn)
    }
}

impl From<Destination> for String {
    fn from(destination: Destination) -> String {
        destination.arn
    }
}

fn target(service: &str, resource: &str) -> Option<Target> {
    let parts: Vec<&str> = resource.split('/').collect();
    if parts.iter().any(|part| part.is_empty()) {
        return None;
    }
    let own = |text: &str| text.to_owned();
    Some(match (service, parts.as_slice()) {
        ("fc", ["functions", name]) => Target::Function { name: own(name), qualifier: None },
        ("fc", ["functions", name, qualifier]) => {
            Target::Function { name: own(name), qualifier: Some(own(qualifier)) }
        }
        // Edition 2.0: the service may carry the version or alias. One machine runs one service.
        ("fc", ["services", service, "functions", name]) => Target::Function {
            name: own(name),
            qualifier: service.split_once('.').map(|(_, qualifier)| own(qualifier)),
        },
        ("mns", ["queues", queue] | ["queues", queue, "messages"]) => Target::Queue(own(queue)),
        ("mns", ["topics", topic] | ["topics", topic, "messages"]) => Target::Topic(own(topic)),
        ("eventbridge", ["eventbus", bus]) => Target::Bus(own(bus)),
        ("mq", ["instances", instance, "topics", topic]) => {
            Target::RocketMq { instance: own(instance), topic: own(topic) }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_forms_of_both_editions_are_read() {
        let function = |name: &str, qualifier: Option<&str>| Target::Function {
            name: name.to_owned(),
            qualifier: qualifier.map(str::to_owned),
        };
        for (arn, target) in [
            ("acs:fc:cn-hangzhou:123456:functions/on-fail", function("on-fail", None)),
            ("acs:fc:::functions/on-fail/prod", function("on-fail", Some("prod"))),
            ("acs:fc:::services/video/functions/done", function("done", None)),
            ("acs:fc:cn-hangzhou:1:services/video.LATEST/functions/done", function("done", Some("LATEST"))),
            ("acs:mns:cn-hangzhou:123456:/queues/ok/messages", Target::Queue("ok".to_owned())),
            ("acs:mns:::/queues/ok/messages", Target::Queue("ok".to_owned())),
            ("acs:mns:::queues/ok", Target::Queue("ok".to_owned())),
            ("acs:mns:::/topics/t/messages", Target::Topic("t".to_owned())),
            ("acs:eventbridge:cn-hangzhou:1:eventbus/my-bus", Target::Bus("my-bus".to_owned())),
            (
                "acs:mq:::/instances/i/topics/t",
                Target::RocketMq { instance: "i".to_owned(), topic: "t".to_owned() },
            ),
        ] {
            let read = Destination::parse(arn).unwrap();
            assert_eq!((read.arn(), read.target()), (arn, &target));
        }
    }

    #[test]
    fn what_is_no_destination_is_told() {
        for (arn, told) in [
            ("", "must be `acs:"),
            ("http://example", "must be `acs:"),
            ("acs:fc:::", "names ``"),
            ("acs:fc:::functions/", "names `functions/`"),
            ("acs:fc:::functions/a/b/c", "with `/<version or alias>`"),
            ("acs:oss:::bucket", "the service `oss`"),
            ("acs:mns:::/queues//messages", "`/queues/<queue>/messages`"),
            ("acs:mq:::topics/t", "`/instances/<instance>/topics/<topic>`"),
        ] {
            let error = Destination::parse(arn).unwrap_err();
            assert!(error.contains(told), "{arn}: {error}");
        }
    }

    #[test]
    fn a_destination_is_kept_as_its_text() {
        let destination = Destination::parse("acs:mns:::/queues/ok/messages").unwrap();
        let json = serde_json::to_string(&destination).unwrap();
        assert_eq!(json, "\"acs:mns:::/queues/ok/messages\"");
        assert_eq!(serde_json::from_str::<Destination>(&json).unwrap(), destination);
        assert!(serde_json::from_str::<Destination>("\"queue\"").is_err());
    }
}
