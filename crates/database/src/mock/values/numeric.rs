//! Numbers and moments from a kind's window, the column's type, and what its checks leave.

use super::{
    Made, Recipe, SpecError,
    checks::{Bound, Conditions, Literal},
    civil,
    compound::Quoted,
    distribution::{Shape, Zipf},
    scalar::{Curve, Format, OFFICE, Scalar, WAKING},
    span::Span,
    stream,
    target::Target,
};

/// A kind's numbers: from `low` to `high`, in units of `10^-scale`.
#[derive(Debug, Clone, Copy)]
pub struct Numbers {
    pub low: i64,
    pub high: i64,
    pub scale: u32,
    pub fall: Fall,
    /// Says nothing about size, so that a check's interval is taken whole.
    pub open: bool,
}

/// How a kind's numbers fall unless the configuration says otherwise.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Fall {
    Even,
    /// Mean and deviation, as fractions of the window.
    Bell(f64, f64),
    /// Median as a fraction of the window: many small, few large.
    Long(f64),
}

/// A kind's moments: days before and after now.
#[derive(Debug, Clone, Copy)]
pub struct Moments {
    pub from: i64,
    pub to: i64,
    /// The day alone says it: a text column gets no time.
    pub day: bool,
}

/// What the values may be, before the checks.
struct Window {
    low: i64,
    high: i64,
    limits: (i64, i64),
    open: bool,
}

const NO_LIMITS: (i64, i64) = (i64::MIN, i64::MAX);
/// Digits that an i64 holds for sure.
const DIGITS: u32 = 18;

