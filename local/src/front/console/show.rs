//! Pages by their paths.

use std::net::SocketAddr;

use http::{Response, StatusCode};
use maud::{Markup, html};

use super::console::{Asked, Console};
use super::data;
use super::live::log_filter;
use super::pages::frame::{Tab, regions};
use super::pages::overview::Addresses;
use super::pages::{Region, instances, logs, overview};
use super::{live, reply};
use crate::front::body::Outgoing;
use crate::front::listen::reachable;

impl Console {
    /// Answers with a page, or with the stream of one.
    pub(super) async fn show(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let rest: Vec<&str> = asked.rest.iter().map(String::as_str).collect();
        match rest[..] {
            [""] => self.overview(asked),
            ["instances"] => self.instances(asked),
            ["logs"] => self.logs(asked),
            ["live", page] => self.live(asked, page),
            _ => Console::unknown(asked, "The console has no such page."),
        }
    }

    fn overview(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let Some(parts) = self.parts("overview", asked) else { return Console::unknown(asked, "") };
        let functions = data::functions(&self.shared.registry);
        let main = asked.ports.get("").map_or(0, SocketAddr::port);
        let addresses: Addresses = asked
            .ports
            .iter()
            .map(|(name, address)| (name.to_string(), format!("http://{}/", reachable(*address))))
            .collect();
        let body = html! { (regions(&parts)) (overview::addresses(&functions, &addresses, main)) };
        page(asked, Tab::Overview, &body, "")
    }

    fn instances(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let Some(parts) = self.parts("instances", asked) else { return Console::unknown(asked, "") };
        let names = data::names(&self.shared.registry);
        let filter = instances::filter(&asked.frame, &names, asked.fields.get("function"));
        let body = html! { (filter) (regions(&parts)) };
        page(asked, Tab::Instances, &body, &asked.fields.query(&["function"]))
    }

    fn logs(&self, asked: &Asked<'_>) -> Response<Outgoing> {
        let Some(parts) = self.parts("logs", asked) else { return Console::unknown(asked, "") };
        let names = data::names(&self.shared.registry);
        let body = html! { (logs::filter(&asked.frame, &names, &log_filter(&asked.fields))) (regions(&parts)) };
        page(asked, Tab::Logs, &body, &asked.fields.query(&LOG_FIELDS))
    }

    /// The parts of a page that its stream keeps current. `None` if there is no such page.
    pub(super) fn parts(&self, page: &str, asked: &Asked<'_>) -> Option<Vec<Region>> {
        live::parts(&self.shared, page, &asked.frame, &asked.fields)
    }

    fn live(&self, asked: &Asked<'_>, page: &str) -> Response<Outgoing> {
        let Ok(place) = std::sync::Arc::clone(&self.streams).try_acquire_owned() else {
            let text = "too many pages of the console are open";
            return reply::refusal(StatusCode::SERVICE_UNAVAILABLE, text);
        };
        live::stream(&self.shared, page, asked, place)
            .unwrap_or_else(|| Console::unknown(asked, "The console has no such stream."))
    }
}

fn page(asked: &Asked<'_>, tab: Tab, body: &Markup, query: &str) -> Response<Outgoing> {
    reply::page(StatusCode::OK, asked.frame.page(tab, None, Some(query), body))
}

const LOG_FIELDS: [&str; 6] = ["q", "function", "level", "request", "instance", "only"];
