//! Charts as SVG, made on this side. Each has its numbers as a table too, for those who do not see it.

use std::fmt::Write;
use std::time::Duration;

use maud::{Markup, html};

use super::text::span;

/// The size of a chart, in its own units.
const WIDTH: f64 = 360.0;
const HEIGHT: f64 = 96.0;
const BOTTOM: f64 = 14.0;
const LEFT: f64 = 46.0;

/// The most points of a line.
const POINTS_MAX: usize = 200;

/// The rows of a chart's table.
const ROWS: usize = 15;

/// One line of a chart.
#[derive(Debug)]
pub(super) struct Line<'a> {
    pub(super) name: &'a str,
    /// Its colour in the sheet: `one` to `four`.
    pub(super) class: &'a str,
    /// By time, in seconds before now, the oldest first. `None` is a gap.
    pub(super) points: Vec<(f64, Option<f64>)>,
}

/// A chart of what happened in the last minutes. `text` writes a value.
pub(super) fn lines(title: &str, seconds: f64, lines: &[Line<'_>], text: fn(f64) -> String) -> Markup {
    let values = lines.iter().flat_map(|line| &line.points).filter_map(|(_, value)| *value);
    let most = values.fold(0.0_f64, f64::max);
    let top = if most > 0.0 { round_up(most) } else { 1.0 };
    let latest = |line: &Line<'_>| line.points.iter().rev().find_map(|(_, value)| *value);
    let minutes = format!("{:.0} min ago", seconds / 60.0);
    html! {
        figure {
            figcaption {
                strong { (title) }
                @for line in lines {
                    span.key {
                        svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(line.class) x="1" y="1" width="8" height="8" rx="2" {} }
                        (line.name) " " (latest(line).map_or_else(|| "\u{2013}".to_owned(), text))
                    }
                }
            }
            svg viewBox={ "0 0 " (WIDTH) " " (HEIGHT) } role="img" aria-label={ (title) ", the last " (format!("{:.0}", seconds / 60.0)) " minutes; the highest value is " (text(most)) } {
                line.axis x1=(LEFT) x2=(WIDTH) y1="6" y2="6" {}
                line.axis x1=(LEFT) x2=(WIDTH) y1=(HEIGHT - BOTTOM) y2=(HEIGHT - BOTTOM) {}
                text.tick x=(LEFT - 4.0) y="10" text-anchor="end" { (text(top)) }
                text.tick x=(LEFT - 4.0) y=(HEIGHT - BOTTOM) text-anchor="end" { "0" }
                text.tick x=(LEFT) y=(HEIGHT - 2.0) { (minutes) }
                text.tick x=(WIDTH) y=(HEIGHT - 2.0) text-anchor="end" { "now" }
                @for line in lines {
                    @for part in parts(line, seconds, top) { polyline class=(line.class) points=(part) {} }
                }
            }
            (table(title, lines, text))
        }
    }
}

/// The points of a line, in a text for each part without a gap.
fn parts(line: &Line<'_>, seconds: f64, top: f64) -> Vec<String> {
    let height = HEIGHT - BOTTOM - 6.0;
    let (mut parts, mut part) = (Vec::new(), String::new());
    for (ago, value) in line.points.iter().rev().take(POINTS_MAX).rev() {
        match value {
            Some(value) if *ago <= seconds => {
                let x = LEFT + (WIDTH - LEFT) * (1.0 - ago / seconds);
                let y = HEIGHT - BOTTOM - height * (value / top).clamp(0.0, 1.0);
                // Writing into a string cannot fail.
                _ = write!(part, "{x:.1},{y:.1} ");
            }
            _ if part.is_empty() => {}
            _ => parts.push(std::mem::take(&mut part)),
        }
    }
    if !part.is_empty() {
        parts.push(part);
    }
    // One point alone is a dot: a line without a length, with round ends.
    for part in parts.iter_mut().filter(|part| part.matches(',').count() == 1) {
        *part = part.repeat(2);
    }
    parts
}

