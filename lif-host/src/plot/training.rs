//! Curves and histograms of a training run.

use plotters::style::RGBColor;

use super::{BLUE, Chart, Error, INK, ORANGE, RED, Series, Shape, extent};

/// Bars of a histogram.
const BARS: usize = 40;
/// Width of a line, in units.
const WIDTH: u32 = 7;
/// Colours of the lines, in their order; they begin anew where there are more.
const COLORS: [RGBColor; 4] = [BLUE, ORANGE, RED, INK];

/// A line and its name in the legend.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    /// Name.
    pub name: String,
    /// Its values; what is not finite is left out.
    pub values: Vec<f64>,
}

/// Draws each of `lines` over the epochs 1, 2, 3, ...
///
/// # Errors
///
/// [`Error::Empty`] where there is no finite value, [`Error::TooLarge`].
pub fn curves_svg(title: &str, y_label: &'static str, lines: &[Line]) -> Result<String, Error> {
    let longest = lines.iter().map(|l| l.values.len()).max().unwrap_or(0);
    let series: Vec<Series> = lines
        .iter()
        .zip(COLORS.iter().cycle())
        .map(|(line, color)| {
            let points = (1..).map(f64::from).zip(line.values.iter().copied());
            // A single epoch is a dot: a line through one point is none.
            let shape = if longest > 1 {
                Shape::Line(WIDTH)
            } else {
                Shape::Dots(9)
            };
            Series::new(line.name.clone(), *color, shape, points)
        })
        .collect();
    let (low, high) = extent(&series, f64::NAN)?;
    let margin = 0.06 * (high - low);
    let end = longest.max(2) as f64;
    Chart {
        title: title.into(),
        x: 1.0 - 0.01 * end..1.01 * end,
        y: low - margin..high + margin,
        x_label: "epoch",
        y_label,
        cross: false,
        series,
    }
    .svg()
}

/// Draws how often the values of each of `lines` occur, as shares of the line's values, in bars of equal width over
/// all values.
///
/// # Errors
///
/// [`Error::Empty`] where there is no finite value, [`Error::TooLarge`].
pub fn histogram_svg(title: &str, x_label: &'static str, lines: &[Line]) -> Result<String, Error> {
    let all: Vec<Series> = lines
        .iter()
        .map(|l| Series::new("", INK, Shape::Dots(1), l.values.iter().map(|x| (0.0, *x))))
        .collect();
    let (low, high) = extent(&all, f64::NAN)?;
    let width = (high - low) / BARS as f64;
    let outline = |values: &[f64]| {
        let mut counts = [0usize; BARS];
        let finite = values.iter().filter(|x| x.is_finite());
        for x in finite.clone() {
            counts[(((x - low) / width) as usize).min(BARS - 1)] += 1;
        }
        let n = finite.count().max(1) as f64;
        let mut points = vec![(low, 0.0)];
        for (i, count) in counts.iter().enumerate() {
            let share = *count as f64 / n;
            points.extend([i, i + 1].map(|edge| (low + edge as f64 * width, share)));
        }
        points.push((high, 0.0));
        points
    };
    let series: Vec<Series> = lines
        .iter()
        .zip(COLORS.iter().cycle())
        .map(|(line, color)| {
            let points = outline(&line.values);
            Series::new(line.name.clone(), *color, Shape::Line(WIDTH), points)
        })
        .collect();
    let (bottom, top) = extent(&series, 0.0)?;
    Chart {
        title: title.into(),
        x: low - width..high + width,
        y: bottom..1.06 * top,
        x_label,
        y_label: "share",
        cross: false,
        series,
    }
    .svg()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(name: &str, values: &[f64]) -> Line {
        Line {
            name: name.into(),
            values: values.into(),
        }
    }

    #[test]
    fn curves_and_histograms_are_drawn() {
        let lines = [
            line("training", &[1.0, 0.5, 0.25]),
            line("validation", &[0.9, f64::NAN]),
        ];
        let svg = curves_svg("loss", "loss", &lines).unwrap();
        assert!(svg.starts_with("<svg") && svg.contains("validation"));
        assert!(curves_svg("one epoch", "loss", &lines[1..]).is_ok());
        assert!(
            histogram_svg("weights", "weight", &lines)
                .unwrap()
                .contains("share")
        );
        assert!(histogram_svg("constant", "weight", &[line("w", &[0.5; 3])]).is_ok());
        assert_eq!(curves_svg("nothing", "loss", &[]), Err(Error::Empty));
    }
}
