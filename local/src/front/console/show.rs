//! Pages by their paths.

use std::net::SocketAddr;
use std::sync::Arc;

use http::{Response, StatusCode};
use maud::{Markup, html};

use super::console::{Asked, Console};
use super::live::{self, LOG_FIELDS, log_filter};
use super::pages::configuration::{self, Configuration};
use super::pages::frame::{Tab, regions};
use super::pages::overview::Addresses;
use super::pages::send::Draft;
use super::pages::tasks::{MessageRow, Tasks};
use super::pages::text::size;
use super::pages::{Region, instances, logs, overview, request, requests, routes, send, tasks};
use super::{data, explain, reply};
use crate::front::body::Outgoing;
use crate::front::sample;
use crate::manifest::Manifest;
use crate::queue::{Filter, Order, Record, State};
use crate::record::{curl_line, detail, har};

/// The most tasks and messages of a page.
const TASKS_MAX: usize = 50;
const MESSAGES_MAX: usize = 20;

/// The most requests of an archive: their bodies may have 64 KiB each.
const ARCHIVE_MAX: usize = 200;

/// The most functions whose tasks are put together.
const FUNCTIONS_MAX: usize = 20;

/// The fields of the filter of tasks.
const TASK_FIELDS: [&str; 4] = ["prefix", "function", "status", "qualifier"];

impl Console {
    /// Answers with a page, or with the stream of one.
    pub(super) async fn show(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let rest: Vec<&str> = asked.rest.iter().map(String::as_str).collect();
        match rest[..] {
            [""] => self.overview(asked),
            ["requests"] => self.requests(asked),
            ["requests", id] => self.request(asked, id),
            ["requests", id, "json"] => match self.shared.records.find(id) {
                Ok(entry) => reply::document(&detail(&entry), None),
                Err(_) => Console::unknown(asked, "This request is not kept."),
            },
            ["har"] => {
                let (mut page, _) = live::requests(&self.shared, &asked.fields, ARCHIVE_MAX);
                page.entries.reverse();
                reply::document(&har(&page.entries), Some("attachment; filename=\"requests.har\""))
            }
            ["tasks"] => self.tasks(asked).await,
            ["tasks", function, task] => self.task(asked, function, task),
            ["instances"] => self.instances(asked),
            ["logs"] => self.logs(asked),
            ["send"] => self.draft(asked),
            ["routes"] => self.routes(asked),
            ["configuration"] => self.configuration(asked).await,
            ["live", page] => self.live(asked, page),
            _ => Console::unknown(asked, "The console has no such page."),
        }
    }

    fn overview(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let functions = data::functions(&self.shared.registry);
        let main = asked.ports.get("").map_or(0, SocketAddr::port);
        let address =
            |(name, address): (&Arc<str>, &SocketAddr)| (name.to_string(), format!("http://{address}/"));
        let addresses: Addresses = asked.ports.iter().map(address).collect();
        let parts = self.parts("overview", asked);
        let body = html! { (regions(&parts)) (overview::addresses(&functions, &addresses, main)) };
        page(asked, Tab::Overview, &body, Some(""))
    }

    fn requests(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let names = data::names(&self.shared.registry);
        let (frame, fields) = (&asked.frame, &asked.fields);
        let next = live::requests(&self.shared, fields, requests::ROWS).0.next;
        let body = html! {
            (requests::filter(frame, &names, fields))
            (regions(&self.parts("requests", asked)))
            (requests::older(frame, fields, next))
        };
        // Older requests do not change.
        let is_live = fields.get("before").is_none() && self.shared.records.limits().is_some();
        let query = fields.query(&requests::FIELDS);
        page(asked, Tab::Requests, &body, is_live.then_some(&*query))
    }

    fn request(&self, asked: &Asked<'_>, id: &str) -> Response<Outgoing> {
        let Ok(entry) = self.shared.records.find(id) else {
            let body = request::unknown(&asked.frame, id, self.shared.records.limits().is_none());
            let page = asked.frame.page(Tab::Requests, Some("Not kept"), None, &body);
            return reply::page(StatusCode::NOT_FOUND, page);
        };
        let curl = match asked.ports.get(&entry.call.door).copied() {
            Some(address) => curl_line(&entry, address, self.shared.authority.as_deref()),
            None => Err("the port at which it came in is closed".to_owned()),
        };
        let title = format!("{} {}", entry.call.method, entry.call.original.path());
        let body = request::page(&asked.frame, &entry, &curl);
        reply::page(StatusCode::OK, asked.frame.page(Tab::Requests, Some(&title), None, &body))
    }

    async fn tasks(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let fields = &asked.fields;
        let names = data::names(&self.shared.registry);
        let chosen: Vec<&str> = match fields.get("function") {
            Some(name) => vec![name],
            None => names.iter().map(String::as_str).take(FUNCTIONS_MAX).collect(),
        };
        let mut shown = Tasks::default();
        for name in chosen {
            let filter = Filter {
                qualifier: fields.word("qualifier").filter(|own| *own != "LATEST").map(str::to_owned),
                prefix: fields.word("prefix").unwrap_or_default().to_owned(),
                state: fields.get("status").and_then(State::parse),
                order: Order::Descending,
                ..Filter::default()
            };
            match self.shared.queue.tasks(name, filter, TASKS_MAX, None).await {
                Ok(page) => {
                    shown.records.extend(page.tasks.into_iter().map(|(_, record): (u64, Record)| record));
                }
                Err(failure) => shown.wrong = Some(failure.told()),
            }
        }
        shown.records.sort_by_key(|task| std::cmp::Reverse(task.accepted));
        shown.records.truncate(TASKS_MAX);
        match self.shared.queue.messages(None, MESSAGES_MAX, None).await {
            Ok((messages, _)) => shown.messages = messages.into_iter().map(message).collect(),
            Err(failure) => shown.wrong = Some(failure.told()),
        }
        let query = fields.query(&TASK_FIELDS);
        let body = html! { (tasks::filter(&asked.frame, &names, fields)) (tasks::list(&asked.frame, &query, &shown)) };
        page(asked, Tab::Tasks, &body, Some(""))
    }

