//! `fc-local load`: how much load a function takes, and what a wanted rate needs.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::Method;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use serde_json::Value;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::client::Running;
use super::curl::body_of;
use super::dev::{INTERRUPTED, StopSignal};
use super::{local_authority, print};
use crate::event::neutral;
use crate::load::{
    self, Advice, Client, Goal, Limits, Protocol, Schedule, Search, Step, Target, Usage, Wish,
};

/// How long a running `fc-local dev` may take to say how busy a function is.
const LOOK_MAX: Duration = Duration::from_secs(2);

/// The highest rate, in requests per second.
const RATE_MAX: f64 = 100_000.0;

/// The rate at which a search begins.
const RATE_FIRST: f64 = 50.0;

/// How often a search repeats a rate that failed while instances were started.
const REPEATS_MAX: u32 = 3;

/// How much of a wrong answer is shown, in characters.
const ANSWER_MAX: usize = 500;

/// What is asked, how often, and what is wanted.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct LoadArguments {
    /// The address, of `http` or `https`. An `n` in braces in the address becomes the number of the request
    url: String,
    /// Requests per second, whether or not replies come. Several rates, divided by commas, are measured one after the other
    #[arg(long, value_name = "N", value_delimiter = ',', value_parser = rate)]
    rate: Vec<f64>,
    /// Look for the highest rate that is sustained, from --rate or 50 on
    #[arg(long)]
    find_max: bool,
    /// How long each rate lasts, in seconds [default: 10, or 5 with --find-max]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    duration: Option<u64>,
    /// The most connections
    #[arg(long, default_value_t = 64, value_name = "NUMBER", value_parser = clap::value_parser!(u16).range(1..=4096))]
    connections: u16,
    /// Use HTTP/2. Over http:// the server has to know it, as `fc-local dev` does
    #[arg(long)]
    http2: bool,
    /// The most requests of one connection of HTTP/2 at a time
    #[arg(long, default_value_t = 32, value_name = "NUMBER", requires = "http2", value_parser = clap::value_parser!(u16).range(1..=256))]
    streams: u16,
    /// The method [default: GET, or POST with data]
    #[arg(short = 'X', long, value_name = "METHOD")]
    request: Option<String>,
    /// A header, `Name: value`. Can be repeated
    #[arg(short = 'H', long, value_name = "HEADER")]
    header: Vec<String>,
    /// The body; `@FILE` reads a file, `@-` the standard input
    #[arg(short, long)]
    data: Option<String>,
    /// How long one request may take, in seconds
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
    /// The status that is right [default: 200 to 399]
    #[arg(long, value_name = "STATUS", value_parser = clap::value_parser!(u16).range(100..=599))]
    expect: Option<u16>,
    /// The longest p99 of a rate that is sustained, in milliseconds
    #[arg(long, default_value_t = 1000, value_name = "MS", value_parser = clap::value_parser!(u64).range(1..=3_600_000))]
    limit_ms: u64,
    /// Say what this rate needs: instanceConcurrency, size of an instance, number of instances
    #[arg(long, value_name = "N", value_parser = rate)]
    for_qps: Option<f64>,
    /// The instances that the account may have in its region
    #[arg(long, default_value_t = load::QUOTA, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..))]
    quota: u32,
    /// The function's instanceConcurrency [default: as a running `fc-local dev` says, or 1]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=200))]
    instance_concurrency: Option<u32>,
    /// A file with certificates to trust, beside those of this system and of `fc-local dev`
    #[arg(long, value_name = "FILE")]
    cacert: Option<PathBuf>,
    /// Draw latency and instances over the rates, or over time where there is one rate, into this SVG
    #[arg(long, value_name = "FILE")]
    plot: Option<PathBuf>,
    /// Load another machine than this one. A function that is deployed costs money for each call
    #[arg(long)]
    remote: bool,
    /// Print one JSON document
    #[arg(long)]
    json: bool,
}

fn rate(text: &str) -> Result<f64, String> {
    let rate: f64 = text.parse().map_err(|_| format!("'{text}' is no number"))?;
    let is_fit = (0.1..=RATE_MAX).contains(&rate);
    if is_fit { Ok(rate) } else { Err(format!("a rate is 0.1 to {RATE_MAX} requests per second")) }
}

pub(super) async fn run(arguments: LoadArguments) -> ExitCode {
    // Before the signals are caught: Ctrl-C ends a wait for the standard input or a name.
    let client = match client(&arguments).await {
        Ok(client) => Arc::new(client),
        Err(error) => return complained(&error),
    };
    let mut signal = match StopSignal::new() {
        Ok(signal) => signal,
        Err(error) => return complained(&error.to_string()),
    };
    let stop = CancellationToken::new();
    let mut work = std::pin::pin!(measure(&arguments, &client, &stop));
    let ended = tokio::select! {
        ended = &mut work => ended,
        () = signal.wait() => {
            stop.cancel();
            work.await
        }
    };
    match ended {
        Ok(()) if stop.is_cancelled() => ExitCode::from(INTERRUPTED),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => complained(&error),
    }
}

