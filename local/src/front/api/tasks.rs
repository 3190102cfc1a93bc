//! Tasks and the configurations of asynchronous calls: the part of the API that looks at the queue. No operation here
//! starts an instance.

use bytes::Bytes;
use http::{Request, Response, Uri};
use serde_json::{Value, json};

use super::auth::admit;
use super::body::Body;
use super::documents::{self, Subject, Task};
use super::manage::{self, page_document};
use crate::auth::Gate;
use crate::failure::Failure;
use crate::front::async_operation::{AsyncWhat, parameter};
use crate::front::body::Outgoing;
use crate::front::operation::{Operation, What};
use crate::front::page::Page;
use crate::front::visit::Visit;
use crate::model::{AGE_MAX_SECONDS, AsyncConfig, Destination, Edition, RETRIES_MAX};
use crate::queue::{After, ConfigOf, Filter, Order, Queue, State, StoredConfig};
use crate::wire::ClientBody;
use crate::wire::headers::Peer;

/// How many tasks a page has if the caller does not say, and at most.
const LIMIT_DEFAULT: usize = 20;
const LIMIT_MAX: usize = 100;

/// Carries out the operation.
pub(crate) async fn tasks(
    operation: Operation,
    queue: &Queue,
    (gate, peer): (&Gate, &Peer),
    visit: &Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, mut body) = admit(gate, peer, request).await?;
    let body = body.read_in(manage::BODY_MAX).await?;
    let Operation { function, service, what: What::Async { qualifier, what } } = operation else {
        return Err(Failure::invalid_argument("this is no operation on asynchronous calls"));
    };
    let edition =
        if service.is_some() || what == AsyncWhat::ListTaskFunctions { Edition::Fc2 } else { Edition::Fc3 };
    let asked =
        Asked { queue, function: &function, qualifier: qualifier.as_deref(), edition, uri: &head.uri };
    let document = asked.carry_out(what, &body, &visit.id()).await?;
    Ok(manage::reply(&document, visit))
}

struct Asked<'a> {
    queue: &'a Queue,
    /// Empty for all functions.
    function: &'a str,
    qualifier: Option<&'a str>,
    edition: Edition,
    uri: &'a Uri,
}

