//! Pictures as SVG: a surrogate with its primitive, a membrane over time, curves and histograms of training.
//!
//! The same input gives the same bytes, on every machine: the curves are computed with `libm`, and points lie on
//! a grid. A file of them is written like any other: `std::fs::write(file, surrogate_svg(&surrogate)?)`.
//!
//! ```
//! use lif_host::plot::{Trace, membrane_svg, surrogate_svg};
//! use lif_nostd::neuron::Lif;
//!
//! let svg = surrogate_svg(&Default::default())?;
//! assert!(svg.contains("atan, alpha = 2"));
//!
//! let lif = Lif::<f32>::new(2.0, 1.0, Some(0.0), true);
//! let mut trace = Trace::new("one neuron", 1.0);
//! let mut v = 0.0;
//! for _ in 0..20 {
//!     let (h, spike) = lif.charge_and_fire(v, 1.2);
//!     v = lif.reset(h, spike);
//!     trace.push(h.into(), v.into(), spike);
//! }
//! assert!(membrane_svg(&trace)?.starts_with("<svg"));
//! # Ok::<(), lif_host::plot::Error>(())
//! ```

mod training;

use std::borrow::Cow;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::coord::types::RangedCoordf64;
use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, Pos, VPos};

use crate::surrogate::{ParamError, Surrogate};
pub use training::{Line, curves_svg, histogram_svg};

/// Width and height of a picture, in pixels.
pub const SIZE: (u32, u32) = (800, 440);
/// The largest magnitude of a value that is drawn.
pub const LIMIT: f64 = 1e9;

/// Half the width of what is drawn of a surrogate, around the threshold.
const REACH: f64 = 3.0;
/// Points of a curve on either side of the threshold.
const POINTS: i32 = 300;
/// The least height of what is drawn, so that a constant has an axis.
const LEAST_SPAN: f64 = 1e-3;
/// Units of the drawing, which are whole numbers, in a pixel: curves stay smooth.
const FINE: u32 = 3;
/// Height of the title and the legend, in units.
const HEAD: u32 = 208;
/// Where the axes start, in units from the left.
const LEFT: u32 = 224;

const INK: RGBColor = RGBColor(51, 51, 51);
const AXIS: RGBColor = RGBColor(150, 150, 150);
const GRID: RGBColor = RGBColor(229, 229, 229);
const BLUE: RGBColor = RGBColor(31, 84, 138);
const ORANGE: RGBColor = RGBColor(201, 112, 32);
const RED: RGBColor = RGBColor(168, 50, 50);

/// Why there is no picture.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The surrogate's parameters mean nothing.
    #[error("{name}: {problem}")]
    Surrogate {
        /// Name of the surrogate.
        name: &'static str,
        /// What is wrong with them.
        problem: ParamError,
    },
    /// A value is too large for an axis.
    #[error("{value:e} is too large to be drawn: the limit is {LIMIT:e}")]
    TooLarge {
        /// The value.
        value: f64,
    },
    /// The trace has no steps, or no finite number.
    #[error("the trace is empty: there is nothing to draw")]
    Empty,
    /// The drawing library failed.
    #[error("drawing failed: {0}")]
    Drawing(String),
}

impl<E: std::error::Error + Send + Sync> From<DrawingAreaErrorKind<E>> for Error {
    fn from(e: DrawingAreaErrorKind<E>) -> Self {
        Self::Drawing(e.to_string())
    }
}

/// What one neuron did, step by step.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Title of the picture.
    pub title: String,
    /// The neuron fires where the membrane after the charge is at least this.
    pub v_threshold: f64,
    /// The steps from the first on.
    pub steps: Vec<TraceStep>,
}

/// One time step of a neuron. What is not finite is left out of the picture.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct TraceStep {
    /// Membrane after the charge.
    pub h: f64,
    /// Membrane after the reset.
    pub v: f64,
    /// Whether it fired.
    pub spike: bool,
}

impl Trace {
    /// A trace without steps of a neuron of this threshold.
    #[must_use]
    pub fn new(title: impl Into<String>, v_threshold: f64) -> Self {
        Self {
            title: title.into(),
            v_threshold,
            steps: Vec::new(),
        }
    }