async fn measure(
    arguments: &LoadArguments,
    client: &Arc<Client>,
    ended: &CancellationToken,
) -> Result<(), String> {
    let target = &client.target;
    let first = tokio::select! {
        first = client.first() => first,
        () = ended.cancelled() => return Err("stopped before the first reply".to_owned()),
    };
    check_first(first, arguments.expect)?;
    let dev = if target.is_here() { Dev::of(target).await } else { None };
    if !arguments.json {
        print::say(&neutral(&match &dev {
            Some((_, usage)) => format!(
                "{} {}, function {} with instanceConcurrency {}, at most {} instances here",
                target.method(),
                target.url(),
                usage.function,
                usage.concurrency,
                usage.instances_max
            ),
            None => format!("{} {}", target.method(), target.url()),
        }));
        print::say(&load::header());
    }
    let limits = Limits { stop: ended.clone(), expected: arguments.expect };
    let goal = Goal { latency_max: Duration::from_millis(arguments.limit_ms), right_min: 0.99 };
    let time = Duration::from_secs(arguments.duration.unwrap_or(if arguments.find_max { 5 } else { 10 }));
    let mut plan = Plan::new(arguments);
    let mut steps = Vec::new();
    let mut repeats = 0;
    while let Some(rate) = plan.next() {
        let look = async || dev.as_ref()?.0.look().await;
        let measured = load::run(client, Schedule::new(rate, time), &limits, look);
        let step = measured.await.map_err(|error| error.to_string())?;
        let excess = step.excess(&goal);
        // A search asks what a rate costs whose instances are there.
        let is_cold =
            arguments.find_max && excess.is_some() && step.course.starts() > 0 && repeats < REPEATS_MAX;
        if !arguments.json {
            let word = if is_cold { "once more, since instances were started" } else { "too much" };
            let why = excess.as_deref().filter(|_| arguments.find_max).map(|why| format!("  {word}: {why}"));
            print::say(&neutral(&format!("{}{}", load::line(&step), why.unwrap_or_default())));
        }
        let is_stopped = step.is_stopped;
        repeats = if is_cold { repeats + 1 } else { 0 };
        if !is_stopped && !is_cold {
            plan.note(excess.is_none());
        }
        steps.push(step);
        if is_stopped {
            break;
        }
    }
    let search = plan.search();
    let advice = arguments.for_qps.and_then(|rate| advice(arguments, rate, &steps, search, &goal));
    if arguments.json {
        print::say(&load::document(target, &steps, search, advice.as_ref()).to_string());
    } else {
        for line in load::summary(&steps, search, advice.as_ref()) {
            print::say(&neutral(&line));
        }
    }
    if let Some(file) = &arguments.plot {
        let picture = load::plot(&format!("{} {}", target.method(), target.url()), &steps);
        std::fs::write(file, picture).map_err(|error| format!("{}: {error}", file.display()))?;
    }
    if arguments.for_qps.is_some() && advice.is_none() {
        return Err("no reply was right, so nothing can be said of another rate".to_owned());
    }
    Ok(())
}

/// The client of the address, which is this machine's unless `--remote` is given.
async fn client(arguments: &LoadArguments) -> Result<Client, String> {
    let body = arguments.data.as_deref().map(body_of).transpose()?.map(Bytes::from);
    let protocol = if arguments.http2 { Protocol::Http2 } else { Protocol::Http1 };
    let mut target = Target::new(&arguments.url)?
        .asking(arguments.request.as_deref(), &arguments.header, body)?
        .with_limits(protocol, Duration::from_secs(arguments.timeout));
    target.resolve().await.map_err(|error| format!("{}: {error}", arguments.url))?;
    if !target.is_here() {
        if !arguments.remote {
            return Err(format!(
                "{} is another machine. A load test of a deployed function costs money: each call, its time and its traffic; and it \
                 takes instances from other functions of the account. --remote allows it",
                arguments.url
            ));
        }
        print::complain(
            "another machine: each call of a deployed function costs money, and takes instances of the account",
        );
    }
    let mut trusted = Vec::new();
    if let Some(file) = &arguments.cacert {
        trusted.extend(certificates(file)?);
    }
    if let Some(own) = local_authority().filter(|own| target.is_tls() && target.is_here() && own.is_file()) {
        trusted.extend(certificates(&own)?);
    }
    let places = (usize::from(arguments.connections), usize::from(arguments.streams));
    Client::new(target, places, trusted, TaskTracker::new())
}

