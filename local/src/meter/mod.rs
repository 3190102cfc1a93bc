//! What calls and instances use: counts, time, memory and processors, their course, and what that would cost by a table of prices.

mod course;
mod fleet;
mod meter;
mod meters;
mod prices;
mod totals;

pub(crate) use course::Point;
pub(crate) use fleet::{Fleet, Presence, Rate};
pub(crate) use meter::{Ended, Meter, Outcome};
pub(crate) use meters::{FunctionUsage, Meters, TICK, UsageReport};
pub(crate) use prices::{Cost, Prices};
pub(crate) use totals::{Billable, Totals};

#[cfg(test)]
mod tests;
