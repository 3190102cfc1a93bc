//! What use would cost, by a table of prices.

use serde::Deserialize;

use super::totals::Billable;

/// A table of prices. It says where it is from, and of which day.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prices {
    pub(crate) source: String,
    pub(crate) date: String,
    pub(crate) currency: String,
    /// The price of a unit, the cheaper ones after the first ones of a month.
    tiers: Vec<Tier>,
    units: Units,
    /// The price of a GB of traffic to clients. Without one, traffic has no price.
    traffic_gb: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tier {
    /// Up to how many units in a month. The last tier has no end.
    up_to: Option<f64>,
    price: f64,
}

/// How many units what is used is.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct Units {
    invocation: f64,
    active_vcpu_second: f64,
    idle_vcpu_second: f64,
    memory_gb_second: f64,
    disk_gb_second: f64,
}

/// What use would cost.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(crate) struct Cost {
    /// The units of invocations, vCPUs, memory and disk.
    pub(crate) units: [f64; 4],
    /// What the units cost, the first ones of a month.
    pub(crate) price: f64,
    /// What the traffic costs. `None` if the table has no price for it.
    pub(crate) traffic: Option<f64>,
}

impl Cost {
    pub(crate) fn unit_sum(&self) -> f64 {
        self.units.iter().sum()
    }

    pub(crate) fn sum(&self) -> f64 {
        self.price + self.traffic.unwrap_or(0.0)
    }
}

impl Prices {
    /// The table inside the program.
    pub(crate) const OWN: &str = include_str!("prices.toml");

    /// The table inside the program.
    ///
    /// # Errors
    ///
    /// None: a test reads it.
    pub(crate) fn own() -> Result<Self, String> {
        Prices::parse(Prices::OWN)
    }

    /// Whether traffic has a price.
    pub(crate) fn has_traffic(&self) -> bool {
        self.traffic_gb.is_some()
    }

    /// Reads a table.
    ///
    /// # Errors
    ///
    /// A field is missing or unknown, or a number is none that a price can be.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let prices: Prices = toml::from_str(text).map_err(|error| error.to_string())?;
        let Units { invocation, active_vcpu_second, idle_vcpu_second, memory_gb_second, disk_gb_second } =
            prices.units;
        let units = [invocation, active_vcpu_second, idle_vcpu_second, memory_gb_second, disk_gb_second];
        let numbers =
            units.into_iter().chain(prices.traffic_gb).chain(prices.tiers.iter().map(|tier| tier.price));
        if numbers.into_iter().any(|number| !number.is_finite() || number < 0.0) {
            return Err("a price is a number from 0".to_owned());
        }
        let Some((last, others)) = prices.tiers.split_last() else {
            return Err("`tiers` needs one at least".to_owned());
        };
        let ends: Vec<f64> = others.iter().filter_map(|tier| tier.up_to).collect();
        if last.up_to.is_some() || ends.len() < others.len() || !ends.is_sorted_by(|one, other| one < other) {
            return Err("`tiers` go up by `up_to`, and the last one has no `up_to`".to_owned());
        }
        Ok(prices)
    }

    /// What the use would cost as the first of a month, `times` as much of it.
    pub(crate) fn cost(&self, used: &Billable, times: f64) -> Cost {
        let own = &self.units;
        let units = [
            used.invocations * own.invocation,
            used.active_vcpu_seconds * own.active_vcpu_second + used.idle_vcpu_seconds * own.idle_vcpu_second,
            used.memory_gb_seconds * own.memory_gb_second,
            used.disk_gb_seconds * own.disk_gb_second,
        ]
        .map(|units| units * times);
        let traffic = self.traffic_gb.map(|price| price * used.traffic_gb * times);
        Cost { units, price: self.price(units.iter().sum()), traffic }
    }

    /// What so many units cost, the first of a month.
    pub(crate) fn price(&self, units: f64) -> f64 {
        let mut begin = 0.0;
        let mut sum = 0.0;
        for tier in &self.tiers {
            let end = tier.up_to.unwrap_or(f64::INFINITY).min(units);
            sum += (end - begin).max(0.0) * tier.price;
            begin = end.max(begin);
        }
        sum
    }
}