fn certificates(file: &Path) -> Result<Vec<CertificateDer<'static>>, String> {
    let told = |error: &dyn std::fmt::Display| format!("{}: {error}", file.display());
    let all = CertificateDer::pem_file_iter(file).map_err(|error| told(&error))?;
    let all: Vec<_> = all.collect::<Result<_, _>>().map_err(|error| told(&error))?;
    if all.is_empty() { Err(told(&"there is no certificate in it")) } else { Ok(all) }
}

/// A wrong answer is told before the load begins: a load of refusals measures nothing.
fn check_first(first: Result<(u16, Bytes), String>, expected: Option<u16>) -> Result<(), String> {
    let (status, body) = first.map_err(|error| format!("the first request has no reply: {error}"))?;
    if load::is_right(status, expected) {
        return Ok(());
    }
    let body: String = String::from_utf8_lossy(&body).chars().take(ANSWER_MAX).collect();
    Err(neutral(&format!(
        "the first request is answered with {status}, so there is no load; --expect {status} takes it for right\n{}",
        body.trim_end()
    ))
    .into_owned())
}

/// The rates: those that were named, or those of a search.
enum Plan {
    Named(std::vec::IntoIter<f64>),
    Search(Search),
}

impl Plan {
    fn new(arguments: &LoadArguments) -> Self {
        if arguments.find_max {
            Plan::Search(Search::new(arguments.rate.first().copied().unwrap_or(RATE_FIRST), RATE_MAX))
        } else if arguments.rate.is_empty() {
            Plan::Named(vec![RATE_FIRST].into_iter())
        } else {
            Plan::Named(arguments.rate.clone().into_iter())
        }
    }

    fn next(&mut self) -> Option<f64> {
        match self {
            Plan::Named(rates) => rates.next(),
            Plan::Search(search) => search.next(),
        }
    }

    fn note(&mut self, is_sustained: bool) {
        if let Plan::Search(search) = self {
            search.note(is_sustained);
        }
    }

    fn search(&self) -> Option<&Search> {
        match self {
            Plan::Named(_) => None,
            Plan::Search(search) => Some(search),
        }
    }
}

/// What another rate needs, by the highest rate that was sustained; by the lowest one if none was.
fn advice(
    arguments: &LoadArguments,
    rate: f64,
    steps: &[Step],
    search: Option<&Search>,
    goal: &Goal,
) -> Option<Advice> {
    let by_rate = |one: &&Step, other: &&Step| one.rate.total_cmp(&other.rate);
    let sustained = steps.iter().filter(|step| step.excess(goal).is_none()).max_by(by_rate);
    let step = sustained.or_else(|| steps.iter().min_by(by_rate))?;
    let usage = step.course.latest.as_ref();
    let is_limit = search.and_then(Search::found).is_some_and(|(_, is_limit)| is_limit);
    // Where calls found no instance, the calls at a time were the limit, not what an instance can do.
    // A search repeats a rate while instances were started: its last try counts.
    let excessive = steps.iter().rev().filter(|other| other.rate > step.rate && other.excess(goal).is_some());
    let excessive = excessive.min_by(by_rate);
    let is_slow = excessive.is_some_and(|step| !step.tally.statuses.contains_key(&429));
    let most = step.course.memory_bytes();
    let idle = step.course.idle_bytes().unwrap_or(most);
    Some(Advice::new(Wish {
        rate,
        quota: arguments.quota,
        concurrency: arguments.instance_concurrency.or(usage.map(|usage| usage.concurrency)).unwrap_or(1),
        served: step.tally.served()?,
        cpu: step.cpu_per_call(),
        per_instance: step.per_instance().filter(|_| is_limit && is_slow),
        memory: Some((idle, most, step.course.calls_max())).filter(|_| most > 0),
    }))
}

/// A running `fc-local dev` whose function answers the address.
struct Dev {
    running: Running,
    path: String,
}

impl Dev {
    async fn of(target: &Target) -> Option<(Self, Usage)> {
        let mut path = form_urlencoded::Serializer::new("/2023-03-30/usage?".to_owned());
        path.append_pair("url", target.url()).append_pair("method", target.method().as_str());
        if let Some(host) = target.host() {
            path.append_pair("host", host);
        }
        let path = path.finish();
        for running in Running::all() {
            let dev = Dev { running, path: path.clone() };
            if let Some(usage) = dev.look().await {
                return Some((dev, usage));
            }
        }
        None
    }

    async fn look(&self) -> Option<Usage> {
        let asked = self.running.call(Method::GET, &self.path, &Value::Null);
        Usage::parse(&timeout(LOOK_MAX, asked).await.ok()?.ok()?)
    }
}

fn complained(error: &str) -> ExitCode {
    print::complain(error);
    ExitCode::FAILURE
}
