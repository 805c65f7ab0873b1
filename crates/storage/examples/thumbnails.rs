//! What the image crate alone does on this machine: `thumbnails <file> <threads> <pictures a thread>` decodes, makes smaller
//! and encodes, and prints pictures a second. `thumbnails picture <file>` writes a picture to try it with, 4000 x 3000.
//! Part of `benches/storage/run`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a measuring program, run by hand")]

use std::time::Instant;

use image::codecs::jpeg::JpegEncoder;
use image::imageops::FilterType;
use image::{DynamicImage, RgbImage};

/// That which the service is asked for.
const QUALITY: u8 = 75;

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [first, second, rest @ ..] = arguments.as_slice() else { panic!("see the head of the source") };
    if first == "picture" {
        return std::fs::write(second, picture()).unwrap();
    }
    let file = std::fs::read(first).unwrap();
    let (threads, count): (usize, usize) = (second.parse().unwrap(), rest[0].parse().unwrap());
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| (0..count).for_each(|number| assert!(!thumbnail(&file, number).is_empty())));
        }
    });
    println!("{:.2}", (threads * count) as f64 / began.elapsed().as_secs_f64());
}

fn thumbnail(file: &[u8], number: usize) -> Vec<u8> {
    let side = |least: usize| u32::try_from(least + number % 40).unwrap();
    let image = image::load_from_memory(file).unwrap();
    let small = image.resize_exact(side(300), side(200), FilterType::Lanczos3);
    encoded(&small)
}

fn encoded(image: &DynamicImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    image.write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY)).unwrap();
    bytes
}

/// As much detail as a photograph has: waves of several lengths and a little noise.
fn picture() -> Vec<u8> {
    let mut noise = 1_u32;
    let image = RgbImage::from_fn(4000, 3000, |x, y| {
        noise = noise.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        let wave = |length: f32| ((x as f32 / length).sin() + (y as f32 / length).cos()) * 40.0;
        let grain = (noise >> 28) as f32;
        image::Rgb([wave(310.0), wave(97.0), wave(23.0)].map(|value| (128.0 + value + grain) as u8))
    });
    encoded(&DynamicImage::ImageRgb8(image))
}
