//! `fc-local usage`.

use std::fmt::Write;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::Args;
use http::Method;
use serde_json::{Value, json};

use super::client::RunningArguments;
use super::print;
use super::version::finish;
use crate::auth::encode;
use crate::event::neutral;
use crate::manifest::read_bounded;
use crate::meter::{Billable, Cost, Prices};

/// The largest table of prices, in bytes.
const TABLE_MAX: u64 = 64 * 1024;

#[derive(Debug, Args)]
pub(super) struct UsageArguments {
    /// The last time alone, such as 15m or 2h [default: since the start of `fc-local dev`]
    #[arg(long, value_name = "TIME")]
    since: Option<String>,
    /// A table of prices in place of the one inside this program
    #[arg(long, value_name = "FILE")]
    prices: Option<PathBuf>,
    /// What as much of it would cost that there are so many invocations, all functions together
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u64).range(1..))]
    invocations: Option<u64>,
    /// Print the table of prices, and ask nobody
    #[arg(long, exclusive = true)]
    show_prices: bool,
    /// Print comma-separated values
    #[arg(long, conflicts_with = "json")]
    csv: bool,
    /// Print JSON
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    running: RunningArguments,
}

/// What is told of each function: the field of the API, and the head of the column.
const COLUMNS: [(&str, &str); 16] = [
    ("invocations", "invocations"),
    ("probes", "probes"),
    ("refused", "refused"),
    ("errors", "errors"),
    ("clientLeft", "left"),
    ("coldStarts", "cold"),
    ("callSeconds", "calls s"),
    ("activeSeconds", "active s"),
    ("idleSeconds", "idle s"),
    ("activeVcpuSeconds", "vCPU s"),
    ("idleVcpuSeconds", "idle vCPU s"),
    ("activeGbSeconds", "GB s"),
    ("idleGbSeconds", "idle GB s"),
    ("diskGbSeconds", "disk GB s"),
    ("bytesIn", "bytes in"),
    ("bytesOut", "bytes out"),
];

pub(super) async fn run(template: &Path, arguments: &UsageArguments) -> ExitCode {
    finish(try_run(template, arguments).await)
}

async fn try_run(template: &Path, arguments: &UsageArguments) -> io::Result<()> {
    if arguments.show_prices {
        print::say(Prices::OWN.trim_end());
        return Ok(());
    }
    let prices = match &arguments.prices {
        None => Prices::own(),
        Some(file) => table(file),
    };
    let prices = prices.map_err(io::Error::other)?;
    let running = arguments.running.find(template).await?;
    let query = arguments.since.as_ref().map(|since| format!("?since={}", encode(since.as_bytes())));
    let path = format!("/_local/v1/usage{}", query.unwrap_or_default());
    let report = running.call(Method::GET, &path, &Value::Null).await?;
    let bill = Bill::new(&report, &prices, arguments.invocations);
    let text = if arguments.csv {
        bill.csv()
    } else if arguments.json {
        bill.document(&report).to_string()
    } else {
        bill.table(&report)
    };
    print::say(&neutral(text.trim_end()));
    Ok(())
}

fn table(file: &Path) -> Result<Prices, String> {
    let wrong = |error: String| format!("{}: {error}", file.display());
    let bytes = read_bounded(file, TABLE_MAX).map_err(|error| wrong(error.to_string()))?;
    Prices::parse(&String::from_utf8_lossy(&bytes)).map_err(wrong)
}

/// What the functions used, with its costs.
struct Bill<'a> {
    prices: &'a Prices,
    /// Functions by name, the sum behind them.
    rows: Vec<(String, Value, Cost)>,
    /// By how much the use is multiplied.
    times: f64,
    wanted: Option<u64>,
}

