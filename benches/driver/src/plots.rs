//! The plots, drawn from the data: one picture per measure, a bar per server, the best on top.

use std::fs;
use std::path::Path;

use plotters::coord::Shift;
use plotters::prelude::{
    BLACK, Color, DrawingArea, IntoDrawingArea, IntoFont, PathElement, RGBColor, Rectangle, SVGBackend,
    ShapeStyle, Text, WHITE,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{FontStyle, TextStyle};

use crate::Outcome;
use crate::curves;
use crate::figures::{Figures, Spread};
use crate::measure::{Better, Measure};
use crate::results::Results;
use crate::row::Row;
use crate::rows;
use crate::subjects::{self, Kind, Subject};

const WIDTH: u32 = 900;
const TOP: i32 = 56;
const BAR: i32 = 20;
const GAP: i32 = 8;
const LABELS: i32 = 190;
const VALUES: i32 = 190;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

pub(crate) fn draw(results: &Results, folder: &Path) -> Outcome<()> {
    fs::create_dir_all(folder)?;
    for row in rows::ALL {
        let Some(taken) = results.of(row) else {
            continue;
        };
        for measure in row.plots {
            let bars = bars(measure, &taken.figures);
            if !bars.is_empty() {
                picture(row, measure, &bars, &folder.join(file(measure)))?;
            }
        }
        for curves in curves::of(row) {
            curves::draw(curves, &taken.figures, folder)?;
        }
    }
    Ok(())
}

pub(crate) fn file(measure: &Measure) -> String {
    format!("{}.svg", measure.id)
}

type Bar = (&'static Subject, Spread);

fn bars(measure: &Measure, figures: &Figures) -> Vec<Bar> {
    let mut bars: Vec<Bar> =
        subjects::all().filter_map(|subject| Some((subject, figures.spread(measure, subject)?))).collect();
    bars.sort_by(|a, b| a.1.median.total_cmp(&b.1.median));
    if measure.better == Better::More {
        bars.reverse();
    }
    bars
}

fn picture(row: &Row, measure: &Measure, bars: &[Bar], path: &Path) -> Outcome<()> {
    let count = i32::try_from(bars.len())?;
    let height = TOP + count * (BAR + GAP) + GAP;
    let area = SVGBackend::new(path, (WIDTH, u32::try_from(height)?)).into_drawing_area();
    area.fill(&WHITE)?;
    let title = format!("{}: {}", row.title, measure.name);
    write(&area, &title, (GAP, GAP + 10), 19, FontStyle::Bold, HPos::Left)?;
    let better = if measure.better == Better::Less { "less is better" } else { "more is better" };
    write(&area, better, (GAP, GAP + 32), 13, FontStyle::Normal, HPos::Left)?;
    let longest = bars.iter().map(|(_, spread)| spread.most).fold(f64::MIN_POSITIVE, f64::max);
    for (at, (subject, spread)) in (0..).zip(bars) {
        bar(&area, TOP + at * (BAR + GAP), measure, subject, spread, longest)?;
    }
    Ok(area.present()?)
}

fn bar(
    area: &Area<'_>,
    top: i32,
    measure: &Measure,
    subject: &Subject,
    spread: &Spread,
    longest: f64,
) -> Outcome<()> {
    let room = i32::try_from(WIDTH)? - LABELS - VALUES;
    #[allow(clippy::cast_possible_truncation, reason = "pixels of a picture")]
    let x = |value: f64| LABELS + (value / longest * f64::from(room)).round() as i32;
    let middle = top + BAR / 2;
    let style = if subject.kind == Kind::Ours { FontStyle::Bold } else { FontStyle::Normal };
    write(area, subject.name, (LABELS - GAP, middle), 14, style, HPos::Right)?;
    let filled: ShapeStyle = colour(subject.kind).filled();
    area.draw(&Rectangle::new([(LABELS, top), (x(spread.median).max(LABELS + 1), top + BAR)], filled))?;
    if !spread.is_exact() {
        let (least, most) = (x(spread.least), x(spread.most));
        area.draw(&PathElement::new([(least, middle), (most, middle)], BLACK.stroke_width(1)))?;
        for end in [least, most] {
            area.draw(&PathElement::new([(end, middle - 4), (end, middle + 4)], BLACK.stroke_width(1)))?;
        }
    }
    let after = x(spread.most.max(spread.median)) + GAP;
    write(area, &measure.text(spread.median), (after, middle), 14, style, HPos::Left)
}

fn colour(kind: Kind) -> RGBColor {
    match kind {
        Kind::Ours => RGBColor(0xe3, 0x6c, 0x0a),
        Kind::Equal => RGBColor(0x2f, 0x6f, 0xb0),
        Kind::Bare => RGBColor(0x9d, 0xc3, 0xe6),
        Kind::Floor => RGBColor(0xb5, 0xb5, 0xb5),
        Kind::Other => RGBColor(0x8a, 0xb1, 0x7d),
    }
}

fn write(
    area: &Area<'_>,
    text: &str,
    at: (i32, i32),
    size: u32,
    weight: FontStyle,
    anchor: HPos,
) -> Outcome<()> {
    let font = ("sans-serif", size).into_font().style(weight);
    let style = TextStyle::from(font).pos(Pos::new(anchor, VPos::Center));
    Ok(area.draw(&Text::new(text.to_owned(), at, style))?)
}
