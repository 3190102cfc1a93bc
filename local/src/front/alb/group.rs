//! Server groups in use: their backends, whose health is known, and the choice among them.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::health::{Health, Standing, Thresholds};
use super::trace;
use crate::event::{AlbNews, Kind, Log, Source};
use crate::model::alb::{GroupKind, IpServer, ServerGroup};

/// A server group in use.
#[derive(Debug)]
pub(crate) struct Group {
    pub(super) name: Arc<str>,
    pub(super) settings: ServerGroup,
    pub(super) targets: Vec<Target>,
    turn: AtomicUsize,
    /// Whether it was said that gRPC does not reach the function.
    has_told: AtomicBool,
}

/// A backend: the function of the group, or one of its servers.
#[derive(Debug)]
pub(super) struct Target {
    pub(super) name: String,
    weight: usize,
    /// What a sticky session's cookie says of the backend.
    token: String,
    health: Mutex<Health>,
    is_out: AtomicBool,
}

impl Target {
    fn new(name: String, weight: u8) -> Self {
        let token = trace::mark("server", &name).to_str().unwrap_or_default().to_owned();
        let (health, is_out) = (Mutex::default(), AtomicBool::new(false));
        Target { name, weight: weight.into(), token, health, is_out }
    }

    fn of_server(server: &IpServer) -> Self {
        Target::new(format!("{}:{}", server.host, server.port), server.weight)
    }

