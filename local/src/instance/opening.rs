//! The wait for the open port of a starting program, and what is said of it.

use std::time::Duration;

use tokio::io::AsyncReadExt;
use tokio::time::{Instant, timeout};

use super::connection::CONNECT_MAX;
use super::generation::Generation;
use super::network::Reach;
use super::start::LAST_OUTPUT;
use crate::event::Kind;
use crate::failure::Failure;
use crate::process::{Exit, Listening, Order, Output, Process};

/// After this time without an open port, the program's sockets are inspected.
const LOOK_AT_SOCKETS: Duration = Duration::from_millis(400);

/// After this time a slow start is explained, long before the platform gives up.
const SLOW: Duration = Duration::from_secs(3);

/// The most ports that are named.
const PORTS_MAX: usize = 16;

/// The first pause between two attempts.
const PAUSE_MIN: Duration = Duration::from_millis(2);

/// The longest pause between two attempts. With [`BOTH`] an open port is noticed within 50 ms.
const PAUSE_MAX: Duration = Duration::from_millis(20);

/// How much later than the declared port a program may open the given one.
const BOTH: Duration = Duration::from_millis(20);

/// How long a connection to a container is looked at: whether something ends it.
const PROXY_MAX: Duration = Duration::from_millis(100);

/// The wait for an open port.
pub(super) struct Opening<'a> {
    generation: &'a Generation,
    process: &'a Process,
    /// The way to the given port.
    reach: Reach,
    output: &'a Output,
    command: &'a str,
    /// Whether something was said of the wait.
    noted: bool,
    /// Whether the right address was said.
    advised: bool,
}

impl<'a> Opening<'a> {
    pub(super) fn new(
        generation: &'a Generation,
        process: &'a Process,
        reach: Reach,
        output: &'a Output,
        command: &'a str,
    ) -> Self {
        Opening { generation, process, reach, output, command, noted: false, advised: false }
    }

    /// Waits until the given port, or else the declared one, is open.
    pub(super) async fn wait_for_port(&mut self) -> Result<u16, Failure> {
        let given = self.reach.port;
        let declared = self.generation.function.port;
        let is_contained = self.generation.function.container.is_some();
        // In its own network a container has the declared port, to which the given one leads.
        let own = if is_contained { declared } else { given };
        let limit = self.generation.function.local.start_timeout;
        let begin = Instant::now();
        let mut pause = PAUSE_MIN;
        let mut look = LOOK_AT_SOCKETS;
        let mut is_strangers = false;
        loop {
            if let Some(exit) = self.process.exit() {
                return Err(self.exited(exit).await);
            }
            if self.is_open(given).await {
                if self.process.may_listen_on(own) {
                    return Ok(given);
                }
                // Without this check, calls would go to another program. The engine opens its side of the port early.
                if !is_contained {
                    let text =
                        format!("another program has taken port {given}, which the instance was given");
                    return Err(Failure::unavailable(text));
                }
            }
            if !is_contained && !is_strangers && declared != given && self.is_open(declared).await {
                // A program may open both ports, the given one last.
                tokio::time::sleep(BOTH).await;
                if let Some(port) = self.fixed_port(&self.process.listening(), given, declared).await {
                    return Ok(port);
                }
                is_strangers = !self.is_open(given).await;
                continue;
            }
            if begin.elapsed() >= look {
                is_strangers = false;
                look = begin.elapsed() + LOOK_AT_SOCKETS;
                if let Some(port) = self.look_at_sockets(own, declared).await {
                    return Ok(port);
                }
            }
            if begin.elapsed() >= SLOW && !self.noted {
                self.noted = true;
                let last_line = self.output.last_line();
                let kind =
                    Kind::InstanceNotListening { given_port: given, waited: begin.elapsed(), last_line };
                self.generation.log.emit(&self.generation.source(), kind);
            }
            if begin.elapsed() >= limit {
                self.process.order(Order::Kill);
                return Err(Failure::not_started(declared, limit, &self.output.recent()));
            }
            if let Some(exit) = self.process.exited_within(pause).await {
                return Err(self.exited(exit).await);
            }
            pause = next(pause);
        }
    }

    async fn is_open(&self, port: u16) -> bool {
        let reach = Reach { port, ..self.reach.clone() };
        let Ok(Ok(mut stream)) = timeout(CONNECT_MAX, reach.connect()).await else { return false };
        if self.generation.function.container.is_none() {
            return true;
        }
        // The engine may open the port before the program does, and end connections that lead to nothing.
        timeout(PROXY_MAX, stream.read(&mut [0])).await.is_err()
    }

