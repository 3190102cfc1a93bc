//! A picture of the figures: latency and instances over the rate, or over time where there was one rate. SVG, by hand: two
//! panels of lines are less than a library of charts brings.

use std::fmt::Write;
use std::time::Duration;

use super::advice::number;
use super::steps::Step;

const WIDTH: f64 = 720.0;
const LEFT: f64 = 64.0;
const RIGHT: f64 = 120.0;
/// The begin and the height of the two panels.
const PANELS: [(f64, f64); 2] = [(56.0, 220.0), (332.0, 120.0)];
const HEIGHT: f64 = 500.0;

/// In the light and in the dark, as the reader's system says.
const STYLE: &str = "\
:root{color-scheme:light dark}\
svg{background:#fff;font:13px system-ui,sans-serif}\
text{fill:#333}.title{font-size:15px;font-weight:600}.grid{stroke:#ddd}.end{text-anchor:end}.mid{text-anchor:middle}\
polyline{fill:none;stroke-width:2}circle{stroke:none}\
.a{stroke:#0b6bcb}.b{stroke:#b26a00}.c{stroke:#c4314b}.d{stroke:#2e7d32}\
.af{fill:#0b6bcb}.bf{fill:#b26a00}.cf{fill:#c4314b}.df{fill:#2e7d32}\
@media(prefers-color-scheme:dark){svg{background:#16181c}text{fill:#ddd}.grid{stroke:#3a3f47}\
.a{stroke:#6cb2ff}.b{stroke:#f0b35a}.c{stroke:#ff8095}.d{stroke:#7fd08a}\
.af{fill:#6cb2ff}.bf{fill:#f0b35a}.cf{fill:#ff8095}.df{fill:#7fd08a}}";

/// One line of a panel.
struct Line {
    name: &'static str,
    /// The class of its colour.
    class: &'static str,
    points: Vec<(f64, f64)>,
}

/// The picture of the steps, in the order of their rates.
pub(crate) fn plot(title: &str, steps: &[Step]) -> String {
    let (over, latencies, instances) = match steps {
        [one] => ("seconds", over_time(one), instances_over_time(one)),
        _ => ("requests per second", over_rate(steps), instances_over_rate(steps)),
    };
    let all = || latencies.iter().chain(&instances).flat_map(|line| line.points.iter().map(|point| point.0));
    let end = all().fold(0.0_f64, f64::max);
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" width=\"{WIDTH}\" height=\"{HEIGHT}\" \
         role=\"img\"><title>{title}</title><style>{STYLE}</style><text class=\"title\" x=\"{LEFT}\" y=\"26\">{title}</text>",
        title = escape(title)
    );
    for ((lines, name), (top, height)) in
        [(latencies, "latency, ms"), (instances, "instances and calls")].into_iter().zip(PANELS)
    {
        panel(&mut svg, &lines, name, (top, height), end);
    }
    let bottom = PANELS[1].0 + PANELS[1].1;
    // Writing into a string cannot fail.
    _ = writeln!(
        svg,
        "<text class=\"mid\" x=\"{}\" y=\"{}\">{over}</text></svg>",
        LEFT + (WIDTH - LEFT - RIGHT) / 2.0,
        bottom + 40.0
    );
    svg
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

/// The percentiles that are drawn: name, number, class.
const PERCENTILES: [(&str, f64, &str); 3] = [("p50", 50.0, "a"), ("p90", 90.0, "b"), ("p99", 99.0, "c")];

/// The steps in the order of their rates. Of a rate that was measured again the last one counts.
fn by_rate(steps: &[Step]) -> Vec<&Step> {
    let mut sorted: Vec<&Step> = steps.iter().rev().collect();
    sorted.sort_by(|one, other| one.rate.total_cmp(&other.rate));
    sorted.dedup_by(|later, first| later.rate.total_cmp(&first.rate).is_eq());
    sorted
}

fn over_rate(steps: &[Step]) -> Vec<Line> {
    let steps = by_rate(steps);
    let line = |(name, percentile, class)| Line {
        name,
        class,
        points: steps.iter().map(|step| (step.rate, ms(step.tally.percentile(percentile)))).collect(),
    };
    PERCENTILES.into_iter().map(line).collect()
}

