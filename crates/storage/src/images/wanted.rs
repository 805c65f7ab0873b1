//! What a query asks of a picture.

use http::{HeaderMap, Uri, header};
use serde::Deserialize;

use crate::Failure;

/// A format that pictures are written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Format {
    Jpeg,
    Png,
    Webp,
    Avif,
}

impl Format {
    pub fn mime_type(self) -> &'static str {
        match self {
            Self::Jpeg => "image/jpeg",
            Self::Png => "image/png",
            Self::Webp => "image/webp",
            Self::Avif => "image/avif",
        }
    }

    /// Of a file's name, without the dot.
    pub fn extension(self) -> &'static str {
        match self {
            Self::Jpeg => "jpeg",
            Self::Png => "png",
            Self::Webp => "webp",
            Self::Avif => "avif",
        }
    }

    /// The format of a file that can be read. AVIF is only written: reading it takes a decoder that we do not have.
    fn of(mime_type: &str) -> Option<Self> {
        let kind = mime_type.split(';').next().unwrap_or_default().trim();
        [Self::Jpeg, Self::Png, Self::Webp].into_iter().find(|format| format.mime_type().eq_ignore_ascii_case(kind))
    }
}

/// A change of a picture.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Wanted {
    /// Pixels; with only one of the two the proportions are kept.
    pub width: Option<u32>,
    pub height: Option<u32>,
    /// The blur's standard deviation, in hundredths of a pixel.
    pub blur: u32,
    /// 1 to 100
    pub quality: u8,
    /// What it is written in.
    pub format: Format,
    /// Instead, where the picture is too large for that one.
    pub or: Option<Format>,
    /// The file's own.
    pub original: Format,
}

/// As Nhost's.
const QUALITY: u8 = 75;
/// Pixels of blur beyond which nothing is left to see.
const BLUR: f32 = 250.0;

#[derive(Debug, Default, Deserialize)]
struct Query {
    w: Option<String>,
    h: Option<String>,
    b: Option<String>,
    q: Option<String>,
    f: Option<String>,
}

impl Wanted {
    /// What a request wants of a file of this type; `None`: the file as it is.
    ///
    /// # Errors
    /// 400: a value is not valid, or the file is no picture that can be changed.
    pub fn parse(uri: &Uri, headers: &HeaderMap, mime_type: &str) -> Result<Option<Self>, Failure> {
        let query: Query = axum::extract::Query::try_from_uri(uri).map(|query| query.0).unwrap_or_default();
        let (width, height) = (number("w", query.w.as_deref())?, number("h", query.h.as_deref())?);
        let quality = number("q", query.q.as_deref())?.map(|quality| match u8::try_from(quality) {
            Ok(quality @ 1..=100) => Ok(quality),
            _ => Err(Failure::bad("q must be a number from 1 to 100")),
        });
        let quality = quality.transpose()?;
        let blur = blur(query.b.as_deref())?;
        let asked = query.f.as_deref().filter(|format| !format.is_empty());
        if width.is_none() && height.is_none() && quality.is_none() && blur == 0 && asked.is_none() {
            return Ok(None);
        }
        let unsupported = || Failure::bad(format!("image manipulation features are not supported for '{mime_type}'"));
        let original = Format::of(mime_type).ok_or_else(unsupported)?;
        let (format, or) = format(asked.unwrap_or("same"), original, headers)?;
        if width.is_none() && height.is_none() && quality.is_none() && blur == 0 && format == original {
            return Ok(None);
        }
        Ok(Some(Self { width, height, blur, quality: quality.unwrap_or(QUALITY), format, or, original }))
    }

    /// The answer depends on the request's `Accept`.
    pub fn negotiates(uri: &Uri) -> bool {
        axum::extract::Query::<Query>::try_from_uri(uri).is_ok_and(|query| query.f.as_deref() == Some("auto"))
    }
}

/// Zero is as good as nothing.
fn number(name: &str, text: Option<&str>) -> Result<Option<u32>, Failure> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(None) };
    let number: u32 = text.parse().map_err(|_| Failure::bad(format!("{name} must be a whole number")))?;
    Ok((number > 0).then_some(number))
}