/// The latest numbers of a chart.
fn table(title: &str, lines: &[Line<'_>], text: fn(f64) -> String) -> Markup {
    let rows = lines.first().map_or(0, |line| line.points.len()).min(ROWS);
    html! {
        details {
            summary { "Numbers of " (title.to_lowercase()) }
            table {
                thead { tr { th scope="col" { "Seconds ago" } @for line in lines { th.number scope="col" { (line.name) } } } }
                tbody {
                    @for row in 0..rows {
                        tr {
                            @let at = |line: &Line<'_>| line.points.iter().rev().nth(row).copied();
                            th scope="row" { (format!("{:.0}", lines.first().and_then(at).map_or(0.0, |(ago, _)| ago))) }
                            @for line in lines { td.number { (at(line).and_then(|(_, value)| value).map_or_else(|| "\u{2013}".to_owned(), text)) } }
                        }
                    }
                }
            }
        }
    }
}

/// The next number that reads well: 1, 2 or 5 with zeros.
fn round_up(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor());
    [1.0, 2.0, 5.0, 10.0].into_iter().map(|step| step * unit).find(|top| *top >= value).unwrap_or(value)
}

/// The colours of a bar's parts, in their order.
pub(super) const COLOURS: [&str; 5] = ["three", "two", "four", "one", "five"];

/// One bar whose parts are spans one behind the other.
pub(super) fn bar(spans: &[(&'static str, Duration)]) -> Markup {
    let total: f64 = spans.iter().map(|(_, took)| took.as_secs_f64()).sum::<f64>().max(f64::MIN_POSITIVE);
    let mut begin = 0.0;
    let parts: Vec<(f64, f64, &str)> = spans
        .iter()
        .zip(COLOURS)
        .map(|((_, took), class)| {
            let width = took.as_secs_f64() / total * WIDTH;
            begin += width;
            (begin - width, width, class)
        })
        .collect();
    let told: Vec<String> =
        spans.iter().map(|(name, took)| format!("{} {}", name.replace('_', " "), span(*took))).collect();
    html! {
        svg.phases viewBox={ "0 0 " (WIDTH) " 14" } role="img" aria-label=(told.join(", ")) {
            @for (x, width, class) in parts {
                rect class=(class) x=(format!("{x:.2}")) y="1" width=(format!("{:.2}", width.max(0.4))) height="12" {}
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_its_points_and_a_table() {
        let line = Line {
            name: "a<b",
            class: "one",
            points: vec![(60.0, Some(0.0)), (30.0, None), (20.0, Some(3.0)), (0.0, Some(4.0))],
        };
        let svg = lines("Requests", 60.0, &[line], |value| format!("{value}/s")).into_string();
        for part in [
            "a&lt;b 4/s",
            "46.0,82.0 46.0,82.0 ",
            "255.3,36.4 360.0,21.2 ",
            "the highest value is 4/s",
            "Numbers of requests",
            ">5/s<",
        ] {
            assert!(svg.contains(part), "{part}: {svg}");
        }
        assert_eq!(svg.matches("<polyline").count(), 2);
        assert!(!svg.contains("style="), "the policy lets no style attribute pass");
    }

    #[test]
    fn an_empty_chart_is_one_all_the_same() {
        let line = Line { name: "a", class: "one", points: Vec::new() };
        let svg = lines("None", 300.0, &[line], |value| value.to_string()).into_string();
        assert!(svg.contains("5 min ago") && !svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        assert!(!bar(&[("body", Duration::ZERO)]).into_string().contains("NaN"));
    }

    #[test]
    fn tops_read_well() {
        for (value, top) in [(0.3, 0.5), (1.0, 1.0), (7.0, 10.0), (12.0, 20.0), (450.0, 500.0)] {
            assert!((round_up(value) - top).abs() < 1e-9, "{value}");
        }
    }
}
