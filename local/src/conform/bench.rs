//! What cases work with: the program, which is started when a case needs one, and what it was asked for.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::task::TaskTracker;

use super::ask::Ask;
use super::case::{Finding, Outcome, seen};
use super::h1::{Conn, Reply};
use super::program::Program;
use crate::event::Log;
use crate::model::Edition;
use crate::process::Order;

/// What is checked, and how.
#[derive(Debug, Clone)]
pub(crate) struct Settings {
    /// The program and its arguments.
    pub(crate) command: Vec<String>,
    /// The folder in which the program is started.
    pub(crate) folder: PathBuf,
    pub(crate) edition: Edition,
    /// The port that the program has whatever its environment says.
    pub(crate) port: Option<u16>,
    /// How long a start, a reply or an end may take.
    pub(crate) timeout: Duration,
    /// How long an unused connection is observed.
    pub(crate) idle: Duration,
    /// How many requests one connection carries.
    pub(crate) requests: usize,
    /// The path of the health check.
    pub(crate) health: String,
}

/// The health check of the conventions.
const HEALTH: &str = "/conform/health";

/// The pause between two questions, where an answer is waited for.
const PAUSE: Duration = Duration::from_millis(20);

/// How long a program is observed behind what may end it.
const SURVIVAL: Duration = Duration::from_millis(500);

/// The state of a run.
#[derive(Debug)]
pub(crate) struct Bench {
    pub(super) settings: Settings,
    /// Whether a program has ever opened its port.
    pub(super) has_started: bool,
    program: Option<Program>,
    /// The status of the first reply of the program, or what came instead.
    pub(super) first: Result<u16, String>,
    /// The reply to a path that no program has, if it is no error.
    answers_all: Option<Vec<u8>>,
    /// Whether connections were seen to be kept, as far as that was looked at.
    pub(super) keeps_connections: bool,
    /// The connection that is observed, unused since then.
    observed: Option<(Conn, Instant)>,
    log: Log,
    tasks: TaskTracker,
}

impl Bench {
    pub(super) fn new(settings: Settings, tasks: TaskTracker) -> Self {
        let (log, _) = Log::new();
        Bench {
            settings,
            has_started: false,
            program: None,
            answers_all: None,
            first: Ok(200),
            keeps_connections: true,
            observed: None,
            log,
            tasks,
        }
    }

    /// The running program. One that has ended is started again.
    pub(super) async fn program(&mut self) -> Outcome<&Program> {
        if self.program.as_ref().is_none_or(Program::has_ended) {
            self.end().await;
            let program = match Program::start(&self.settings, &self.log, &self.tasks).await {
                Ok(program) => program,
                Err(why) => return seen(why),
            };
            self.has_started = true;
            match observe(&program).await {
                Ok((conn, status)) => {
                    self.observed = Some((conn, Instant::now()));
                    self.first = Ok(status);
                    self.answers_all = answers_all(&program).await;
                }
                Err(Finding::Failed(text) | Finding::Absent(text)) => self.first = Err(text),
            }
            self.program = Some(program);
        }
        let program = self.program.as_ref();
        program.ok_or_else(|| Finding::Failed("there is no program".to_owned()))
    }

    /// The observed connection, whose observation ends with this, and the begin of the observation.
    pub(super) async fn take_observed(&mut self) -> Outcome<(Conn, Instant)> {
        self.program().await?;
        match self.observed.take() {
            Some(observed) => Ok(observed),
            None => Ok((observe(self.current()?).await?.0, Instant::now())),
        }
    }

    /// A program that answers every path alike has none of the routes, although no route is a 404.
    pub(super) async fn check_route(&mut self, route: &str) -> Outcome {
        // The caller says where the health check is. Another path than that of the conventions is no route of them.
        let is_route = |path: &&str| match *path {
            HEALTH => self.settings.health == HEALTH,
            path => path.starts_with("/conform/") || path == "/invoke",
        };
        let path = route.split(' ').nth(1).filter(is_route);
        let (Some(path), Some(all)) = (path, self.answers_all.clone()) else { return Ok(()) };
        let reply = self.get(path).await?;
        if reply.status < 400 && reply.body == all {
            let text = format!("the program has no {route}: it answers every path alike");
            return Err(Finding::Absent(text));
        }
        Ok(())
    }