fn blur(text: Option<&str>) -> Result<u32, Failure> {
    let Some(text) = text.filter(|text| !text.is_empty()) else { return Ok(0) };
    match text.parse::<f32>() {
        Ok(sigma) if sigma >= 0.0 => Ok((sigma.min(BLUR) * 100.0) as u32),
        _ => Err(Failure::bad("b must be a number that is not negative")),
    }
}

/// The format that is asked for, and the one instead of it.
fn format(asked: &str, original: Format, headers: &HeaderMap) -> Result<(Format, Option<Format>), Failure> {
    let format = match asked {
        "same" => original,
        "jpeg" => Format::Jpeg,
        "png" => Format::Png,
        "webp" => Format::Webp,
        "avif" => Format::Avif,
        "auto" => {
            let mut accepted = accepted(headers);
            let first = accepted.next().unwrap_or(original);
            return Ok((first, Some(accepted.next().unwrap_or(original))));
        }
        _ => {
            return Err(Failure::bad(format!(
                "format must be one of: same, webp, png, jpeg, avif, auto. Got: {asked}"
            )));
        }
    };
    Ok((format, None))
}

/// The formats that the request names, those that make the smallest files first.
fn accepted(headers: &HeaderMap) -> impl Iterator<Item = Format> + use<> {
    let values = headers.get_all(header::ACCEPT).iter().filter_map(|value| value.to_str().ok());
    let named: Vec<String> = values.flat_map(|value| value.split(',')).filter_map(named).collect();
    [Format::Avif, Format::Webp, Format::Jpeg, Format::Png]
        .into_iter()
        .filter(move |format| named.iter().any(|kind| kind == format.mime_type()))
}

/// The type of one entry of `Accept`, if it is welcome.
fn named(entry: &str) -> Option<String> {
    let mut parts = entry.split(';').map(str::trim);
    let kind = parts.next()?.to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=")?.trim().parse::<f32>().ok());
    weight.is_none_or(|weight| weight > 0.0).then_some(kind)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    fn parse(query: &str, accept: &str, mime_type: &str) -> Result<Option<Wanted>, Failure> {
        let headers = HeaderMap::from_iter([(header::ACCEPT, accept.parse().unwrap())]);
        Wanted::parse(&format!("/files/x?{query}").parse().unwrap(), &headers, mime_type)
    }

    #[test]
    fn formats_follow_the_query_and_what_is_accepted() {
        let chrome = "image/avif,image/webp,image/apng,image/*,*/*;q=0.8";
        for (query, accept, mime_type, expected) in [
            ("w=10", "", "image/png", Some(Format::Png)),
            ("f=webp", "", "image/png", Some(Format::Webp)),
            ("f=same", "", "image/png", None),
            ("f=png", "", "image/png", None),
            ("w=0", "", "text/plain", None),
            ("", chrome, "image/jpeg", None),
            ("f=auto", chrome, "image/jpeg", Some(Format::Avif)),
            ("f=auto", "image/webp", "image/jpeg", Some(Format::Webp)),
            ("f=auto", "image/avif;q=0, image/WebP", "image/jpeg", Some(Format::Webp)),
            ("f=auto", "*/*", "image/jpeg", None),
            ("f=auto&q=50", "*/*", "image/jpeg; x=y", Some(Format::Jpeg)),
        ] {
            let found = parse(query, accept, mime_type).unwrap().map(|wanted| wanted.format);
            assert_eq!(found, expected, "{query} {accept}");
        }
        assert_eq!(parse("f=auto", chrome, "image/png").unwrap().unwrap().or, Some(Format::Webp));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for (query, mime_type, message) in [
            ("w=10", "text/plain", "image manipulation features are not supported for 'text/plain'"),
            ("f=same", "text/plain", "image manipulation features are not supported for 'text/plain'"),
            ("w=10", "image/avif", "image manipulation features are not supported for 'image/avif'"),
            ("w=-1", "image/png", "w must be a whole number"),
            ("q=101", "image/png", "q must be a number from 1 to 100"),
            ("q=4000000000", "image/png", "q must be a number from 1 to 100"),
            ("b=NaN", "image/png", "b must be a number that is not negative"),
            ("f=bmp", "image/png", "format must be one of: same, webp, png, jpeg, avif, auto. Got: bmp"),
        ] {
            assert_eq!(parse(query, "", mime_type).unwrap_err(), Failure::bad(message), "{query}");
        }
    }
}