    async fn exited(&self, exit: Exit) -> Failure {
        self.output.complete(LAST_OUTPUT).await;
        let logs = self.output.recent();
        match exit {
            Exit::Code(13) if logs.is_empty() => Failure::file_permission(self.command),
            exit => Failure::exited_at_start(exit.code(), self.command, &logs),
        }
    }

    /// The declared port, if the program listens there and not on the given one.
    async fn fixed_port(&self, listening: &[Listening], given: u16, declared: u16) -> Option<u16> {
        let is_public = |port| listening.iter().any(|open| open.port == port && !open.is_loopback);
        (!is_public(given) && is_public(declared) && self.is_open(declared).await).then_some(declared)
    }

    /// The declared port, if the program opened it, not in a container. Logs once why a program is unreachable.
    async fn look_at_sockets(&mut self, given: u16, declared: u16) -> Option<u16> {
        // One look for all that is said: a port that is opened meanwhile is not out of reach.
        let listening = self.process.listening();
        if self.generation.function.container.is_some() {
            if self.process.may_listen_on(declared) {
                return None;
            }
        } else if let Some(port) = self.fixed_port(&listening, given, declared).await {
            return Some(port);
        } else if self.is_open(given).await {
            // The program has opened the port since the last attempt.
            return None;
        }
        if let Some(kind) = why_unreachable(&listening, given, declared) {
            let is_advice = matches!(kind, Kind::PortUnreachable { .. });
            if !self.noted || is_advice && !self.advised {
                self.generation.log.emit(&self.generation.source(), kind);
            }
            self.noted = true;
            self.advised |= is_advice;
        }
        None
    }
}

/// What to say of a program that can be reached at neither port. Other ports may be a debugger's or a metric's, which
/// nobody should be advised to open to the network.
fn why_unreachable(listening: &[Listening], given: u16, declared: u16) -> Option<Kind> {
    let mut ports: Vec<u16> = listening.iter().map(|open| open.port).collect();
    if let Some(port) = [given, declared].into_iter().find(|port| ports.contains(port)) {
        return Some(Kind::PortUnreachable { port });
    }
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(PORTS_MAX);
    (!ports.is_empty()).then_some(Kind::PortUnexpected { given_port: given, ports })
}

/// The pause behind `pause`.
fn next(pause: Duration) -> Duration {
    (pause * 2).min(PAUSE_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn however_long_a_start_takes_its_port_is_noticed_within_50_ms() {
        let pauses: Vec<Duration> =
            std::iter::successors(Some(PAUSE_MIN), |pause| Some(next(*pause))).take(1000).collect();
        // A port that opens right after an attempt is seen by the next one. A declared port is looked at twice.
        let longest = pauses.iter().max().unwrap();
        assert!(*longest + BOTH <= Duration::from_millis(50), "{longest:?}");
        // A quick start costs few attempts, and a slow one no more than some fifty in a second.
        let within = |time: Duration| {
            let mut total = Duration::ZERO;
            pauses
                .iter()
                .take_while(|pause| {
                    total += **pause;
                    total <= time
                })
                .count()
        };
        assert_eq!((within(Duration::from_millis(30)), within(Duration::from_secs(1))), (4, 52));
    }

    #[test]
    fn only_the_given_or_the_declared_port_is_advised() {
        let why = |ports: &[u16]| {
            let open = ports.iter().map(|port| Listening { port: *port, is_loopback: true });
            why_unreachable(&open.collect::<Vec<_>>(), 20_000, 9_000)
        };
        assert!(why(&[]).is_none());
        for (ports, port) in [
            (&[1, 20_000][..], 20_000),
            (&[9_000], 9_000),
            (&[9_000, 20_000], 20_000),
            (&[9_229, 9_000], 9_000),
        ] {
            assert!(
                matches!(why(ports), Some(Kind::PortUnreachable { port: seen }) if seen == port),
                "{ports:?}"
            );
        }
        let others = why(&[9_229, 80, 9_229]);
        assert!(
            matches!(&others, Some(Kind::PortUnexpected { given_port: 20_000, ports }) if *ports == [80, 9_229]),
            "{others:?}"
        );
    }
}