    /// Adds a step: the membrane `h` after the charge, the membrane `v` after the reset, and whether it fired.
    pub fn push(&mut self, h: f64, v: f64, spike: bool) {
        self.steps.push(TraceStep { h, v, spike });
    }
}

/// Draws the gradient and, where there is one, the primitive of `surrogate` from 3 below the threshold to 3 above.
/// The title is its name and parameters.
///
/// # Errors
///
/// [`Error::Surrogate`] where [`Surrogate::problem`] has something to say, [`Error::TooLarge`].
pub fn surrogate_svg(surrogate: &Surrogate) -> Result<String, Error> {
    if let Some(problem) = surrogate.problem() {
        let name = surrogate.name();
        return Err(Error::Surrogate { name, problem });
    }
    let title = surrogate
        .params()
        .fold(surrogate.name().to_owned(), |title, (param, value)| {
            format!("{title}, {param} = {value}")
        });
    let curve = |name: &'static str, color, f: &dyn Fn(f64) -> f64| {
        let x = (-POINTS..=POINTS).map(|i| f64::from(i) * REACH / f64::from(POINTS));
        Series::new(name, color, Shape::Line(8), x.map(|x| (x, f(x))))
    };
    let mut series = vec![curve("gradient", BLUE, &|x| surrogate.grad(x))];
    if surrogate.has_primitive() {
        let primitive = |x| surrogate.primitive(x).unwrap_or(f64::NAN);
        series.push(curve("primitive", ORANGE, &primitive));
    }
    let (low, high) = extent(&series, 0.0)?;
    let margin = 0.06 * (high - low);
    Chart {
        title,
        x: -REACH..REACH,
        y: low - margin..high + margin,
        x_label: "x = h - v_threshold",
        y_label: "value",
        cross: true,
        series,
    }
    .svg()
}

/// Draws the membrane of `trace` over the steps, up to the charge and down to the reset, the charge of each step as
/// a dot, the threshold as a line, and the spikes as marks above them.
///
/// # Errors
///
/// [`Error::Empty`], [`Error::TooLarge`].
pub fn membrane_svg(trace: &Trace) -> Result<String, Error> {
    let end = trace.steps.len().saturating_sub(1).max(1) as f64;
    let steps = || (0..).map(f64::from).zip(&trace.steps);
    let membrane = steps().flat_map(|(t, step)| [(t, step.h), (t, step.v)]);
    let charge = steps().map(|(t, step)| (t, step.h));
    let threshold = [0.0, end].map(|t| (t, trace.v_threshold));
    let mut series = vec![
        Series::new("v_threshold", RED, Shape::Line(5), threshold),
        Series::new("membrane v", BLUE, Shape::Line(7), membrane),
        Series::new("charge h", ORANGE, Shape::Dots(9), charge),
    ];
    let (low, high) = extent(&series[1..], trace.v_threshold)?;
    let span = high - low;
    let fired = steps().filter(|(_, step)| step.spike);
    series.push(Series::new(
        "spike",
        INK,
        Shape::Strokes(0.08 * span),
        fired.map(|(t, _)| (t, high + 0.08 * span)),
    ));
    Chart {
        title: trace.title.clone(),
        x: -0.01 * end..1.01 * end,
        y: low - 0.06 * span..high + 0.2 * span,
        x_label: "step",
        y_label: "membrane",
        cross: false,
        series,
    }
    .svg()
}

/// The least and the largest value that the picture must hold, `also` among them.
fn extent(series: &[Series], also: f64) -> Result<(f64, f64), Error> {
    let values = series.iter().flat_map(|s| &s.points).map(|p| p.1);
    let mut finite = values.filter(|y| y.is_finite()).peekable();
    finite.peek().ok_or(Error::Empty)?;
    let (mut low, mut high) = (f64::INFINITY, f64::NEG_INFINITY);
    for value in finite.chain(Some(also).filter(|y| y.is_finite())) {
        if value.abs() > LIMIT {
            return Err(Error::TooLarge { value });
        }
        (low, high) = (low.min(value), high.max(value));
    }
    // Of large values, those that differ in the last digits alone are a constant too.
    let least = LEAST_SPAN.max(1e-6 * low.abs().max(high.abs()));
    if high - low < least {
        (low, high) = (low - least / 2.0, high + least / 2.0);
    }
    Ok((low, high))
}

