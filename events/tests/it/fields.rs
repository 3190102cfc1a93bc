//! The page of fields: every field of every type, as the sources declare it, beside what the vendor's libraries model.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

/// The fields that the vendor's Go SDK (`fc-runtime-go-sdk`) and Java library (`fc-java-events`) model, by the type that reads them here.
const VENDORS: &[(&str, &str, &[&str])] = &[
    ("timer::TimerEvent", "Go", &["triggerTime", "triggerName", "payload"]),
    ("sls::SlsEvent", "Go", &["cursorTime", "jobName", "parameter", "source", "taskId"]),
    (
        "sls::Source",
        "Go",
        &["beginCursor", "endCursor", "endpoint", "logstoreName", "projectName", "shardId"],
    ),
    ("oss::OssEvent", "Go, Java", &["events"]),
    (
        "oss::ObjectEvent",
        "Go, Java",
        &[
            "eventName",
            "eventSource",
            "eventTime",
            "eventVersion",
            "oss",
            "region",
            "requestParameters",
            "responseElements",
            "userIdentity",
        ],
    ),
    ("oss::Oss", "Go, Java", &["bucket", "object", "ossSchemaVersion", "ruleId"]),
    ("oss::Bucket", "Go, Java", &["arn", "name", "ownerIdentity", "virtualBucket"]),
    ("oss::Object", "Go, Java", &["deltaSize", "eTag", "key", "objectMeta", "size"]),
    ("oss::Object", "Java", &["position", "readFrom", "readTo"]),
    ("oss::ObjectMeta", "Go, Java", &["mimeType"]),
    (
        "oss::ObjectMeta",
        "Java",
        &[
            "cacheControl",
            "contentEncoding",
            "contentDisposition",
            "expires",
            "contentLanguage",
            "accessControlAllowOrigin",
            "userMeta",
            "persistentMeta",
        ],
    ),
    ("oss::RequestParameters", "Go, Java", &["sourceIPAddress"]),
    ("oss::ResponseElements", "Go, Java", &["requestId"]),
    ("oss::UserIdentity", "Go, Java", &["principalId"]),
    ("mns::Message", "Go", &["Message"]),
    (
        "mns::TopicDetails",
        "Go",
        &[
            "TopicOwner",
            "Subscriber",
            "PublishTime",
            "SubscriptionName",
            "MessageMD5",
            "TopicName",
            "MessageId",
        ],
    ),
    ("mns::QueueMessage", "Go", &["requestId", "messageId", "messageBody"]),
    (
        "cloud_event::CloudEvent",
        "Go",
        &["id", "source", "specversion", "type", "datacontenttype", "subject", "time", "data", "aliyun…"],
    ),
    ("kafka::Record", "Go", &["topic", "partition", "offset", "timestamp", "headers", "value"]),
    ("kafka::Headers", "Go", &["headers", "isReadOnly"]),
    ("rocketmq::Message", "Go", &["topic", "systemProperties", "userProperties", "body"]),
    (
        "http::Request",
        "Go",
        &["version", "rawPath", "body", "isBase64Encoded", "headers", "queryParameters", "requestContext"],
    ),
    (
        "http::RequestContext",
        "Go",
        &["accountId", "domainName", "domainPrefix", "http", "requestId", "time", "timeEpoch"],
    ),
    ("http::Http", "Go", &["method", "path", "protocol", "sourceIp", "userAgent"]),
    ("http::Reply", "Go, Java", &["statusCode", "headers", "isBase64Encoded", "body"]),
    (
        "api_gateway::Request",
        "Java",
        &["path", "httpMethod", "headers", "queryParameters", "pathParameters", "body", "isBase64Encoded"],
    ),
];

/// One field, as the sources declare it.
#[derive(Debug)]
struct Field {
    /// As `oss::Object`.
    of: String,
    /// Its name in the event.
    name: String,
    kind: String,
    read: String,
}

fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The value of `word = "…"` in an attribute.
fn value<'a>(attributes: &'a str, word: &str) -> Option<&'a str> {
    let rest = attributes.split(&format!("{word} = \"")).nth(1)?;
    rest.split('"').next()
}

fn in_case(name: &str, case: Option<&str>) -> String {
    let mut words = name.split('_');
    let capital = |word: &str| word[..1].to_ascii_uppercase() + &word[1..];
    match case {
        Some("camelCase") => {
            let first = words.next().unwrap_or_default().to_owned();
            words.fold(first, |name, word| name + &capital(word))
        }
        Some("PascalCase") => words.map(capital).collect(),
        _ => name.to_owned(),
    }
}

fn read_as(attributes: &str) -> String {
    let how = match value(attributes, "deserialize_with") {
        None => "",
        Some(with) => match with.rsplit("::").next().unwrap_or(with) {
            "number" => "a number, or a text of digits",
            "maybe_number" => "a number, or a text of digits; an empty one is nothing",
            "truth" => "a truth value, or its word",
            "text" => "a text; a number or truth value is its text",
            "texts" => "texts; a number among them is its text",
            "json_as_text" => "a text; another value is its JSON",
            other => panic!("what does `{other}` read?"),
        },
    };
    let absent = if attributes.contains("flatten") {
        "every other attribute"
    } else if attributes.contains("default") {
        "may be absent"
    } else {
        "has to be there"
    };
    if how.is_empty() { absent.to_owned() } else { format!("{how}; {absent}") }
}