    /// What depends on kept connections cannot be checked without them.
    pub(super) fn check_kept(&self) -> Outcome {
        if self.keeps_connections {
            return Ok(());
        }
        Err(Finding::Absent("connections are not kept: see keep-alive and keep-alive-idle".to_owned()))
    }

    /// A program that no case has used.
    pub(super) async fn fresh(&mut self) -> Outcome<&Program> {
        self.end().await;
        self.program().await
    }

    /// The running program again, by one that the case has changed.
    pub(super) fn current(&self) -> Outcome<&Program> {
        let program = self.program.as_ref();
        program.ok_or_else(|| Finding::Failed("the program has ended".to_owned()))
    }

    /// Ends the program at once.
    pub(super) async fn end(&mut self) {
        self.observed = None;
        if let Some(program) = self.program.take() {
            program.order(Order::Thaw);
            program.order(Order::Kill);
            program.exited().await;
        }
    }

    /// One request on a connection of its own.
    pub(super) async fn get(&mut self, target: &str) -> Outcome<Reply> {
        let program = self.program().await?;
        program.connect().await?.ask(&Ask::get(program, target)).await
    }

    /// The program answers a new connection, and is the one from before.
    pub(super) async fn check_alive(&self, after: &str) -> Outcome {
        let program = self.current()?;
        if program.has_ended() {
            return seen(format!("the program has ended after {after}"));
        }
        let reply = program.connect().await?.ask(&Ask::get(program, "/")).await;
        match reply {
            Ok(_) => Ok(()),
            Err(Finding::Failed(text)) => seen(format!("after {after}: {text}")),
            Err(absent) => Err(absent),
        }
    }

    /// The program outlives what was done to it, for as long as a busy machine may take to notice.
    pub(super) async fn check_outlives(&self, what: &str) -> Outcome {
        let end = Instant::now() + SURVIVAL;
        loop {
            self.check_alive(what).await?;
            if Instant::now() > end {
                return Ok(());
            }
            sleep(PAUSE).await;
        }
    }

    /// How many requests are at work in the program.
    pub(super) async fn busy(&mut self) -> Outcome<usize> {
        let reply = self.get("/conform/busy").await?.offered("GET /conform/busy")?.expect(200)?;
        let text = reply.text();
        let number = text.trim().parse();
        number.or_else(|_| seen(format!("GET /conform/busy answers {text:?}, which is no number")))
    }

    /// Waits until so many requests are at work. The error is the last number.
    pub(super) async fn until_busy(
        &mut self,
        wanted: impl Fn(usize) -> bool,
        limit: Duration,
    ) -> Outcome<Result<(), usize>> {
        let begin = Instant::now();
        loop {
            let busy = self.busy().await?;
            if wanted(busy) {
                return Ok(Ok(()));
            }
            if begin.elapsed() > limit {
                return Ok(Err(busy));
            }
            sleep(PAUSE).await;
        }
    }

    pub(super) fn patience(&self) -> Duration {
        self.settings.timeout
    }

    pub(super) fn tasks(&self) -> &TaskTracker {
        &self.tasks
    }
}

/// A connection that has carried a request, with the status of the reply, and carries none from now on.
async fn observe(program: &Program) -> Outcome<(Conn, u16)> {
    let mut conn = program.connect().await?;
    let reply = conn.ask(&Ask::get(program, "/")).await?;
    Ok((conn, reply.status))
}

/// The body that answers a path which no program has, if it is no error.
async fn answers_all(program: &Program) -> Option<Vec<u8>> {
    let mut conn = program.connect().await.ok()?;
    let reply = conn.ask(&Ask::get(program, "/conform/no/such/route")).await.ok()?;
    (reply.status < 400).then_some(reply.body)
}
