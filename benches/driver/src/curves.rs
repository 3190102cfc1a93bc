//! The plots of what grows: a line per server over a logarithmic axis.

use std::path::Path;

use plotters::chart::{ChartBuilder, LabelAreaPosition};
use plotters::prelude::{
    BLACK, Circle, Color, IntoDrawingArea, IntoFont, IntoLogRange, PathElement, RGBColor, SVGBackend,
    SeriesLabelPosition, WHITE,
};
use plotters::style::ShapeStyle;

use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::row::{Curves, Row};
use crate::rows::growth;
use crate::subjects::{self, Kind, Subject};

static ALL: [&Curves; 2] = [&growth::CURVES_ON_ONE, &growth::CURVES_ON_TWO];

/// The pictures of a row.
pub(crate) fn of(row: &Row) -> impl Iterator<Item = &'static Curves> {
    ALL.iter().copied().filter(move |curves| curves.row.name == row.name)
}

type Line = (&'static Subject, Vec<(f64, f64)>);

pub(crate) fn draw(curves: &Curves, figures: &Figures, folder: &Path) -> Outcome<()> {
    let line = |subject| {
        let point = |(at, measure): &(u16, &Measure)| {
            let median = figures.spread(measure, subject)?.median;
            median.is_finite().then_some((f64::from(*at), median))
        };
        (subject, curves.points.iter().filter_map(point).collect())
    };
    let lines: Vec<Line> = subjects::all().map(line).filter(|line: &Line| line.1.len() > 1).collect();
    let all = || lines.iter().flat_map(|(_, points)| points.iter().copied());
    let (Some(first), Some(last)) =
        (all().map(|it| it.0).reduce(f64::min), all().map(|it| it.0).reduce(f64::max))
    else {
        return Ok(());
    };
    let most = all().map(|it| it.1).fold(0.0, f64::max) * 1.1;
    let path = folder.join(curves.file);
    let area = SVGBackend::new(&path, (900, 460)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .margin(12)
        .margin_right(36)
        .caption(curves.row.title, ("sans-serif", 19).into_font())
        .set_label_area_size(LabelAreaPosition::Left, 56)
        .set_label_area_size(LabelAreaPosition::Bottom, 44)
        .build_cartesian_2d((first..last).log_scale(), 0.0..most)?;
    let whole = |value: &f64| format!("{value:.0}");
    let mut mesh = chart.configure_mesh();
    mesh.x_label_formatter(&whole).y_label_formatter(&whole).light_line_style(WHITE);
    mesh.x_desc(curves.along).y_desc(curves.unit).draw()?;
    for (subject, points) in &lines {
        let colour = colour(subject);
        // Those with equal work are whole lines, the others thin ones.
        let width = if subject.kind == Kind::Bare { 1 } else { 3 };
        let style = ShapeStyle::from(colour).stroke_width(width);
        chart
            .draw_series([PathElement::new(points.clone(), style)])?
            .label(subject.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], style));
        chart.draw_series(points.iter().map(|point| Circle::new(*point, width + 1, colour.filled())))?;
    }
    chart
        .configure_series_labels()
        .position(SeriesLabelPosition::UpperRight)
        .background_style(WHITE.mix(0.9))
        .border_style(BLACK.mix(0.3))
        .draw()?;
    Ok(area.present()?)
}

/// One colour for a server with and without equal work.
fn colour(subject: &Subject) -> RGBColor {
    match subject.name.split(',').next().unwrap_or_default() {
        "ours" => RGBColor(0xe3, 0x6c, 0x0a),
        "hyper" => RGBColor(0x50, 0x50, 0x50),
        "axum" => RGBColor(0x2f, 0x6f, 0xb0),
        "actix-web" => RGBColor(0x8a, 0x3f, 0x9e),
        _ => RGBColor(0x8a, 0xb1, 0x7d),
    }
}