/// The fields of the types of one file that serde derives a reader for.
fn fields_of(module: &str, text: &str) -> Vec<Field> {
    let (mut found, mut attributes, mut holder) = (Vec::new(), String::new(), None);
    for line in text.lines() {
        let code = line.trim();
        if code.starts_with("//") || code.is_empty() {
            continue;
        }
        let is_open = attributes.ends_with('(') || attributes.ends_with(',');
        if code.starts_with("#[") || is_open {
            attributes.push_str(code);
            continue;
        }
        let declared = code.strip_prefix("pub struct ").or_else(|| code.strip_prefix("struct "));
        if let Some(declared) = declared {
            let name: String = declared.chars().take_while(|c| c.is_alphanumeric()).collect();
            let is_read = attributes.contains("Deserialize") && declared.ends_with('{');
            let case = value(&attributes, "rename_all").map(str::to_owned);
            holder = is_read.then_some((format!("{module}::{name}"), case));
        } else if line == "}" {
            holder = None;
        } else if let Some((of, case)) = &holder
            && let Some((name, kind)) = code.trim_start_matches("pub ").trim_end_matches(',').split_once(": ")
        {
            let name = match value(&attributes, "rename") {
                Some(renamed) => renamed.to_owned(),
                None if attributes.contains("flatten") => "aliyun…".to_owned(),
                None => in_case(name, case.as_deref()),
            };
            let (kind, read) = (kind.to_owned(), read_as(&attributes));
            found.push(Field { of: of.clone(), name, kind, read });
        }
        attributes.clear();
    }
    found
}

fn fields() -> Vec<Field> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(package().join("src")).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |file: &PathBuf| {
        let module = file.file_stem().unwrap().to_string_lossy().into_owned();
        // These read no events: they tell one from another, or read parts of fields.
        let is_reader = ["any_request", "lenient", "batch"].contains(&&*module);
        if is_reader { Vec::new() } else { fields_of(&module, &fs::read_to_string(file).unwrap()) }
    };
    files.iter().flat_map(read).collect()
}

fn modelled_by(of: &str, name: &str) -> &'static str {
    let found = VENDORS.iter().find(|(own, _, names)| *own == of && names.contains(&name));
    found.map_or("–", |(_, vendor, _)| vendor)
}

const HEAD: &str = "\
# The fields of events

Each field of the types of `fc-events`: its name in the event, its type, what is read, and which of the vendor's libraries model it: the Go SDK (`fc-runtime-go-sdk`) or the
Java library (`fc-java-events`). The last column says where the sources disagree, and what is done; [events.md](events.md#where-sources-disagree) tells it of whole events.

`EVENT_FIELDS=overwrite cargo test -p fc-events --all-features --test it fields::` writes this page from the sources. The last column is kept.
";

/// The page, with the remarks of the former one.
fn page(former: &str) -> String {
    let (mut remarks, mut heading) = (BTreeMap::new(), "");
    for line in former.lines() {
        if let Some(of) = line.strip_prefix("## ") {
            heading = of;
        }
        let cells: Vec<&str> = line.split('|').map(str::trim).collect();
        if let [_, name, _, _, _, remark, _] = cells[..] {
            remarks.insert((heading.to_owned(), name.to_owned()), remark.to_owned());
        }
    }
    let (mut out, mut last) = (HEAD.to_owned(), String::new());
    for Field { of, name, kind, read } in fields() {
        if of != last {
            write!(out, "\n## {of}\n\n| field | type | read | modelled by | where sources disagree |\n|---|---|---|---|---|\n").unwrap();
            last.clone_from(&of);
        }
        let remark = remarks.get(&(of.clone(), format!("`{name}`"))).map_or("", String::as_str);
        let vendor = modelled_by(&of, &name);
        writeln!(out, "| `{name}` | `{kind}` | {read} | {vendor} | {remark} |").unwrap();
    }
    out
}

#[test]
fn the_page_has_every_field_as_the_sources_declare_it() {
    let file = package().join("../docs/event-fields.md");
    let former = fs::read_to_string(&file).unwrap_or_default();
    let page = page(&former);
    if std::env::var("EVENT_FIELDS").is_ok_and(|word| word == "overwrite") {
        fs::write(&file, page).unwrap();
        return;
    }
    assert_eq!(former, page, "EVENT_FIELDS=overwrite renews docs/event-fields.md");
    assert!(
        page.lines().filter(|line| line.starts_with("| `")).count() > 120,
        "the sources have more fields"
    );
}

#[test]
fn every_field_that_the_vendors_model_is_read() {
    let fields = fields();
    for (of, vendor, names) in VENDORS {
        for name in *names {
            let is_read = fields.iter().any(|field| field.of == *of && field.name == *name);
            assert!(is_read, "{of} has no `{name}`, which the vendor models: {vendor}");
        }
    }
}
