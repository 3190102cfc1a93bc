//! Tests of meters and prices.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::*;

const RATE: Rate = Rate { memory_mib: 512, cpu_millis: 250, disk_mib: 512 };

fn ended(millis: u64) -> Ended {
    let time = Duration::from_millis(millis);
    Ended {
        latency: time,
        took: Some(time),
        outcome: Outcome::Answered,
        is_cold: false,
        is_probe: false,
        bytes_in: 10,
        bytes_out: 1000,
    }
}

/// What calls of `seconds` in all use, one after the other.
fn used(invocations: u64, seconds: f64, rate: Rate) -> Totals {
    let nanos = Duration::from_secs_f64(seconds).as_nanos();
    let time = totals::Time {
        active_nanos: nanos,
        active_cpu: nanos * u128::from(rate.cpu_millis),
        active_memory: nanos * u128::from(rate.memory_mib),
        ..totals::Time::default()
    };
    Totals { invocations, call_nanos: nanos, time, ..Totals::default() }
}

#[track_caller]
fn is_near(one: f64, other: f64) {
    assert!((one - other).abs() <= other.abs() * 1e-9 + 1e-12, "{one} is not {other}");
}

#[test]
fn the_table_inside_computes_the_example_of_the_manual() {
    // 3 million invocations of 200 ms with 512 MB and 0.25 vCPU.
    let prices = Prices::own().unwrap();
    let used = used(3_000_000, 600_000.0, RATE);
    is_near(used.time.active_gb_seconds(), 300_000.0);
    is_near(used.time.active_vcpu_seconds(), 150_000.0);
    let cost = prices.cost(&used.billable(), 1.0);
    let expected = [22_500.0, 150_000.0, 45_000.0, 0.0];
    for (own, expected) in cost.units.into_iter().zip(expected) {
        is_near(own, expected);
    }
    is_near(cost.price, 217_500.0 * 0.00002);
    assert_eq!(cost.traffic, None, "the table has no price for traffic, and none is made up");
    assert_eq!((prices.currency.as_str(), prices.date.as_str()), ("USD", "2024-08-27"));
}

/// The catalogue of "Architecting Serverless Applications with Function Compute": two functions in one service, 17 requests in
/// all, each function's use told apart, and the cost "once your functions are executed at least a couple million times".
/// Its times and sizes are in pictures alone; those here are assumed.
#[test]
fn two_functions_of_a_catalogue_are_told_apart_and_scaled_to_millions() {
    let prices = Prices::own().unwrap();
    let (list, item) =
        (used(9, 0.9, Rate { memory_mib: 512, ..RATE }), used(8, 0.16, Rate { memory_mib: 128, ..RATE }));
    let mut service = list;
    service += item;
    assert_eq!(service.invocations, 17);
    is_near(service.time.active_gb_seconds(), 0.9 * 0.5 + 0.16 * 0.125);
    let times = 2_000_000.0 / 17.0;
    let (one, other, both) = (
        prices.cost(&list.billable(), times),
        prices.cost(&item.billable(), times),
        prices.cost(&service.billable(), times),
    );
    is_near(both.unit_sum(), one.unit_sum() + other.unit_sum());
    // 15 000 CU are the invocations', and the rest is in proportion.
    is_near(both.units[0], 15_000.0);
    is_near(both.units[2], 0.47 * times * 0.15);
    is_near(both.sum(), both.unit_sum() * 0.00002);
    assert!(one.sum() > 2.0 * other.sum(), "the list with its memory is the dearer one");
}

#[test]
fn the_first_units_of_a_month_are_the_dearest() {
    let prices = Prices::own().unwrap();
    is_near(prices.price(100e6), 2_000.0);
    is_near(prices.price(500e6), 2_000.0 + 400e6 * 0.000_017);
    is_near(prices.price(600e6), 2_000.0 + 400e6 * 0.000_017 + 100e6 * 0.000_014);
    is_near(prices.price(0.0), 0.0);
}

#[test]
fn a_table_of_ones_own_is_read_and_mistakes_are_said() {
    let own = include_str!("prices.toml");
    let with_traffic = own.replace("currency = \"USD\"", "currency = \"CNY\"\ntraffic_gb = 0.5");
    let prices = Prices::parse(&with_traffic).unwrap();
    let used = Totals { bytes_out: 3 << 30, ..Totals::default() };
    assert_eq!(prices.cost(&used.billable(), 2.0).traffic, Some(3.0));
    for (from, to, part) in [
        ("price = 0.000014", "price = -1", "from 0"),
        ("price = 0.000014", "price = nan", "from 0"),
        ("price = 0.000014", "price = 1\nup_to = 5", "no `up_to`"),
        ("up_to = 100_000_000", "up_to = 500_000_000", "go up"),
        ("invocation = 0.0075", "invocations = 1", "invocations"),
        ("source =", "#", "source"),
    ] {
        let error = Prices::parse(&own.replacen(from, to, 1)).unwrap_err();
        assert!(error.contains(part), "{to}: {error}");
    }
}