/// What is drawn of points.
#[derive(Clone, Copy)]
enum Shape {
    /// A line of this width, in units, broken where a value is not finite.
    Line(u32),
    /// Dots of this radius, in units.
    Dots(u32),
    /// Upright strokes of this height, in that of the values, from the points up.
    Strokes(f64),
}

/// Points and their entry in the legend.
struct Series {
    name: Cow<'static, str>,
    color: RGBColor,
    shape: Shape,
    points: Vec<(f64, f64)>,
}

impl Series {
    fn new(
        name: impl Into<Cow<'static, str>>,
        color: RGBColor,
        shape: Shape,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        Self {
            name: name.into(),
            color,
            shape,
            points: points.into_iter().collect(),
        }
    }
}

/// Width of [`Shape::Strokes`], in units.
const STROKE: u32 = 6;

type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Axes<'a, 'b> = ChartContext<'a, SVGBackend<'b>, Cartesian2d<RangedCoordf64, RangedCoordf64>>;

/// A picture: title, legend, axes, points.
struct Chart {
    title: String,
    x: Range<f64>,
    y: Range<f64>,
    x_label: &'static str,
    y_label: &'static str,
    /// Whether the lines x = 0 and y = 0 are drawn.
    cross: bool,
    series: Vec<Series>,
}

impl Chart {
    fn svg(&self) -> Result<String, Error> {
        let mut text = String::new();
        let (width, height) = SIZE;
        let units = (FINE * width, FINE * height);
        let root = SVGBackend::with_string(&mut text, units).into_drawing_area();
        root.fill(&WHITE)?;
        let (head, body) = root.split_vertically(HEAD);
        self.draw_head(&head)?;
        self.draw_body(&body)?;
        root.present()?;
        drop((root, head, body));
        // The first size is that of the whole picture; the units stay in its viewBox.
        let in_units = format!("width=\"{}\" height=\"{}\"", units.0, units.1);
        let in_pixels = format!("width=\"{width}\" height=\"{height}\"");
        Ok(text.replacen(&in_units, &in_pixels, 1))
    }

    /// The title, and the legend under it, where it hides no curve.
    fn draw_head(&self, area: &Area<'_>) -> Result<(), Error> {
        let middle = Pos::new(HPos::Left, VPos::Center);
        let left = LEFT as i32;
        let title = text_style(68).pos(middle);
        area.draw(&Text::new(self.title.as_str(), (left, 64), title))?;
        for (i, series) in (0..).zip(&self.series) {
            let (x, y) = (left + 480 * i, 152);
            let color = series.color;
            match series.shape {
                Shape::Line(width) => {
                    let ends = [(x, y), (x + 96, y)];
                    area.draw(&PathElement::new(ends, color.stroke_width(width)))?;
                }
                Shape::Dots(radius) => {
                    area.draw(&Circle::new((x + 72, y), radius, color.filled()))?;
                }
                Shape::Strokes(_) => {
                    let ends = [(x + 72, y - 24), (x + 72, y + 24)];
                    area.draw(&PathElement::new(ends, color.stroke_width(STROKE)))?;
                }
            }
            let name = text_style(54).pos(middle);
            area.draw(&Text::new(&*series.name, (x + 120, y), name))?;
        }
        Ok(())
    }

    fn draw_body(&self, area: &Area<'_>) -> Result<(), Error> {
        let mut axes = ChartBuilder::on(area)
            .margin_right(72)
            .margin_bottom(24)
            .x_label_area_size(146)
            .margin_left(36)
            .y_label_area_size(LEFT - 36)
            .build_cartesian_2d(self.x.clone(), self.y.clone())?;
        axes.configure_mesh()
            .x_labels(14)
            .y_labels(8)
            .x_label_formatter(&tick)
            .y_label_formatter(&tick)
            .x_desc(self.x_label)
            .y_desc(self.y_label)
            .label_style(text_style(50))
            .axis_desc_style(text_style(54))
            .axis_style(AXIS.stroke_width(2))
            .bold_line_style(GRID.stroke_width(2))
            .light_line_style(TRANSPARENT)
            .draw()?;
        if self.cross {
            let (x, y) = (&self.x, &self.y);
            for ends in [
                [(x.start, 0.0), (x.end, 0.0)],
                [(0.0, y.start), (0.0, y.end)],
            ] {
                axes.draw_series([PathElement::new(ends, AXIS.stroke_width(2))])?;
            }
        }
        self.series.iter().try_for_each(|s| draw(&mut axes, s))
    }
}

