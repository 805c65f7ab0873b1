//! Pixels into a file's bytes.

use image::codecs::avif::AvifEncoder;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb, RgbImage};

use super::Format;
use super::transform::{Failed, Pixels};

/// AVIF's encoder has a scale from 1 (best) to 10 (fastest). Somebody waits for the picture.
const AVIF_SPEED: u8 = 9;

/// Writes a picture with its colour profile (which AVIF's encoder does not take).
pub(super) fn encode(
    pixels: &Pixels,
    format: Format,
    quality: u8,
    profile: Option<Vec<u8>>,
) -> Result<Vec<u8>, Failed> {
    let mut bytes = Vec::new();
    match format {
        Format::Webp => return webp(pixels, quality, profile.as_deref()),
        Format::Jpeg => {
            let encoder = JpegEncoder::new_with_quality(&mut bytes, quality);
            match pixels {
                Pixels::Rgb(_) => write(encoder, pixels, profile),
                Pixels::Rgba(image) => write(encoder, &Pixels::Rgb(on_black(image)), profile),
            }
        }
        Format::Png => write(PngEncoder::new(&mut bytes), pixels, profile),
        Format::Avif => {
            // One thread: how many work is decided by how many pictures are made at once.
            let encoder = AvifEncoder::new_with_speed_quality(&mut bytes, AVIF_SPEED, quality);
            write(encoder.with_num_threads(Some(1)), pixels, profile)
        }
    }
    .map_err(|_| Failed::Encoder { format: format.mime_type() })?;
    Ok(bytes)
}

fn write(mut encoder: impl ImageEncoder, pixels: &Pixels, profile: Option<Vec<u8>>) -> image::ImageResult<()> {
    if let Some(profile) = profile {
        // A format without profiles is written without.
        let _ = encoder.set_icc_profile(profile);
    }
    let (width, height) = pixels.size();
    let kind = match pixels {
        Pixels::Rgb(_) => ExtendedColorType::Rgb8,
        Pixels::Rgba(_) => ExtendedColorType::Rgba8,
    };
    encoder.write_image(pixels.bytes(), width, height, kind)
}

/// JPEG has no transparency: what is behind is black, as with libvips.
fn on_black(image: &image::RgbaImage) -> RgbImage {
    let mut opaque = RgbImage::new(image.width(), image.height());
    for (to, from) in opaque.pixels_mut().zip(image.pixels()) {
        let [red, green, blue, alpha] = from.0.map(u16::from);
        let over = |colour: u16| (colour * alpha / 255) as u8;
        *to = Rgb([over(red), over(green), over(blue)]);
    }
    opaque
}

fn webp(pixels: &Pixels, quality: u8, profile: Option<&[u8]>) -> Result<Vec<u8>, Failed> {
    let (width, height) = pixels.size();
    let encoder = match pixels {
        Pixels::Rgb(image) => webp::Encoder::from_rgb(image.as_raw(), width, height),
        Pixels::Rgba(image) => webp::Encoder::from_rgba(image.as_raw(), width, height),
    };
    let failed = || Failed::Encoder { format: Format::Webp.mime_type() };
    let encoded = encoder.encode_simple(false, f32::from(quality)).map_err(|_| failed())?;
    match profile {
        Some(profile) => with_profile(&encoded, (width, height), profile).ok_or_else(failed),
        None => Ok(encoded.to_vec()),
    }
}

/// The extended file format (developers.google.com/speed/webp/docs/riff_container): a header that says what there is,
/// the profile, and the chunks of the simple file.
fn with_profile(simple: &[u8], (width, height): (u32, u32), profile: &[u8]) -> Option<Vec<u8>> {
    const PROFILE: u8 = 0x20;
    const ALPHA: u8 = 0x10;
    let chunks = simple.strip_prefix(b"RIFF")?.get(4..)?.strip_prefix(b"WEBP")?;
    let (flags, chunks) = match chunks.strip_prefix(b"VP8X") {
        // Of a picture with transparency: length, flags, 3 bytes of nothing, 3 for each side.
        Some(extended) => (extended.get(4)? | PROFILE, extended.get(14..)?),
        None => (PROFILE | if chunks.starts_with(b"VP8L") { ALPHA } else { 0 }, chunks),
    };
    let mut body = Vec::with_capacity(simple.len() + profile.len() + 64);
    body.extend_from_slice(b"WEBPVP8X");
    body.extend_from_slice(&10_u32.to_le_bytes());
    body.extend_from_slice(&[flags, 0, 0, 0]);
    body.extend_from_slice(&(width - 1).to_le_bytes()[..3]);
    body.extend_from_slice(&(height - 1).to_le_bytes()[..3]);
    body.extend_from_slice(b"ICCP");
    body.extend_from_slice(&u32::try_from(profile.len()).ok()?.to_le_bytes());
    body.extend_from_slice(profile);
    if profile.len() % 2 == 1 {
        body.push(0);
    }
    body.extend_from_slice(chunks);
    let mut file = b"RIFF".to_vec();
    file.extend_from_slice(&u32::try_from(body.len()).ok()?.to_le_bytes());
    file.extend_from_slice(&body);
    Some(file)
}