    pub(super) fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Group {
    pub(super) fn new(settings: ServerGroup) -> Self {
        let targets: Vec<Target> = match &settings.kind {
            GroupKind::Fc { function, .. } => {
                function.iter().map(|function| Target::new(function.clone(), 100)).collect()
            }
            GroupKind::Ip { servers } => servers.iter().map(Target::of_server).collect(),
        };
        let mut targets = targets;
        // Small numbers make short turns: two equal servers are asked one after the other.
        let common = targets.iter().fold(0, |common, target| divisor(common, target.weight)).max(1);
        for target in &mut targets {
            target.weight /= common;
        }
        Group {
            name: Arc::from(settings.name.as_str()),
            settings,
            targets,
            turn: AtomicUsize::new(0),
            has_told: AtomicBool::new(false),
        }
    }

    /// Whether the group is what `settings` say, wherever that stands.
    pub(super) fn is_same(&self, settings: &ServerGroup) -> bool {
        let own = &self.settings;
        let is_same_kind = match (&own.kind, &settings.kind) {
            (GroupKind::Ip { servers: own }, GroupKind::Ip { servers }) => {
                own.len() == servers.len()
                    && own.iter().zip(servers).all(|(own, server)| {
                        (&own.host, own.port, own.weight) == (&server.host, server.port, server.weight)
                    })
            }
            (own, kind) => own == kind,
        };
        is_same_kind
            && (&own.name, own.protocol, &own.health_check, &own.sticky_session)
                == (&settings.name, settings.protocol, &settings.health_check, &settings.sticky_session)
    }

    pub(super) fn server(&self, number: usize) -> Option<&IpServer> {
        match &self.settings.kind {
            GroupKind::Ip { servers } => servers.get(number),
            GroupKind::Fc { .. } => None,
        }
    }

    /// Chooses a backend by weight, or the one that `token` names. If all have failed their health checks, all are taken.
    /// `None` if there is none with a weight.
    pub(super) fn choose(&self, token: Option<&str>) -> Option<usize> {
        let is_in = |target: &Target| target.weight > 0 && !target.is_out.load(Ordering::Relaxed);
        let some_are_in = self.targets.iter().any(is_in);
        let takes = |target: &Target| if some_are_in { is_in(target) } else { target.weight > 0 };
        let named =
            |token: &str| self.targets.iter().position(|target| target.token == token && takes(target));
        if let Some(number) = token.and_then(named) {
            return Some(number);
        }
        let all: usize = self.targets.iter().filter(|target| takes(target)).map(|target| target.weight).sum();
        let mut place = self.turn.fetch_add(1, Ordering::Relaxed).checked_rem(all)?;
        let found = self.targets.iter().position(|target| {
            let is_taken = takes(target);
            let is_here = is_taken && place < target.weight;
            if is_taken && !is_here {
                place = place.saturating_sub(target.weight);
            }
            is_here
        });
        // A check may have failed since the sum was made.
        found.or_else(|| self.targets.iter().position(|target| target.weight > 0))
    }

    /// Says once that a gRPC call reaches a function as a request of HTTP/1.1.
    pub(super) fn tell_of_grpc(&self, log: &Log) {
        let GroupKind::Fc { function: Some(function), .. } = &self.settings.kind else { return };
        if !self.has_told.swap(true, Ordering::Relaxed) {
            let (group, target) = (self.settings.name.clone(), function.clone());
            log.emit(&Source::default(), Kind::Alb(AlbNews::GrpcToFunction { group, target }));
        }
    }

    pub(super) fn token(&self, number: usize) -> &str {
        self.targets.get(number).map_or("", |target| &target.token)
    }

    /// Notes the outcome of a health check, and tells of a change.
    pub(super) fn note(&self, log: &Log, number: usize, outcome: Result<(), String>) {
        let (Some(target), Some(check)) = (self.targets.get(number), &self.settings.health_check) else {
            return;
        };
        let thresholds =
            Thresholds { healthy: check.healthy_threshold, unhealthy: check.unhealthy_threshold };
        let (group, name) = (self.settings.name.clone(), target.name.clone());
        let news = {
            let mut health = target.health();
            if !health.note(outcome, thresholds) {
                return;
            }
            let is_out = health.standing == Standing::Unhealthy;
            target.is_out.store(is_out, Ordering::Relaxed);
            if is_out {
                let error = health.fault.clone().unwrap_or_default();
                AlbNews::Unhealthy { group, target: name, error }
            } else {
                AlbNews::Healthy { group, target: name }
            }
        };
        log.emit(&Source::default(), Kind::Alb(news));
    }
}

/// The greatest common divisor.
fn divisor(one: usize, other: usize) -> usize {
    if other == 0 { one } else { divisor(other, one % other) }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::time::Duration;

    use super::*;
    use crate::model::alb::{AlbHealthCheck, BackendProtocol, Place, ProbeMethod};

    fn place() -> Place {
        Place { file: Arc::from(Path::new("s.yaml")), line: 1 }
    }

    fn group(weights: &[u8]) -> Group {
        let servers = weights.iter().zip(1..).map(|(weight, port)| IpServer {
            host: "127.0.0.1".to_owned(),
            port,
            weight: *weight,
            place: place(),
        });
        let health_check = AlbHealthCheck {
            method: ProbeMethod::Head,
            path: "/".to_owned(),
            host: None,
            is_http11: true,
            port: 0,
            interval: Duration::from_secs(2),
            timeout: Duration::from_secs(5),
            healthy_threshold: 2,
            unhealthy_threshold: 2,
            codes: vec![2],
        };
        Group::new(ServerGroup {
            name: "g".to_owned(),
            place: place(),
            kind: GroupKind::Ip { servers: servers.collect() },
            protocol: BackendProtocol::Http,
            health_check: Some(health_check),
            sticky_session: None,
        })
    }

    fn counts(group: &Group, asked: usize) -> Vec<usize> {
        let mut counts = vec![0; group.targets.len()];
        for _ in 0..asked {
            counts[group.choose(None).unwrap()] += 1;
        }
        counts
    }

    fn check(group: &Group, log: &Log, number: usize, passes: bool) {
        for _ in 0..2 {
            group.note(log, number, if passes { Ok(()) } else { Err("status 500".to_owned()) });
        }
    }

    #[test]
    fn backends_get_requests_by_weight() {
        assert_eq!(counts(&group(&[3, 0, 1]), 8), [6, 0, 2]);
        assert_eq!(counts(&group(&[100, 50]), 3), [2, 1]);
        assert_eq!(group(&[]).choose(None), None);
        assert_eq!(group(&[0, 0]).choose(None), None);
    }

    #[test]
    fn a_backend_that_fails_is_left_out_unless_all_fail() {
        let (log, _events) = Log::new();
        let group = group(&[1, 1, 0]);
        check(&group, &log, 0, false);
        assert_eq!(counts(&group, 4), [0, 4, 0]);
        check(&group, &log, 1, false);
        assert_eq!(counts(&group, 4), [2, 2, 0], "all have failed");
        check(&group, &log, 0, true);
        assert_eq!(counts(&group, 4), [4, 0, 0]);
    }

    #[test]
    fn a_client_stays_with_its_backend_while_it_is_there() {
        let (log, _events) = Log::new();
        let group = group(&[1, 1]);
        let token = group.token(1).to_owned();
        assert_ne!(group.token(0), token);
        for _ in 0..4 {
            assert_eq!(group.choose(Some(&token)), Some(1));
        }
        check(&group, &log, 1, false);
        assert_eq!(group.choose(Some(&token)), Some(0));
        assert_eq!(group.choose(Some("nobody")), Some(0));
    }

    #[test]
    fn a_group_is_the_same_on_another_line() {
        let group = group(&[1, 2]);
        let mut settings = group.settings.clone();
        settings.place.line = 9;
        if let GroupKind::Ip { servers } = &mut settings.kind {
            servers[0].place.line = 10;
        }
        assert!(group.is_same(&settings));
        if let GroupKind::Ip { servers } = &mut settings.kind {
            servers[0].weight = 9;
        }
        assert!(!group.is_same(&settings));
    }
}