impl<'a> Bill<'a> {
    fn new(report: &Value, prices: &'a Prices, wanted: Option<u64>) -> Self {
        let functions = report["functions"].as_array().cloned().unwrap_or_default();
        let mut sum = Billable::default();
        let mut total = json!({});
        for function in &functions {
            sum += billable(function);
            for (field, _) in COLUMNS {
                total[field] = match (total[field].as_u64().unwrap_or(0), function[field].as_u64()) {
                    (so_far, Some(own)) if !field.ends_with("Seconds") => (so_far + own).into(),
                    _ => (number(&total[field]) + number(&function[field])).into(),
                };
            }
        }
        #[expect(clippy::cast_precision_loss, reason = "a price has fewer digits")]
        let times = match wanted {
            Some(wanted) if sum.invocations > 0.0 => wanted as f64 / sum.invocations,
            _ => 1.0,
        };
        let mut rows: Vec<(String, Value, Cost)> = functions
            .into_iter()
            .map(|function| {
                let cost = prices.cost(&billable(&function), times);
                (function["function"].as_str().unwrap_or_default().to_owned(), function, cost)
            })
            .collect();
        rows.push(("(all)".to_owned(), total, prices.cost(&sum, times)));
        Bill { prices, rows, times, wanted }
    }

    fn document(&self, report: &Value) -> Value {
        let row = |(name, used, cost): &(String, Value, Cost)| {
            let mut used = used.clone();
            used["function"] = name.as_str().into();
            used["cost"] = json!({
                "units": cost.unit_sum(),
                "invocationUnits": cost.units[0],
                "vcpuUnits": cost.units[1],
                "memoryUnits": cost.units[2],
                "diskUnits": cost.units[3],
                "compute": cost.price,
                "traffic": cost.traffic,
                "sum": cost.sum(),
            });
            used
        };
        let mut rows: Vec<Value> = self.rows.iter().map(row).collect();
        let total = rows.pop();
        json!({
            "since": report["since"], "until": report["until"], "functions": rows, "total": total,
            "multipliedBy": self.times,
            "prices": {
                "source": self.prices.source, "date": self.prices.date, "currency": self.prices.currency,
                "traffic": if self.prices.has_traffic() { "priced" } else { "not priced" },
            },
        })
    }

    fn csv(&self) -> String {
        let mut out = String::from("function");
        for (field, _) in COLUMNS {
            _ = write!(out, ",{field}");
        }
        _ = writeln!(out, ",units,cost,currency");
        for (name, used, cost) in &self.rows {
            out.push_str(&field(name));
            for (field, _) in COLUMNS {
                _ = write!(out, ",{}", used[field]);
            }
            _ = writeln!(out, ",{},{},{}", cost.unit_sum(), cost.sum(), field(&self.prices.currency));
        }
        out
    }

    fn table(&self, report: &Value) -> String {
        let currency = &self.prices.currency;
        let mut lines = vec![
            [
                "function",
                "invocations",
                "errors",
                "left",
                "cold",
                "active s",
                "idle s",
                "vCPU s",
                "GB s",
                "MiB in",
                "MiB out",
                "CU",
                currency,
            ]
            .map(str::to_owned),
        ];
        for (name, used, cost) in &self.rows {
            let count = |field: &str| used[field].to_string();
            let seconds = |fields: &[&str]| {
                format!("{:.3}", fields.iter().map(|field| number(&used[*field])).sum::<f64>())
            };
            let mebibytes = |field: &str| format!("{:.2}", number(&used[field]) / f64::from(1 << 20));
            lines.push([
                name.clone(),
                count("invocations"),
                count("errors"),
                count("clientLeft"),
                count("coldStarts"),
                seconds(&["activeSeconds"]),
                seconds(&["idleSeconds"]),
                seconds(&["activeVcpuSeconds", "idleVcpuSeconds"]),
                seconds(&["activeGbSeconds", "idleGbSeconds"]),
                mebibytes("bytesIn"),
                mebibytes("bytesOut"),
                format!("{:.3}", cost.unit_sum()),
                format!("{:.6}", cost.sum()),
            ]);
        }
        let widths: Vec<usize> = (0..lines[0].len())
            .map(|column| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0))
            .collect();
        let mut out = String::new();
        for line in &lines {
            let cells = line.iter().zip(&widths).enumerate().map(|(at, (cell, width))| {
                if at == 0 { format!("{cell:<width$}") } else { format!("{cell:>width$}") }
            });
            _ = writeln!(out, "{}", cells.collect::<Vec<_>>().join("  "));
        }
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        _ = writeln!(out, "since {} until {}", text(&report["since"]), text(&report["until"]));
        if let Some(wanted) = self.wanted {
            _ = writeln!(
                out,
                "CU and {currency} are those of {wanted} invocations in all, {:.1} times what there was",
                self.times
            );
        }
        _ = writeln!(
            out,
            "prices of {} in {currency}, for the first use of a month: {}",
            self.prices.date, self.prices.source
        );
        if !self.prices.has_traffic() {
            out.push_str("not in the sum: traffic to the Internet, for which that table has no price");
        }
        out
    }
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(0.0)
}

