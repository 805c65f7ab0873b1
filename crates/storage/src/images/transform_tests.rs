#![allow(clippy::unwrap_used)]

use image::codecs::jpeg::JpegEncoder;
use image::{ExtendedColorType, ImageEncoder, Rgb, Rgba};

use super::*;

const SAME: Wanted =
    Wanted { width: None, height: None, blur: 0, quality: 75, format: Format::Png, or: None, original: Format::Png };

/// Left half red, right half blue.
fn halves(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, _| if x < width / 2 { Rgb([255, 0, 0]) } else { Rgb([0, 0, 255]) })
}

fn png(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, ImageFormat::Png).unwrap();
    bytes.into_inner()
}

fn jpeg(image: &RgbImage, exif: Option<&[u8]>, profile: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = JpegEncoder::new_with_quality(&mut bytes, 95);
    if let Some(exif) = exif {
        encoder.set_exif_metadata(exif.to_vec()).unwrap();
    }
    if let Some(profile) = profile {
        encoder.set_icc_profile(profile.to_vec()).unwrap();
    }
    encoder.write_image(image.as_raw(), image.width(), image.height(), ExtendedColorType::Rgb8).unwrap();
    bytes
}

fn open(picture: &Picture) -> DynamicImage {
    let format = ImageFormat::from_mime_type(picture.format.mime_type()).unwrap();
    image::load_from_memory_with_format(&picture.bytes, format).unwrap()
}

#[test]
fn sizes_keep_the_proportions_unless_both_sides_are_given() {
    let source = png(&halves(60, 30).into());
    for (width, height, expected) in [
        (Some(20), None, (20, 10)),
        (None, Some(10), (20, 10)),
        (Some(20), Some(20), (20, 20)),
        (Some(120), None, (120, 60)),
        (Some(1), None, (1, 1)),
        (None, None, (60, 30)),
    ] {
        let made = open(&transform(&source, Wanted { width, height, ..SAME }).unwrap());
        assert_eq!((made.width(), made.height()), expected);
    }
}

#[test]
fn every_format_is_written_and_says_what_it_shows() {
    let source = png(&halves(64, 32).into());
    for format in [Format::Jpeg, Format::Png, Format::Webp, Format::Avif] {
        let made = transform(&source, Wanted { width: Some(32), format, ..SAME }).unwrap();
        assert_eq!(made.format, format);
        if format == Format::Avif {
            // There is no decoder; the file says its type.
            assert_eq!(&made.bytes[4..12], b"ftypavif");
            continue;
        }
        let shown = open(&made).into_rgb8();
        assert_eq!(shown.dimensions(), (32, 16));
        let (left, right) = (shown.get_pixel(4, 8).0, shown.get_pixel(28, 8).0);
        assert!(left[0] > 200 && left[2] < 60, "{format:?} {left:?}");
        assert!(right[2] > 200 && right[0] < 60, "{format:?} {right:?}");
    }
}

#[test]
fn lower_quality_makes_smaller_files() {
    let noise = RgbImage::from_fn(128, 128, |x, y| Rgb([((x * 37) ^ (y * 91)) as u8, (x * y) as u8, (x ^ y) as u8]));
    let source = png(&noise.into());
    for format in [Format::Jpeg, Format::Webp] {
        let size = |quality| transform(&source, Wanted { quality, format, ..SAME }).unwrap().bytes.len();
        assert!(size(20) < size(90), "{format:?}");
    }
}

#[test]
fn a_blur_mixes_neighbours() {
    let source = png(&halves(60, 30).into());
    let sharp = open(&transform(&source, Wanted { height: Some(30), ..SAME }).unwrap()).into_rgb8();
    let blurred = open(&transform(&source, Wanted { blur: 500, ..SAME }).unwrap()).into_rgb8();
    assert_eq!(sharp.get_pixel(29, 15).0, [255, 0, 0]);
    let mixed = blurred.get_pixel(29, 15).0;
    assert!(mixed[0] < 200 && mixed[2] > 60, "{mixed:?}");
    // More blur than there is picture is no error.
    transform(&source, Wanted { blur: 25_000, ..SAME }).unwrap();
}