fn instances_over_rate(steps: &[Step]) -> Vec<Line> {
    let mut steps = by_rate(steps);
    steps.retain(|step| step.course.latest.is_some());
    let line = |name, class, of: fn(&Step) -> u64| Line {
        name,
        class,
        points: steps.iter().map(|step| (step.rate, exact(of(step)))).collect(),
    };
    vec![
        line("instances", "d", |step| step.course.instances()),
        line("calls each", "b", |step| step.course.calls_max()),
    ]
}

fn over_time(step: &Step) -> Vec<Line> {
    let window = step.tally.window().as_secs_f64();
    let windows = || (1_u32..).zip(&step.tally.windows);
    let line = |(name, percentile, class)| Line {
        name,
        class,
        points: windows()
            .filter(|(_, own)| own.requests > 0)
            .map(|(number, own)| (f64::from(number) * window, ms(own.percentile(percentile))))
            .collect(),
    };
    PERCENTILES.into_iter().map(line).collect()
}

fn instances_over_time(step: &Step) -> Vec<Line> {
    let line = |name, class, of: fn(&super::usage::Point) -> u64| Line {
        name,
        class,
        points: step
            .course
            .points
            .iter()
            .map(|point| (point.elapsed.as_secs_f64(), exact(of(point))))
            .collect(),
    };
    vec![
        line("instances", "d", |point| point.instances),
        line("calls each", "b", |point| point.calls_max),
        line("429", "c", |point| point.refused),
    ]
}

#[expect(clippy::cast_precision_loss, reason = "numbers of instances and calls are small")]
fn exact(count: u64) -> f64 {
    count as f64
}

/// Axes with round numbers, and the lines. The axis along the bottom ends with `end`.
fn panel(svg: &mut String, lines: &[Line], name: &str, (top, height): (f64, f64), end: f64) {
    let most = lines.iter().flat_map(|line| line.points.iter().map(|point| point.1)).fold(0.0_f64, f64::max);
    let (step_x, end_x) = scale(end, 6.0);
    let (step_y, end_y) = scale(most, 4.0);
    let bottom = top + height;
    let x = |value: f64| LEFT + value / end_x * (WIDTH - LEFT - RIGHT);
    let y = |value: f64| bottom - value / end_y * height;
    // Writing into a string cannot fail.
    _ = write!(svg, "<text x=\"{LEFT}\" y=\"{}\">{name}</text>", top - 10.0);
    for value in ticks(step_y, end_y) {
        let at = y(value);
        _ = write!(
            svg,
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>\
             <text class=\"end\" x=\"{}\" y=\"{:.1}\">{}</text>",
            WIDTH - RIGHT,
            LEFT - 8.0,
            at + 4.0,
            tick(value)
        );
    }
    for value in ticks(step_x, end_x) {
        let (at, below) = (x(value), bottom + 18.0);
        _ = write!(svg, "<text class=\"mid\" x=\"{at:.1}\" y=\"{below}\">{}</text>", tick(value));
    }
    let mut labels: Vec<(f64, &Line)> = Vec::new();
    for line in lines {
        let Some(last) = line.points.last() else { continue };
        let points: Vec<String> =
            line.points.iter().map(|(at, value)| format!("{:.1},{:.1}", x(*at), y(*value))).collect();
        _ = write!(svg, "<polyline class=\"{}\" points=\"{}\"/>", line.class, points.join(" "));
        for point in points.iter().filter_map(|point| point.split_once(',')).take(200) {
            _ = write!(
                svg,
                "<circle class=\"{}f\" cx=\"{}\" cy=\"{}\" r=\"2.5\"/>",
                line.class, point.0, point.1
            );
        }
        labels.push((y(last.1), line));
    }
    // The names stand at the ends of their lines, apart from each other.
    labels.sort_by(|one, other| one.0.total_cmp(&other.0));
    let mut free = f64::MIN;
    for (at, line) in labels {
        let at = (at + 4.0).max(free);
        free = at + 15.0;
        _ = write!(
            svg,
            "<text class=\"{}f\" x=\"{}\" y=\"{at:.1}\">{}</text>",
            line.class,
            WIDTH - RIGHT + 10.0,
            line.name
        );
    }
}