fn billable(function: &Value) -> Billable {
    let of = |field: &str| number(&function[field]);
    Billable {
        invocations: of("invocations"),
        active_vcpu_seconds: of("activeVcpuSeconds"),
        idle_vcpu_seconds: of("idleVcpuSeconds"),
        memory_gb_seconds: of("activeGbSeconds") + of("idleGbSeconds"),
        disk_gb_seconds: of("diskGbSeconds"),
        traffic_gb: of("bytesOut") / f64::from(1 << 30),
    }
}

/// A field of comma-separated values. A table calculates with a text that begins like a formula.
fn field(text: &str) -> String {
    let text = if text.starts_with(['=', '+', '-', '@']) { format!("'{text}") } else { text.to_owned() };
    if text.contains([',', '"', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Value {
        let function = |name: &str, invocations: u64, seconds: f64| {
            json!({
                "function": name, "invocations": invocations, "probes": 0, "refused": 0, "errors": 1, "clientLeft": 0,
                "coldStarts": 1, "callSeconds": seconds, "activeSeconds": seconds, "idleSeconds": 0.0,
                "activeVcpuSeconds": seconds * 0.25, "idleVcpuSeconds": 0.0, "activeGbSeconds": seconds * 0.5,
                "idleGbSeconds": 0.0, "diskGbSeconds": 0.0, "bytesIn": 1024, "bytesOut": 1 << 20,
            })
        };
        let functions = [function("list", 9, 0.9), function("it,em", 8, 0.16)];
        json!({ "since": "2026-01-01T00:00:00.000Z", "until": "2026-01-01T00:10:00.000Z", "functions": functions })
    }

    #[test]
    fn functions_and_their_sum_are_told_in_each_form() {
        let (report, prices) = (report(), Prices::own().unwrap());
        let bill = Bill::new(&report, &prices, None);
        let document = bill.document(&report);
        assert_eq!(document["total"]["invocations"], 17);
        assert_eq!(document["total"]["bytesOut"], 2 << 20);
        let units = 17.0 * 0.0075 + 1.06 * 0.25 + 1.06 * 0.5 * 0.15;
        assert!((number(&document["total"]["cost"]["units"]) - units).abs() < 1e-9, "{document}");
        assert_eq!(document["total"]["cost"]["traffic"], Value::Null);
        assert_eq!(document["prices"]["traffic"], "not priced");
        let csv = bill.csv();
        let rows: Vec<&str> = csv.lines().collect();
        assert!(
            rows[0].starts_with("function,invocations,probes,") && rows[0].ends_with(",units,cost,currency")
        );
        assert!(rows[2].starts_with("\"it,em\",8,0,0,1,0,1,0.16,"), "{}", rows[2]);
        assert!(rows[3].starts_with("(all),17,") && rows[3].ends_with(",USD"), "{}", rows[3]);
        let table = bill.table(&report);
        assert!(
            table.contains("prices of 2024-08-27") && table.contains("not in the sum: traffic"),
            "{table}"
        );
        // Every line of the table is as long as the first one.
        let widths: Vec<usize> = table.lines().take(4).map(str::len).collect();
        assert_eq!(widths, [widths[0]; 4], "{table}");
    }

    #[test]
    fn a_few_calls_are_scaled_to_a_wanted_number() {
        let (report, prices) = (report(), Prices::own().unwrap());
        let bill = Bill::new(&report, &prices, Some(2_000_000));
        let document = bill.document(&report);
        assert!((number(&document["total"]["cost"]["invocationUnits"]) - 15_000.0).abs() < 1e-6);
        assert_eq!(document["total"]["invocations"], 17, "what was used stays as it was");
        let nothing = json!({ "functions": [] });
        assert!(Bill::new(&nothing, &prices, Some(5)).rows[0].2.sum() == 0.0);
    }

    #[test]
    fn fields_of_a_table_are_no_formulas() {
        assert_eq!(field("a\"b,c"), "\"a\"\"b,c\"");
        assert_eq!(field("=1+1"), "'=1+1");
    }
}
