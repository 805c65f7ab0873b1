//! One picture into another: a pure function of its bytes.

use std::io::Cursor;

use bytes::Bytes;
use fast_image_resize::images::{Image, ImageRef};
use fast_image_resize::{PixelType, Resizer};
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits, RgbImage, RgbaImage};

use super::{Format, Picture, Wanted, encode};

/// Pixels of a picture that is read or made: more than an 8K screen's, 200 MB while it is worked on.
const PIXELS: u64 = 50_000_000;
/// Pixels of an AVIF, whose encoder needs 20 bytes and more for each.
const AVIF_PIXELS: u64 = 16_000_000;
/// Pixels on a side, as many as WebP can have.
const SIDE: u32 = 16_383;
/// Bytes that a decoder may take beside the picture.
const DECODER_BYTES: u64 = 512 << 20;

/// Why a picture cannot be made. The messages are for the client.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failed {
    #[error("the file is not a valid image")]
    Invalid(#[source] image::ImageError),
    #[error("the image has {width}x{height} pixels; at most {limit} can be manipulated")]
    TooLarge { width: u32, height: u32, limit: u64 },
    #[error("an image of {width}x{height} pixels is too large to be made")]
    TooMuch { width: u64, height: u64 },
    #[error("the image cannot be written as {format}")]
    Encoder { format: &'static str },
}

/// Pixels in the two layouts that every encoder takes.
pub(super) enum Pixels {
    Rgb(RgbImage),
    Rgba(RgbaImage),
}

pub(super) fn transform(bytes: &[u8], wanted: Wanted) -> Result<Picture, Failed> {
    let (image, profile) = decode(bytes)?;
    let (width, height) = target(image.width(), image.height(), wanted)?;
    let mut pixels = Pixels::from(image);
    if (width, height) != pixels.size() {
        pixels = pixels.resized(width, height)?;
    }
    if wanted.blur > 0 {
        pixels = pixels.blurred(wanted.blur);
    }
    let fits = |format: Format| format != Format::Avif || u64::from(width) * u64::from(height) <= AVIF_PIXELS;
    let format = match wanted.or {
        Some(other) if !fits(wanted.format) => other,
        _ if !fits(wanted.format) => return Err(Failed::TooMuch { width: width.into(), height: height.into() }),
        _ => wanted.format,
    };
    let bytes = encode::encode(&pixels, format, wanted.quality, profile)?;
    Ok(Picture { bytes: Bytes::from(bytes), format })
}

/// The picture as it is meant to be seen, and its colour profile. Cameras write it as the sensor lies and say in the EXIF
/// data how to turn it; those data (with the place where it was taken) are not passed on.
fn decode(bytes: &[u8]) -> Result<(DynamicImage, Option<Vec<u8>>), Failed> {
    let invalid = |error| Failed::Invalid(error);
    let mut limits = Limits::default();
    limits.max_alloc = Some(DECODER_BYTES);
    let mut reader = ImageReader::new(Cursor::new(bytes));
    reader.limits(limits);
    let reader = reader.with_guessed_format().map_err(|error| Failed::Invalid(error.into()))?;
    if !matches!(reader.format(), Some(ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP)) {
        let hint = image::error::ImageFormatHint::Unknown;
        return Err(Failed::Invalid(image::ImageError::Unsupported(hint.into())));
    }
    // Only the header is read here.
    let mut decoder = reader.into_decoder().map_err(invalid)?;
    let (width, height) = decoder.dimensions();
    if u64::from(width) * u64::from(height) > PIXELS || width == 0 || height == 0 {
        return Err(Failed::TooLarge { width, height, limit: PIXELS });
    }
    let orientation = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let profile = decoder.icc_profile().unwrap_or_default();
    let mut image = DynamicImage::from_decoder(decoder).map_err(invalid)?;
    image.apply_orientation(orientation);
    Ok((image, profile))
}

/// The size to make. Both sides given: exactly so, as Nhost does it, whatever the proportions were.
fn target(width: u32, height: u32, wanted: Wanted) -> Result<(u32, u32), Failed> {
    let scaled = |side: u32, by: u32, of: u32| (u64::from(side) * u64::from(by) / u64::from(of)).max(1);
    let (new_width, new_height) = match (wanted.width, wanted.height) {
        (None, None) => return Ok((width, height)),
        (Some(new_width), None) => (u64::from(new_width), scaled(height, new_width, width)),
        (None, Some(new_height)) => (scaled(width, new_height, height), u64::from(new_height)),
        (Some(new_width), Some(new_height)) => (u64::from(new_width), u64::from(new_height)),
    };
    let too_much = || Failed::TooMuch { width: new_width, height: new_height };
    let side = |side: u64| u32::try_from(side).ok().filter(|side| *side <= SIDE).ok_or_else(too_much);
    if new_width.saturating_mul(new_height) > PIXELS {
        return Err(too_much());
    }
    Ok((side(new_width)?, side(new_height)?))
}

impl From<DynamicImage> for Pixels {
    fn from(image: DynamicImage) -> Self {
        if image.color().has_alpha() { Self::Rgba(image.into_rgba8()) } else { Self::Rgb(image.into_rgb8()) }
    }
}

impl Pixels {
    pub fn size(&self) -> (u32, u32) {
        match self {
            Self::Rgb(image) => image.dimensions(),
            Self::Rgba(image) => image.dimensions(),
        }
    }

    pub fn bytes(&self) -> &[u8] {
        match self {
            Self::Rgb(image) => image.as_raw(),
            Self::Rgba(image) => image.as_raw(),
        }
    }

    /// With Lanczos' filter; transparent pixels do not bleed into their neighbours.
    fn resized(&self, width: u32, height: u32) -> Result<Self, Failed> {
        let failed = || Failed::TooMuch { width: width.into(), height: height.into() };
        let kind = match self {
            Self::Rgb(_) => PixelType::U8x3,
            Self::Rgba(_) => PixelType::U8x4,
        };
        let (old_width, old_height) = self.size();
        let source = ImageRef::new(old_width, old_height, self.bytes(), kind).map_err(|_| failed())?;
        let mut made = Image::new(width, height, kind);
        Resizer::new().resize(&source, &mut made, None).map_err(|_| failed())?;
        let bytes = made.into_vec();
        match self {
            Self::Rgb(_) => RgbImage::from_raw(width, height, bytes).map(Self::Rgb),
            Self::Rgba(_) => RgbaImage::from_raw(width, height, bytes).map(Self::Rgba),
        }
        .ok_or_else(failed)
    }

    fn blurred(&self, hundredths: u32) -> Self {
        let sigma = hundredths as f32 / 100.0;
        match self {
            Self::Rgb(image) => Self::Rgb(image::imageops::fast_blur(image, sigma)),
            Self::Rgba(image) => Self::Rgba(image::imageops::fast_blur(image, sigma)),
        }
    }
}

#[cfg(test)]
#[path = "transform_tests.rs"]
mod tests;