/// The distance of about `count` round numbers up to `most`, and the last of them.
fn scale(most: f64, count: f64) -> (f64, f64) {
    let most = if most > 0.0 && most.is_finite() { most } else { 1.0 };
    let rough = most / count;
    let unit = 10_f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].into_iter().map(|digit| digit * unit).find(|step| *step >= rough);
    let step = step.unwrap_or(10.0 * unit);
    (step, (most / step - 1e-9).ceil() * step)
}

fn ticks(step: f64, end: f64) -> impl Iterator<Item = f64> {
    (0_u32..=20)
        .map(move |number| f64::from(number) * step)
        .take_while(move |value| *value <= end * 1.000_001)
}

fn tick(value: f64) -> String {
    if value > 0.0 && value < 1.0 { format!("{value:.2}") } else { number(value) }
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::tally::{Tally, Times};
    use crate::load::usage::{Course, Usage};
    use serde_json::json;

    fn step(rate: f64, latency_ms: u64, instances: usize) -> Step {
        let time = Duration::from_secs(3);
        let mut tally = Tally::new(time, None);
        for number in 0..30 {
            let due = Duration::from_millis(100 * number);
            tally.record(
                Times { due, sent: due, over: due + Duration::from_millis(latency_ms) },
                Ok((200, 1)),
            );
        }
        let instance =
            |number| json!({ "instanceId": format!("c-{number}"), "calls": 1, "memoryBytes": 1, "cpuMs": 0 });
        let instances: Vec<_> = (0..instances).map(instance).collect();
        let document = json!({
            "function": "f", "instanceConcurrency": 1, "memorySize": 512,
            "versions": [{ "maxInstances": 10, "starts": 0, "refused": 0, "instances": instances }],
        });
        let mut course = Course::default();
        course.note(Duration::from_secs(1), &Usage::parse(&document).unwrap());
        Step { rate, time, tally, course, is_stopped: false, errors: std::collections::BTreeMap::new() }
    }

    #[test]
    fn rates_are_drawn_in_their_order_with_latency_and_instances() {
        let svg = plot(
            "GET <a&b>",
            &[step(200.0, 90, 1), step(200.0, 40, 2), step(100.0, 20, 1), step(400.0, 200, 4)],
        );
        assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
        assert!(svg.contains("<title>GET &lt;a&amp;b&gt;</title>") && !svg.contains("<a&b>"));
        assert!(svg.contains("requests per second") && svg.contains("prefers-color-scheme:dark"));
        // Three percentiles; instances and calls of each.
        assert_eq!(svg.matches("<polyline").count(), 5);
        for name in [">p50<", ">p90<", ">p99<", ">instances<", ">calls each<", ">400<"] {
            assert!(svg.contains(name), "{name}");
        }
        let line = svg.split("<polyline class=\"a\" points=\"").nth(1).unwrap().split('"').next().unwrap();
        let at: Vec<f64> =
            line.split(' ').map(|point| point.split(',').next().unwrap().parse().unwrap()).collect();
        assert!(at.len() == 3 && at.is_sorted(), "{line}");
    }

    #[test]
    fn one_rate_is_drawn_over_time() {
        let svg = plot("one", &[step(10.0, 20, 1)]);
        assert!(svg.contains(">seconds<") && svg.contains(">429<"), "{svg}");
        let line = svg.split("<polyline class=\"c\" points=\"").nth(1).unwrap().split('"').next().unwrap();
        assert_eq!(line.split(' ').count(), 3);
        // Nothing at all is a picture too.
        assert!(plot("none", &[]).ends_with("</svg>\n"));
    }

    #[test]
    fn axes_have_round_numbers() {
        for (most, step, end) in
            [(1.0, 0.5, 1.0), (37.0, 10.0, 40.0), (950.0, 500.0, 1000.0), (0.0, 0.5, 1.0)]
        {
            let found = scale(most, 4.0);
            assert!((found.0 - step).abs() < 1e-9 && (found.1 - end).abs() < 1e-9, "{most}: {found:?}");
        }
        assert_eq!(ticks(10.0, 40.0).collect::<Vec<_>>(), [0.0, 10.0, 20.0, 30.0, 40.0]);
    }
}
