//! How the cost of a request grows with connections and processors.

use std::time::Duration;

use crate::Outcome;
use crate::figures::Figures;
use crate::http::ordinary;
use crate::load::Load;
use crate::measure::Measure;
use crate::process::{Bench, Way};
use crate::row::{Curves, Row};
use crate::steal::Undisturbed;
use crate::subjects::Subject;
use crate::subjects::http::{
    ACTIX_BARE, ACTIX_EQUAL, AXUM_BARE, AXUM_EQUAL, OURS, RAW_HYPER, RAW_HYPER_EQUAL,
};

/// So many processors for the server, and a measure for each number of connections.
struct Machine {
    whole: bool,
    points: &'static [(u16, &'static Measure)],
    stolen: &'static Measure,
}

macro_rules! machine {
    (
        $name:ident, $row:ident, $curves:ident, $stolen:ident, $whole:literal, $id:literal, $title:literal, $about:literal,
        [$($measure:ident $connections:literal),+]
    ) => {
        $(pub(crate) static $measure: Measure = Measure::new(
            concat!("growth-", $id, "-", $connections),
            concat!("CPU µs at ", $connections),
            2,
        ).paired();)+
        static $stolen: Measure = Measure::new(concat!("growth-", $id, "-stolen"), "stolen, %", 1).alone();

        static $name: Machine =
            Machine { whole: $whole, points: &[$(($connections, &$measure)),+], stolen: &$stolen };

        pub(crate) static $row: Row = Row {
            name: concat!("growth-", $id),
            title: $title,
            about: $about,
            measures: &[$(&$measure),+, &$stolen],
            plots: &[],
            ci: false,
            take: |bench, figures| take(bench, figures, &$name),
        };

        pub(crate) static $curves: Curves = Curves {
            row: &$row,
            file: concat!("growth-", $id, ".svg"),
            along: "connections, all of them busy",
            unit: "CPU µs per request",
            points: &[$(($connections, &$measure)),+],
        };
    };
}

machine!(
    ONE, ON_ONE, CURVES_ON_ONE, STOLEN_ON_ONE, false, "1",
    "How cost grows with connections, on one processor",
    "Each connection asks for `/users/42` again as soon as it is answered. User and system time of the server's threads over \
     the answers; the load has the other processor. The ratio is the median of the rounds'.",
    [
        AT_ONE_ON_ONE 1, AT_TEN_ON_ONE 10, AT_100_ON_ONE 100, AT_200_ON_ONE 200, AT_1000_ON_ONE 1000,
        AT_10000_ON_ONE 10_000
    ]
);

machine!(
    TWO, ON_TWO, CURVES_ON_TWO, STOLEN_ON_TWO, true, "2",
    "How cost grows with connections, on two processors",
    "The same with a thread of the executor on each of the machine's processors. The load shares one of them, so that throughput \
     says nothing here: what is counted is the server's own time.",
    [
        AT_ONE_ON_TWO 1, AT_TEN_ON_TWO 10, AT_100_ON_TWO 100, AT_200_ON_TWO 200, AT_1000_ON_TWO 1000,
        AT_10000_ON_TWO 10_000
    ]
);

/// Ours, and those beside which it is looked at: with equal work, and as their documentation begins.
pub(crate) static SUBJECTS: [&Subject; 7] =
    [&OURS, &RAW_HYPER_EQUAL, &AXUM_EQUAL, &ACTIX_EQUAL, &RAW_HYPER, &AXUM_BARE, &ACTIX_BARE];

const WARMING_UP: Duration = Duration::from_millis(100);
const DURING: Duration = Duration::from_millis(250);

fn take(bench: &Bench, figures: &mut Figures, machine: &Machine) -> Outcome<()> {
    let undisturbed = Undisturbed::new(bench.processors, 15);
    for _ in 0..bench.rounds(3) {
        for subject in SUBJECTS {
            let round = undisturbed.round(|| once(bench, subject, machine));
            let round = round.map_err(|error| format!("{}: {error}", subject.name))?;
            for ((_, measure), per_request) in machine.points.iter().zip(round.value) {
                figures.push(measure, subject, per_request);
            }
            figures.push(machine.stolen, subject, round.stolen);
        }
    }
    Ok(())
}

/// Processor time of a request for each number of connections, in microseconds.
fn once(bench: &Bench, subject: &Subject, machine: &Machine) -> Outcome<Vec<f64>> {
    let mut server = bench.start_so(subject, &Way { whole_machine: machine.whole, ..Way::default() })?;
    drop(server.connect()?);
    let request = ordinary("/users/42");
    bench.processors.on_client(|| {
        let at = |connections: u16| {
            let mut load = Load::connect(server.port(), usize::from(connections), &request)?;
            load.closed(WARMING_UP)?;
            let before = server.cpu_us()?;
            let answers = load.closed(DURING)?;
            #[allow(clippy::cast_precision_loss, reason = "a count of answers")]
            let answers = answers as f64;
            Ok::<_, Box<dyn std::error::Error>>((server.cpu_us()? - before) / answers)
        };
        // On a busy machine, some close a connection before it has asked. Once more, or there is no figure.
        let tried = |connections| at(connections).or_else(|_| at(connections)).unwrap_or(f64::INFINITY);
        Ok(machine.points.iter().map(|(connections, _)| tried(*connections)).collect())
    })
}