impl Asked<'_> {
    async fn carry_out(&self, what: AsyncWhat, body: &Bytes, id: &str) -> Result<Value, Failure> {
        let (queue, function) = (self.queue, self.function);
        Ok(match what {
            AsyncWhat::GetConfig => {
                let stored = queue.stored_config(function, self.qualifier).ok_or_else(|| {
                    Failure::async_config_not_found(function, self.qualifier.unwrap_or("LATEST"))
                })?;
                self.config(function, self.qualifier, &stored)
            }
            AsyncWhat::PutConfig => {
                let body = Body::parse(body)?;
                let change = Box::new(move |config| changed(config, &body));
                self.config(
                    function,
                    self.qualifier,
                    &queue.set_config(function, self.qualifier, change).await?,
                )
            }
            AsyncWhat::DeleteConfig => {
                queue.remove_config(function, self.qualifier).await?;
                Value::Null
            }
            AsyncWhat::ListConfigs => {
                let own = Some(function).filter(|function| !function.is_empty());
                let describe = |(name, qualifier): &ConfigOf, config: &StoredConfig| {
                    self.config(name, qualifier.as_deref(), config)
                };
                let (configs, next) = self.page(&queue.configs(own), describe)?;
                page_document(json!({ "configs": configs }), next)
            }
            AsyncWhat::ListTaskFunctions => {
                let mut all = queue.configs(None);
                all.retain(|(_, stored)| stored.config.is_task);
                let describe = |(name, qualifier): &ConfigOf, _: &StoredConfig| {
                    let subject = self.subject(name, qualifier.as_deref());
                    json!({
                        "serviceName": subject.service, "functionName": name,
                        "qualifier": qualifier.as_deref().unwrap_or("LATEST"),
                    })
                };
                let (data, next) = self.page(&all, describe)?;
                page_document(json!({ "data": data }), next)
            }
            AsyncWhat::GetTask(task) => {
                let (seq, record) = queue.task(function, &task)?;
                let (request, reply) = (queue.request(seq)?, queue.reply(seq)?);
                self.task(&Task { record: &record, request: request.as_ref(), reply: reply.as_deref() })
            }
            AsyncWhat::ListTasks => self.list().await?,
            AsyncWhat::StopTask(task) => {
                queue.stop_task(function, &task).await?;
                json!({})
            }
            AsyncWhat::ListMessages => self.messages().await?,
            AsyncWhat::GetMessage(id) => json!(queue.message(&id)?),
            AsyncWhat::RepeatTask(task) => json!({ "taskId": queue.repeat_task(function, &task, id).await? }),
        })
    }

    async fn messages(&self) -> Result<Value, Failure> {
        let number = |name: &str| {
            let text = parameter(self.uri, name);
            let read = text.map(|text| {
                let wrong = || Failure::invalid_argument(format!("{name} must be a number but is '{text}'"));
                text.parse::<u64>().map_err(|_| wrong())
            });
            read.transpose()
        };
        let limit = number("limit")?.and_then(|limit| usize::try_from(limit).ok());
        let limit = limit.unwrap_or(LIMIT_DEFAULT).clamp(1, LIMIT_MAX);
        let name = parameter(self.uri, "name");
        let (messages, next) = self.queue.messages(name, limit, number("nextToken")?).await?;
        Ok(page_document(json!({ "messages": messages }), next.map(|number| number.to_string())))
    }

    async fn list(&self) -> Result<Value, Failure> {
        let is_fc2 = self.edition == Edition::Fc2;
        let (prefix, key) = if is_fc2 { ("invocationIdPrefix", "invocations") } else { ("prefix", "tasks") };
        let text = |name: &str| parameter(self.uri, name);
        let time = |name: &str| {
            let wrong = |text: &str| {
                Failure::invalid_argument(format!("{name} must be milliseconds but is '{text}'"))
            };
            text(name).map(|text| text.parse().map_err(|_| wrong(&text))).transpose()
        };
        let state = text("status").map(|name| {
            State::parse(&name).ok_or_else(|| {
                let names: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
                Failure::invalid_argument(format!(
                    "status must be one of {} but is '{name}'",
                    names.join(", ")
                ))
            })
        });
        let order = match text("sortOrderByTime").as_deref() {
            None | Some("desc") => Order::Descending,
            Some("asc") => Order::Ascending,
            Some(other) => {
                let text = format!("sortOrderByTime must be 'asc' or 'desc' but is '{other}'");
                return Err(Failure::invalid_argument(text));
            }
        };
        let limit = match text("limit") {
            None => LIMIT_DEFAULT,
            Some(limit) => {
                limit.parse().ok().filter(|limit| (1..=LIMIT_MAX).contains(limit)).ok_or_else(|| {
                    Failure::invalid_argument(format!("limit must be 1 to {LIMIT_MAX} but is '{limit}'"))
                })?
            }
        };
        let after = text("nextToken").map(|token| {
            read_token(&token)
                .ok_or_else(|| Failure::invalid_argument(format!("nextToken '{token}' is none of a list")))
        });
        let filter = Filter {
            qualifier: self.qualifier.map(str::to_owned),
            prefix: text(prefix).unwrap_or_default(),
            state: state.transpose()?,
            from: time("startedTimeBegin")?,
            to: time("startedTimeEnd")?,
            order,
        };
        let has_payload = text("includePayload").is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let page = self.queue.tasks(self.function, filter, limit, after.transpose()?).await?;
        let mut documents = Vec::with_capacity(page.tasks.len());
        for (seq, record) in &page.tasks {
            let request = if has_payload { self.queue.request(*seq)? } else { None };
            documents.push(self.task(&Task { record, request: request.as_ref(), reply: None }));
        }
        let next = page.next.map(|(time, seq)| format!("{time:x}-{seq:x}"));
        Ok(page_document(json!({ key: documents }), next))
    }

    /// The entries of the page that the caller asks for.
    fn page(
        &self,
        all: &[(ConfigOf, StoredConfig)],
        describe: impl Fn(&ConfigOf, &StoredConfig) -> Value,
    ) -> Result<(Vec<Value>, Option<String>), Failure> {
        let named = all.iter().map(|(of, stored)| {
            let name = format!("{}.{}", of.0, of.1.as_deref().unwrap_or("LATEST"));
            (name, describe(of, stored))
        });
        Ok(Page::of(self.uri)?.cut(named.collect()))
    }

    fn subject<'a>(&self, function: &'a str, qualifier: Option<&'a str>) -> Subject<'a> {
        Subject::new(self.queue.settings(function).as_deref(), function, qualifier, self.edition)
    }

    fn config(&self, function: &str, qualifier: Option<&str>, stored: &StoredConfig) -> Value {
        documents::config(&self.subject(function, qualifier), stored)
    }

    fn task(&self, task: &Task<'_>) -> Value {
        documents::task(&self.subject(self.function, task.record.qualifier.as_deref()), task)
    }
}

fn read_token(token: &str) -> Option<After> {
    let (time, seq) = token.split_once('-')?;
    Some((u64::from_str_radix(time, 16).ok()?, u64::from_str_radix(seq, 16).ok()?))
}

/// The configuration with what the body says. What it leaves out stays.
fn changed(mut config: AsyncConfig, body: &Body) -> Result<AsyncConfig, Failure> {
    let wrong = |key: &str, expected: String| Failure::invalid_argument(format!("{key} must be {expected}"));
    for key in ["asyncTask", "statefulInvocation"] {
        if let Some(value) = body.get(key).filter(|value| !value.is_null()) {
            config.is_task = value.as_bool().ok_or_else(|| wrong(key, "true or false".to_owned()))?;
        }
    }
    let number = |key: &str, low: u64, high: u64| {
        let value = body.get(key).filter(|value| !value.is_null());
        let value = value.map(|value| value.as_u64().filter(|value| (low..=high).contains(value)));
        value.map(|value| value.ok_or_else(|| wrong(key, format!("{low} to {high}")))).transpose()
    };
    if let Some(retries) = number("maxAsyncRetryAttempts", 0, u64::from(RETRIES_MAX))? {
        config.retries = u32::try_from(retries).unwrap_or(RETRIES_MAX);
    }
    if let Some(seconds) = number("maxAsyncEventAgeInSeconds", 1, AGE_MAX_SECONDS)? {
        config.age_max = std::time::Duration::from_secs(seconds);
    }
    if let Some(destinations) = body.get("destinationConfig").filter(|value| !value.is_null()) {
        let destination = |key: &str| {
            let arn = match &destinations[key]["destination"] {
                Value::Null => return Ok(None),
                Value::String(arn) if arn.is_empty() => return Ok(None),
                Value::String(arn) => arn,
                _ => return Err(wrong(key, "an object with the text `destination`".to_owned())),
            };
            let read = Destination::parse(arn);
            read.map(Some).map_err(|why| Failure::invalid_argument(format!("the destination of {key} {why}")))
        };
        (config.on_success, config.on_failure) = (destination("onSuccess")?, destination("onFailure")?);
    }
    Ok(config)
}