    fn task(&self, asked: &Asked<'_>, function: &str, task: &str) -> Response<Outgoing> {
        let queue = &self.shared.queue;
        let found = queue
            .task(function, task)
            .and_then(|(seq, record)| Ok((queue.request(seq)?, queue.reply(seq)?, record)));
        match found {
            Ok((request, reply, record)) => {
                let body = tasks::task(&asked.frame, &record, request.as_ref(), reply.as_deref());
                let title = format!("Task {task}");
                reply::page(StatusCode::OK, asked.frame.page(Tab::Tasks, Some(&title), None, &body))
            }
            Err(failure) => Console::unknown(asked, &failure.told()),
        }
    }

    fn instances(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let names = data::names(&self.shared.registry);
        let filter = instances::filter(&asked.frame, &names, asked.fields.get("function"));
        let body = html! { (filter) (regions(&self.parts("instances", asked))) };
        page(asked, Tab::Instances, &body, Some(&asked.fields.query(&["function"])))
    }

    fn logs(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let names = data::names(&self.shared.registry);
        let filter = logs::filter(&asked.frame, &names, &log_filter(&asked.fields));
        let body = html! { (filter) (regions(&self.parts("logs", asked))) };
        page(asked, Tab::Logs, &body, Some(&asked.fields.query(&LOG_FIELDS)))
    }

    fn draft(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let names = data::names(&self.shared.registry);
        let trigger = asked.fields.get("trigger").unwrap_or_default();
        let function = asked.fields.get("function").or(names.first().map(String::as_str)).unwrap_or_default();
        let event = sample::json(trigger).unwrap_or_else(|| "{}".to_owned());
        let (trigger, function) = (trigger.to_owned(), function.to_owned());
        let draft = Draft { trigger, function, event, ..Draft::default() };
        let body = send::page(&asked.frame, &names, &sample::names(), &draft, None);
        page(asked, Tab::Send, &body, None)
    }

    fn routes(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let functions = data::current(&self.shared.registry);
        let balancer = asked.balancer;
        let answer = explain::explain(&asked.fields, &functions, balancer);
        let domains: Vec<_> = functions.domains.iter().take(data::ROWS_MAX).cloned().collect();
        let body = html! {
            (routes::explain(&asked.frame, &asked.fields, answer.as_ref()))
            (routes::domains(&domains))
            (routes::listeners(&balancer.listeners))
        };
        page(asked, Tab::Routes, &body, None)
    }

    async fn configuration(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let (file, environment) = (self.shared.manifest.clone(), self.shared.environment.clone());
        let manifest_file = file.display().to_string();
        // It reads files, and evaluates what they say.
        let manifest =
            tokio::task::spawn_blocking(move || Manifest::resolved(&file, environment.as_deref())).await;
        let manifest = match manifest {
            Ok(Ok(value)) => Ok(format!("{value:#}")),
            Ok(Err(error)) => Err(error.to_string()),
            Err(_) => Err("the manifest was not read to its end".to_owned()),
        };
        let findings = match self.doctor.get() {
            Some(doctor) => Some(doctor().await),
            None => None,
        };
        let mut effective = self.shared.effective.clone();
        if let Some(limits) = self.shared.records.limits() {
            let kib = |bytes: usize| size(bytes as u64);
            let (calls, heads, bodies) = self.shared.records.size();
            effective.push(("Recorded requests", format!("{calls} of at most {}", limits.calls)));
            effective.push((
                "Memory of recorded requests",
                format!(
                    "{} of {} of heads, {} of {} of bodies, at most {} of each",
                    kib(heads),
                    kib(limits.heads),
                    kib(bodies),
                    kib(limits.bodies),
                    kib(limits.body)
                ),
            ));
        }
        for (name, address) in asked.ports {
            if name.is_empty() {
                effective.push(("Main port", address.to_string()));
            }
        }
        let shown = Configuration { findings, manifest_file, manifest, effective };
        page(asked, Tab::Configuration, &configuration::page(&asked.frame, &shown), None)
    }

    /// The parts of a page that its stream keeps current.
    fn parts(&self, page: &str, asked: &Asked<'_>) -> Vec<Region> {
        live::parts(&self.shared, page, &asked.frame, &asked.fields).unwrap_or_default()
    }

    fn live(&self, asked: &Asked<'_>, page: &str) -> Response<Outgoing> {
        let Ok(place) = Arc::clone(&self.streams).try_acquire_owned() else {
            let text = "too many pages of the console are open";
            return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, text);
        };
        live::stream(&self.shared, page, asked, place)
            .unwrap_or_else(|| Console::unknown(asked, "The console has no such stream."))
    }
}

/// A page. `live` is the query of its stream.
fn page(asked: &Asked<'_>, tab: Tab, body: &Markup, live: Option<&str>) -> Response<Outgoing> {
    reply::page(StatusCode::OK, asked.frame.page(tab, None, live, body))
}

fn message(message: crate::queue::Message) -> MessageRow {
    let forward = message.forward.map(|forward| match forward.error {
        Some(error) => format!("{} to {}: {error}", forward.state, forward.address),
        None => format!("{} to {}", forward.state, forward.address),
    });
    MessageRow {
        time: message.time,
        kind: message.kind,
        name: message.name,
        function: message.function,
        forward,
        body: format!("{:#}", message.body),
    }
}