impl Recipe<'_> {
    pub fn number(&self, kind: Numbers) -> Made {
        let (scale, limits) = self.precision(kind)?;
        let factor = |number: i64| rescaled(number, kind.scale, scale);
        let (min, max) = (self.bound("min", scale)?, self.bound("max", scale)?);
        let mut window = Window {
            low: min.unwrap_or_else(|| factor(kind.low)),
            high: max.unwrap_or_else(|| factor(kind.high)),
            limits,
            open: kind.open && min.is_none() && max.is_none(),
        };
        if min.is_some() && max.is_none() && window.high <= window.low {
            window.high = window.low.saturating_add(factor(kind.high).saturating_sub(factor(kind.low)));
        }
        if max.is_some() && min.is_none() && window.low >= window.high {
            window.low = window.high.saturating_sub(factor(kind.high).saturating_sub(factor(kind.low)));
        }
        if window.low > window.high {
            return Err(self.wrong("min", "not above `max`"));
        }
        let step = self.step(kind.scale, scale)?;
        let format = Format::Decimal { scale };
        let span = self.span(format, &window, step)?;
        let shape = self.shape(kind.fall, span.total())?;
        let mut scalar = Scalar::new(span, shape, format);
        scalar.against.clone_from(&self.against);
        Ok(Box::new(scalar))
    }

    /// Digits behind the point, and the greatest numbers of the type.
    fn precision(&self, kind: Numbers) -> Result<(u32, (i64, i64)), SpecError> {
        let wanted = self.count("decimals")?.map_or(kind.scale, |decimals| decimals as u32);
        let checked = self.constraint.first().scale.unwrap_or(DIGITS);
        let wanted = wanted.min(checked).min(DIGITS);
        match &self.resolved.target {
            Target::Integer { low, high } => Ok((0, (*low, *high))),
            Target::Decimal { precision, scale } => {
                let scale = scale.map_or(wanted, |scale| scale.min(DIGITS));
                let greatest =
                    precision.map_or(i64::MAX, |digits| 10i64.checked_pow(digits).map_or(i64::MAX, |end| end - 1));
                Ok((scale, (-greatest, greatest)))
            }
            Target::Float => Ok((wanted, NO_LIMITS)),
            Target::Money => Ok((2, NO_LIMITS)),
            Target::Text { .. } | Target::Json => Ok((wanted, NO_LIMITS)),
            _ => Err(self.misfit()),
        }
    }

    /// Values stand this many units apart: a price in `numeric(12,4)` still has whole cents.
    fn step(&self, kind_scale: u32, scale: u32) -> Result<i64, SpecError> {
        if let Some(step) = self.text_of("step")? {
            return super::scalar::read_decimal(&step, scale)
                .map(|(step, _)| step)
                .filter(|&step| step > 0)
                .ok_or_else(|| self.wrong("step", "a number above 0"));
        }
        let decimals = self.count("decimals")?.map_or(kind_scale, |decimals| decimals as u32);
        Ok(10i64.checked_pow(scale.saturating_sub(decimals)).unwrap_or(1))
    }

    fn bound(&self, option: &str, scale: u32) -> Result<Option<i64>, SpecError> {
        let Some(text) = self.text_of(option)? else { return Ok(None) };
        super::scalar::read_decimal(&text, scale)
            .map(|(value, _)| Some(value))
            .ok_or_else(|| self.wrong(option, "a number"))
    }

    fn shape(&self, fall: Fall, total: u64) -> Result<Shape, SpecError> {
        let (mean, deviation) = (self.fraction("mean")?, self.fraction("deviation")?);
        let named = self.text_of("distribution")?;
        let fall = match named.as_deref() {
            None => fall,
            Some("uniform") => Fall::Even,
            Some("normal") => Fall::Bell(0.5, 0.15),
            Some("lognormal") => Fall::Long(0.1),
            Some("zipf") => {
                return Ok(Shape::Zipf(Zipf::new(total, self.float("exponent")?.unwrap_or(1.0))));
            }
            Some(_) => return Err(self.wrong("distribution", "`uniform`, `normal`, `lognormal` or `zipf`")),
        };
        Ok(match fall {
            // Few values: the shape would only hide some of them.
            _ if named.is_none() && mean.is_none() && total <= 2 => Shape::Uniform,
            Fall::Even => Shape::Uniform,
            Fall::Bell(own, spread) => {
                Shape::Normal { mean: mean.unwrap_or(own), deviation: deviation.unwrap_or(spread) }
            }
            Fall::Long(own) => Shape::LogNormal { median: mean.unwrap_or(own), sigma: deviation.unwrap_or(0.8) },
        })
    }

    pub fn moment(&self, kind: Moments) -> Made {
        let (format, fraction) = match &self.resolved.target {
            Target::Date => (Format::Date, 0),
            Target::Timestamp { zone } => (Format::Timestamp { zone: *zone }, self.resolved.fraction.unwrap_or(6)),
            Target::Integer { high, .. } => {
                let millis = self.column.contains("ms") || self.column.contains("milli");
                let unit = if millis && *high > i64::from(i32::MAX) { civil::SECOND / 1_000 } else { civil::SECOND };
                (Format::Epoch { unit }, 0)
            }
            Target::Decimal { .. } | Target::Float => (Format::Epoch { unit: civil::SECOND }, 0),
            Target::Text { .. } | Target::Json if kind.day => (Format::Date, 0),
            Target::Text { .. } | Target::Json => (Format::Iso, 0),
            _ => return Err(self.misfit()),
        };
        let unit = if format == Format::Date { 1 } else { civil::DAY };
        let at = |days: i64| format.moment(self.shared.now).unwrap_or(0).saturating_add(days.saturating_mul(unit));
        let (from, to) = (self.edge("from", format)?, self.edge("to", format)?);
        let (mut low, mut high) = (at(self.days("from", kind.from)?), at(self.days("to", kind.to)?));
        let width = high.saturating_sub(low).max(1);
        low = from.unwrap_or(low);
        high = to
            .unwrap_or_else(|| high.max(if from.is_some() && high <= low { low.saturating_add(width) } else { high }));
        if to.is_some() && from.is_none() && low >= high {
            low = high.saturating_sub(width);
        }
        if low > high {
            return Err(self.wrong("from", "not after `to`"));
        }
        let limits = (civil::FIRST_DAY * unit, civil::LAST_DAY * unit);
        // Whole seconds unless asked: few applications show more, and the text is shorter by a third.
        let digits = self.count("fraction")?.map_or(0, |digits| digits.min(6) as u32).min(fraction);
        let step = if unit == 1 { 1 } else { 10i64.pow(6 - digits) };
        let span = self.span(format, &Window { low, high, limits, open: false }, step)?;
        let mut scalar = Scalar::new(span, Shape::Uniform, format);
        scalar.curve = self.hours(kind)?;
        scalar.against.clone_from(&self.against);
        Ok(if self.resolved.target == Target::Json { Box::new(Quoted(Box::new(scalar))) } else { Box::new(scalar) })
    }

    /// `years`, `days`, `minAge` and `maxAge` move an end of the kind's window.
    fn days(&self, end: &str, own: i64) -> Result<i64, SpecError> {
        let years = |years: u64| years as i64 * 365 + years as i64 / 4;
        let age = self.count(if end == "from" { "maxAge" } else { "minAge" })?;
        if let Some(age) = age {
            return Ok(-years(age));
        }
        let reach = match (self.count("years")?, self.count("days")?) {
            (Some(count), _) => years(count),
            (None, Some(count)) => count as i64,
            (None, None) => return Ok(own),
        };
        // The option speaks of the end that is away from now.
        Ok(match (end, own.signum()) {
            ("from", -1) => -reach,
            ("to", 1) => reach,
            _ => own,
        })
    }

    fn edge(&self, option: &str, format: Format) -> Result<Option<i64>, SpecError> {
        let Some(text) = self.text_of(option)? else { return Ok(None) };
        let micros =
            civil::read_timestamp(&text).ok_or_else(|| self.wrong(option, "a date as 2026-01-31, or with a time"))?;
        Ok(format.moment(micros))
    }

    fn hours(&self, kind: Moments) -> Result<Curve, SpecError> {
        let weekend = stream::threshold(self.fraction("weekends")?.unwrap_or(1.0));
        Ok(match self.text_of("hours")?.as_deref() {
            Some("any") => Curve::Shape(Shape::Uniform),
            None if kind.day && weekend == u64::MAX => Curve::Shape(Shape::Uniform),
            None | Some("waking") => Curve::Human { hours: &WAKING, weekend },
            Some("office") => Curve::Human { hours: &OFFICE, weekend: weekend.min(stream::threshold(0.1)) },
            Some(_) => return Err(self.wrong("hours", "`any`, `waking` or `office`")),
        })
    }

    /// Times of the day, and spans of time; `low` and `high` in seconds.
    pub fn clock(&self, low: i64, high: i64) -> Made {
        let format = match &self.resolved.target {
            Target::Time { zone } => Format::Time { zone: *zone },
            Target::Interval => Format::Interval,
            Target::Text { .. } => Format::Time { zone: false },
            Target::Integer { .. } | Target::Decimal { .. } | Target::Float => {
                return self.number(Numbers { low, high, scale: 0, fall: Fall::Long(0.2), open: false });
            }
            _ => return Err(self.misfit()),
        };
        let edge = |option: &str, own: i64| -> Result<i64, SpecError> {
            let Some(text) = self.text_of(option)? else { return Ok(own * civil::SECOND) };
            let read = civil::read_time(&text).or_else(|| super::checks::interval(&text));
            read.ok_or_else(|| self.wrong(option, "a time as 08:30:00"))
        };
        let limits = if format == Format::Interval { NO_LIMITS } else { (0, civil::DAY - civil::SECOND) };
        let window = Window { low: edge("from", low)?, high: edge("to", high)?, limits, open: false };
        let mut scalar = Scalar::new(self.span(format, &window, civil::SECOND)?, Shape::Uniform, format);
        scalar.against.clone_from(&self.against);
        Ok(Box::new(scalar))
    }

    /// The values of the window that the checks leave; where they leave none, the checks go before the window.
    fn span(&self, format: Format, window: &Window, step: i64) -> Result<Span, SpecError> {
        let mut intervals = Vec::new();
        let (mut holes, mut modulus) = (Vec::new(), None);
        for conditions in &self.constraint.alternatives {
            let read = |value: &String| format.read(value).filter(|(_, exact)| *exact).map(|(value, _)| value);
            holes.extend(conditions.none_of.iter().filter_map(read));
            modulus = modulus.or(conditions.modulus);
            if let Some(values) = &conditions.one_of {
                intervals.extend(values.iter().filter_map(read).map(|value| (value, value)));
                continue;
            }
            let (low, high) = self.interval(format, conditions);
            if let Some(interval) = within(low, high, window) {
                intervals.push(interval);
            }
        }
        self.leave_room(format, &mut intervals, step);
        let (step, remainder) = modulus.map_or((step, 0), |(modulus, rest)| (step.max(modulus), rest));
        // A listed value need not stand on the grid.
        let exact = intervals.iter().all(|(low, high)| low == high);
        let step = if exact { 1 } else { step };
        Span::new(&intervals, step, remainder, &holes).or_else(|| Span::new(&intervals, 1, 0, &holes)).ok_or_else(
            || SpecError { message: format!("the checks and options of {} leave no value", self.column), hint: None },
        )
    }

    /// Keeps this column's highest values free where others of the row must be greater.
    fn leave_room(&self, format: Format, intervals: &mut [(i64, i64)], step: i64) {
        let Some(highest) = intervals.iter_mut().max_by_key(|(_, high)| *high) else { return };
        for (depth, plus) in &self.leads {
            let width = highest.1.saturating_sub(highest.0);
            let distance = plus.as_deref().map_or(0, |plus| format.distance(plus)).max(0);
            let room = distance.saturating_add(step.max(width / 64)).saturating_mul(i64::from(*depth));
            highest.1 = highest.0.max(highest.1.saturating_sub(room));
        }
    }

    /// The tightest bounds of the conditions, in the format's unit.
    fn interval(&self, format: Format, conditions: &Conditions) -> (Option<i64>, Option<i64>) {
        let value = |bound: &Bound, low: bool| match &bound.value {
            Literal::Text(text) => format.read(text),
            // The insert happens later than `now`: a day's margin below it, and years above.
            Literal::Now(offset) => {
                let margin = if low { 20 * 365 } else { -1 } * civil::DAY;
                format.moment(self.shared.now.saturating_add(*offset).saturating_add(margin)).map(|value| (value, true))
            }
        };
        let low = conditions.low.iter().filter_map(|bound| {
            let (value, exact) = value(bound, true)?;
            Some(if bound.inclusive && exact { value } else { value.saturating_add(1) })
        });
        let high = conditions.high.iter().filter_map(|bound| {
            let (value, exact) = value(bound, false)?;
            Some(if bound.inclusive || !exact { value } else { value.saturating_sub(1) })
        });
        (low.max(), high.min())
    }
}