#[test]
fn transparency_stays_where_the_format_has_it() {
    let half = RgbaImage::from_fn(20, 20, |x, _| Rgba([255, 255, 255, if x < 10 { 0 } else { 255 }]));
    let source = png(&half.into());
    for format in [Format::Png, Format::Webp] {
        let made = open(&transform(&source, Wanted { width: Some(10), format, ..SAME }).unwrap()).into_rgba8();
        assert_eq!((made.get_pixel(1, 5).0[3], made.get_pixel(8, 5).0[3]), (0, 255), "{format:?}");
    }
    let jpeg = open(&transform(&source, Wanted { format: Format::Jpeg, ..SAME }).unwrap()).into_rgb8();
    assert!(jpeg.get_pixel(2, 10).0[0] < 40 && jpeg.get_pixel(18, 10).0[0] > 215);
}

#[test]
fn cameras_pictures_are_turned_and_tell_no_more() {
    // TIFF, little endian; one entry: orientation, a short, 6: turn to the right.
    let exif = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let source = jpeg(&halves(40, 20), Some(exif), None);
    let made = transform(&source, Wanted { format: Format::Jpeg, width: Some(10), ..SAME }).unwrap();
    assert!(!made.bytes.windows(4).any(|window| window == b"Exif"));
    let shown = open(&made).into_rgb8();
    assert_eq!(shown.dimensions(), (10, 20));
    assert!(shown.get_pixel(5, 2).0[0] > 200, "the left half is on top now");
    assert!(shown.get_pixel(5, 17).0[2] > 200);
}

#[test]
fn colour_profiles_are_kept() {
    let profile = vec![7; 301];
    let source = jpeg(&halves(16, 16), None, Some(&profile));
    for format in [Format::Jpeg, Format::Png, Format::Webp] {
        let made = transform(&source, Wanted { width: Some(8), format, ..SAME }).unwrap();
        let reader = ImageReader::new(Cursor::new(&made.bytes)).with_guessed_format().unwrap();
        let mut decoder = reader.into_decoder().unwrap();
        assert_eq!(decoder.icc_profile().unwrap().as_ref(), Some(&profile), "{format:?}");
        assert_eq!(DynamicImage::from_decoder(decoder).unwrap().width(), 8);
    }
}

#[test]
fn bombs_and_what_is_no_picture_are_refused() {
    // The header says 60,000 x 60,000; a JPEG's has no checksum.
    let mut bomb = jpeg(&halves(16, 16), None, None);
    let header = bomb.windows(2).position(|window| window == [0xff, 0xc0]).unwrap();
    for (at, byte) in (header + 5..).zip([0xea, 0x60, 0xea, 0x60]) {
        bomb[at] = byte;
    }
    let refused = transform(&bomb, Wanted { width: Some(10), ..SAME }).unwrap_err();
    assert!(matches!(refused, Failed::TooLarge { width: 60_000, height: 60_000, .. }), "{refused:?}");

    let source = png(&halves(60, 30).into());
    for wanted in [
        Wanted { width: Some(16_384), ..SAME },
        Wanted { height: Some(u32::MAX), ..SAME },
        Wanted { width: Some(10_000), height: Some(10_000), ..SAME },
        Wanted { width: Some(8000), height: Some(4000), format: Format::Avif, ..SAME },
    ] {
        assert!(matches!(transform(&source, wanted), Err(Failed::TooMuch { .. })), "{wanted:?}");
    }
    for bytes in [&b"text"[..], b"", b"GIF89a", &source[..source.len() / 2]] {
        assert!(matches!(transform(bytes, SAME), Err(Failed::Invalid(_))));
    }
}
