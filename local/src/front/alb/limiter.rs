//! Traffic limits: requests of a rule, and of one client, in each second.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use crate::model::alb::TrafficLimit;

/// The most clients that are counted in a second. Further ones are limited by the rule alone.
const CLIENTS_MAX: usize = 16 * 1024;

/// Counts the requests of one rule.
#[derive(Debug)]
pub(super) struct Limiter {
    begin: Instant,
    window: Mutex<Window>,
}

/// The requests of one second.
#[derive(Debug, Default)]
struct Window {
    second: u64,
    all: u32,
    clients: HashMap<IpAddr, u32>,
}

impl Default for Limiter {
    fn default() -> Self {
        Limiter { begin: Instant::now(), window: Mutex::default() }
    }
}

impl Limiter {
    /// Counts a request, and says whether it may pass.
    pub(super) fn admit(&self, limit: TrafficLimit, client: IpAddr) -> bool {
        let second = self.begin.elapsed().as_secs();
        self.window.lock().unwrap_or_else(PoisonError::into_inner).admit(second, limit, client)
    }
}

impl Window {
    fn admit(&mut self, second: u64, limit: TrafficLimit, client: IpAddr) -> bool {
        if self.second != second {
            self.second = second;
            self.all = 0;
            self.clients.clear();
        }
        if limit.qps.is_some_and(|most| self.all >= most) {
            return false;
        }
        if let Some(most) = limit.per_ip_qps {
            let is_full = self.clients.len() >= CLIENTS_MAX;
            if !is_full || self.clients.contains_key(&client) {
                let count = self.clients.entry(client).or_default();
                if *count >= most {
                    return false;
                }
                *count += 1;
            }
        }
        self.all += 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;

    fn client(number: u32) -> IpAddr {
        Ipv4Addr::from_bits(number).into()
    }

    #[test]
    fn a_second_lets_so_many_through() {
        let limit = TrafficLimit { qps: Some(3), per_ip_qps: Some(2) };
        let mut window = Window::default();
        let mut admit = |second, number| window.admit(second, limit, client(number));
        assert_eq!([admit(0, 1), admit(0, 1), admit(0, 1)], [true, true, false], "one client");
        assert_eq!([admit(0, 2), admit(0, 3)], [true, false], "all of them");
        assert_eq!([admit(1, 1), admit(1, 1), admit(1, 1)], [true, true, false], "the next second");
    }

    #[test]
    fn one_limit_is_enough() {
        let mut window = Window::default();
        let by_client = TrafficLimit { qps: None, per_ip_qps: Some(1) };
        assert!((0..100).all(|number| window.admit(0, by_client, client(number))));
        assert!(!window.admit(0, by_client, client(7)));
        let of_all = TrafficLimit { qps: Some(1), per_ip_qps: None };
        assert_eq!([window.admit(1, of_all, client(1)), window.admit(1, of_all, client(2))], [true, false]);
    }

    #[test]
    fn the_clients_that_are_counted_are_bounded() {
        let limit = TrafficLimit { qps: None, per_ip_qps: Some(1) };
        let mut window = Window::default();
        let many = u32::try_from(CLIENTS_MAX).unwrap() + 10;
        assert!((0..many).all(|number| window.admit(0, limit, client(number))));
        assert_eq!(window.clients.len(), CLIENTS_MAX);
        assert!(!window.admit(0, limit, client(0)), "a counted client stays limited");
    }
}