/// The window, cut to a check's interval.
fn within(low: Option<i64>, high: Option<i64>, window: &Window) -> Option<(i64, i64)> {
    let width = window.high.saturating_sub(window.low);
    let (own_low, own_high) = match (low, high) {
        (Some(low), Some(high)) if window.open => (low, high),
        (Some(low), None) if low > window.high => (low, low.saturating_add(width)),
        (None, Some(high)) if high < window.low => (high.saturating_sub(width), high),
        (Some(low), Some(high)) if low > window.high || high < window.low => (low, high),
        _ => (window.low.max(low.unwrap_or(i64::MIN)), window.high.min(high.unwrap_or(i64::MAX))),
    };
    let (low, high) = (own_low.max(window.limits.0), own_high.min(window.limits.1));
    // The window lies outside what the type holds, as 1000 does for numeric(2).
    let (low, high) =
        if low > high { (window.limits.0.max(low.min(0)), window.limits.1.min(high.max(0))) } else { (low, high) };
    (low <= high).then_some((low, high))
}

/// A number of one scale in units of another, rounded towards zero.
fn rescaled(number: i64, from: u32, to: u32) -> i64 {
    if to >= from {
        let factor = 10i64.checked_pow(to - from).unwrap_or(i64::MAX);
        number.saturating_mul(factor)
    } else {
        number / 10i64.checked_pow(from - to).unwrap_or(i64::MAX)
    }
}