fn draw(axes: &mut Axes<'_, '_>, series: &Series) -> Result<(), Error> {
    let color = series.color;
    let finite = || series.points.iter().copied().filter(|p| p.1.is_finite());
    match series.shape {
        Shape::Line(width) => {
            for part in series.points.split(|p| !p.1.is_finite()) {
                let style = color.stroke_width(width);
                axes.draw_series(LineSeries::new(part.iter().copied(), style))?;
            }
        }
        Shape::Dots(radius) => {
            axes.draw_series(finite().map(|p| Circle::new(p, radius, color.filled())))?;
        }
        Shape::Strokes(height) => {
            let style = color.stroke_width(STROKE);
            axes.draw_series(
                finite().map(|(x, y)| PathElement::new([(x, y), (x, y + height)], style)),
            )?;
        }
    }
    Ok(())
}

fn text_style(size: u32) -> TextStyle<'static> {
    ("sans-serif", size).into_font().color(&INK)
}

/// The number at a tick, without the digits that binary fractions leave.
fn tick(value: &f64) -> String {
    let rounded = (value * 1e6).round() / 1e6;
    // A negative zero loses its sign.
    (rounded + 0.0).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn trace(v: &[f64]) -> Trace {
        let mut trace = Trace::new("test", 1.0);
        for v in v {
            trace.push(*v, *v, *v >= 1.0);
        }
        trace
    }

    #[test]
    fn every_surrogate_is_drawn_and_always_the_same() {
        for mut surrogate in Surrogate::ALL {
            let _ = surrogate.set("max_spike_count", 2.0);
            let svg = surrogate_svg(&surrogate).unwrap();
            assert_eq!(surrogate_svg(&surrogate).as_ref(), Ok(&svg));
            assert!(svg.contains(surrogate.name()) && svg.ends_with("</svg>\n"));
            let legend = svg.contains(">\nprimitive\n<");
            assert_eq!(legend, surrogate.has_primitive(), "{surrogate:?}");
        }
    }

    #[test]
    fn what_cannot_be_drawn_is_an_error() {
        let counts = Surrogate::from_name("multi-level-spike-count").unwrap();
        let said = surrogate_svg(&counts).unwrap_err().to_string();
        assert!(said.starts_with("multi-level-spike-count: max_spike_count = 0"));
        let steep = Surrogate::Sigmoid { alpha: 1e12 };
        assert!(matches!(surrogate_svg(&steep), Err(Error::TooLarge { .. })));
        for nothing in [&[][..], &[f64::NAN, f64::INFINITY]] {
            assert_eq!(membrane_svg(&trace(nothing)), Err(Error::Empty));
        }
    }

    #[test]
    fn odd_membranes_are_drawn() {
        let rows: [&[f64]; 6] = [
            &[0.0],
            &[1.0, 1.0, 1.0],
            &[0.0, f64::NAN, 1.5, f64::INFINITY, -2.0],
            &[-1e9, 1e9],
            &[999_999_999.0, 1e9],
            &[0.0, 1e-300],
        ];
        for v in rows {
            assert!(membrane_svg(&trace(v)).is_ok(), "{v:?}");
            let mut unusual = trace(v);
            for v_threshold in [f64::INFINITY, f64::NAN, 1e9, v[0]] {
                unusual.v_threshold = v_threshold;
                assert!(membrane_svg(&unusual).is_ok(), "{v:?} {v_threshold}");
            }
        }
    }

    #[test]
    fn ticks_are_short() {
        let ticks = [0.1 + 0.2, -0.0, -1e-9, 40.0].map(|x| tick(&x));
        assert_eq!(ticks, ["0.3", "0", "0", "40"]);
    }
}
