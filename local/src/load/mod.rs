//! How much load a function takes: requests at a steady rate, what became of them, and what a wanted rate needs.

mod advice;
mod client;
mod pace;
mod plot;
mod report;
mod run;
mod schedule;
mod search;
mod steps;
mod tally;
mod target;
mod usage;

pub(crate) use advice::{Advice, QUOTA, Wish};
pub(crate) use client::Client;
pub(crate) use plot::plot;
pub(crate) use report::{document, header, line, summary};
pub(crate) use run::{Limits, run};
pub(crate) use schedule::Schedule;
pub(crate) use search::{Goal, Search};
pub(crate) use steps::Step;
pub(crate) use tally::is_right;
pub(crate) use target::{Protocol, Target};
pub(crate) use usage::Usage;