#[test]
fn calls_that_overlap_on_an_instance_count_once() {
    let meters = Meters::default();
    let meter = meters.of("shop");
    let fleet = Fleet::new(&meter, RATE, 0);
    let (one, other) = (fleet.join(), fleet.join());
    let begin = Instant::now();
    one.begin(Instant::now());
    one.begin(Instant::now());
    one.begin(Instant::now());
    std::thread::park_timeout(Duration::from_millis(30));
    one.end(Instant::now());
    one.end(Instant::now());
    one.end(Instant::now());
    let took = begin.elapsed();
    let (totals, instances) = meter.totals(Instant::now());
    let active = Duration::from_secs_f64(totals.time.active_seconds());
    assert!(
        active >= Duration::from_millis(29) && active <= took + Duration::from_millis(1),
        "{active:?} {took:?}"
    );
    // Whole milliseconds are billed.
    assert_eq!(totals.time.active_nanos % 1_000_000, 0);
    assert_eq!((totals.time.idle_nanos, instances), (0, 2));
    // Calls on two instances count for each.
    one.begin(Instant::now());
    other.begin(Instant::now());
    std::thread::park_timeout(Duration::from_millis(20));
    let running = meter.totals(Instant::now()).0.time.active_nanos - totals.time.active_nanos;
    assert!(running >= 2 * 19_000_000, "calls under way count too: {running}");
    // An instance that ends under its call counts no longer, and what it took stays.
    drop((one, other));
    drop(fleet);
    let after = meter.totals(Instant::now());
    std::thread::park_timeout(Duration::from_millis(5));
    assert_eq!(after, meter.totals(Instant::now()));
    assert_eq!(after.1, 0);
    assert!(after.0.time.active_nanos - totals.time.active_nanos >= running);
}

#[test]
fn kept_instances_are_idle_between_calls_and_others_cost_nothing() {
    let meters = Meters::default();
    let meter = meters.of("shop");
    let fleet = Fleet::new(&meter, RATE, 2);
    let nobody = meter.totals(Instant::now()).0;
    assert_eq!(nobody.time.idle_nanos, 0, "an instance that is not there is not billed");
    let present: Vec<Presence> = (0..3).map(|_| fleet.join()).collect();
    let begin = Instant::now();
    std::thread::park_timeout(Duration::from_millis(20));
    // Two of three are kept.
    let idle = meter.totals(Instant::now()).0.time;
    let most = begin.elapsed().as_nanos() * 2 + 2_000_000;
    assert!(idle.idle_nanos >= 2 * 19_000_000 && idle.idle_nanos <= most, "{idle:?}");
    is_near(idle.idle_gb_seconds(), idle.idle_seconds() / 2.0);
    assert_eq!(idle.active_nanos, 0);
    // Calls on all of them leave none idle.
    for one in &present {
        one.begin(Instant::now());
    }
    let before = meter.totals(Instant::now()).0.time.idle_nanos;
    std::thread::park_timeout(Duration::from_millis(5));
    assert_eq!(meter.totals(Instant::now()).0.time.idle_nanos, before);
    for one in &present {
        one.end(Instant::now());
    }
    fleet.set_kept(0);
    let before = meter.totals(Instant::now()).0.time.idle_nanos;
    std::thread::park_timeout(Duration::from_millis(5));
    assert_eq!(meter.totals(Instant::now()).0.time.idle_nanos, before);
    fleet.add_active(Duration::from_millis(7));
    assert!(present[0].fleet().time(Instant::now()).0.active_nanos >= 7_000_000);
}

#[test]
fn calls_are_counted_by_what_became_of_them() {
    let meter = Meter::default();
    meter.note(&ended(10));
    meter.note(&Ended { outcome: Outcome::Failed, is_cold: true, ..ended(20) });
    meter.note(&Ended { outcome: Outcome::ClientLeft, ..ended(30) });
    meter.note(&Ended { took: None, outcome: Outcome::Failed, ..ended(40) });
    meter.note(&Ended { is_probe: true, ..ended(1) });
    let totals = meter.totals(Instant::now()).0;
    let counts = [
        totals.invocations,
        totals.errors,
        totals.client_left,
        totals.refused,
        totals.probes,
        totals.cold_starts,
    ];
    assert_eq!(counts, [4, 2, 1, 1, 1, 1]);
    assert_eq!((totals.bytes_in, totals.bytes_out), (50, 5000));
    is_near(totals.call_seconds(), 0.061);
}

#[test]
fn the_course_has_intervals_and_no_more_than_a_quarter_of_an_hour() {
    let meters = Meters::default();
    let meter = meters.of("shop");
    let begin = Instant::now();
    for tick in 0..400_u32 {
        if tick % 2 == 0 {
            for millis in 1..=100 {
                meter.note(&ended(millis));
            }
        }
        meters.tick(begin + TICK * tick);
    }
    let points = meters.course("shop");
    assert!((85..=90).contains(&points.len()), "every second one has calls: {}", points.len());
    let point = points.last().unwrap();
    assert_eq!((point.used.invocations, point.took), (100, TICK));
    let millis = |time: Option<Duration>| time.unwrap().as_secs_f64() * 1e3;
    assert!((millis(point.p50) - 50.0).abs() <= 1.0 && (millis(point.p99) - 99.0).abs() <= 1.5, "{point:?}");
    assert!(meters.course("other").is_empty());
    // Another function is in the course of all.
    meters.of("other").note(&ended(500));
    meters.tick(begin + TICK * 400);
    let last = *meters.course_of_all().last().unwrap();
    assert_eq!((last.used.invocations, meters.course("shop").last().unwrap().used.invocations), (1, 100));
    assert!((millis(last.p50) - 500.0).abs() < 5.0, "{last:?}");
    assert!(meters.usage(None).p50.is_some());
    let all = meter.totals(begin + TICK * 400).0;
    assert_eq!(all.invocations, 20_000);
}

#[test]
fn functions_beyond_the_bound_share_a_meter() {
    let meters = Meters::default();
    for number in 0..5_000 {
        meters.of(&format!("f{number}")).note(&ended(1));
    }
    let report = meters.usage(None);
    assert!(report.functions.len() <= 201, "{}", report.functions.len());
    assert_eq!(report.functions.iter().map(|function| function.used.invocations).sum::<u64>(), 5_000);
    assert!(Arc::ptr_eq(&meters.of("f1"), &meters.of("f1")));
}
