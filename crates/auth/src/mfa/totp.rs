//! Time-based one-time passwords (RFC 6238) as apps have them: SHA-1, six digits, 30 seconds, one step of skew.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use project::Secret;
use qrcode::{Color, EcLevel, QrCode};
use totp_rs::{Builder, Totp};
use uuid::Uuid;

use crate::store::{GenericClient, row};

/// Pixels of a module of the picture.
const SCALE: usize = 6;

/// Modules of white around it, as the standard wants.
const QUIET: usize = 4;

/// A new secret.
pub struct Made {
    /// In base32.
    pub secret: Secret,
    /// A `data:` URL of a PNG with the QR code of [`url`].
    pub image_url: Secret,
}

/// # Errors
/// The system has no random numbers, or the names are too long for a picture.
pub fn make(issuer: &str, account: &str) -> Result<Made, String> {
    let mut bytes = [0; 20];
    getrandom::fill(&mut bytes).map_err(|error| error.to_string())?;
    let secret = Secret::new(totp_rs::Secret::new_stack(bytes).to_base32());
    let png = picture(&url(issuer, account, secret.expose())).map_err(|why| format!("no picture: {why}"))?;
    Ok(Made { image_url: Secret::new(format!("data:image/png;base64,{}", STANDARD.encode(png))), secret })
}

/// What apps read (Google Authenticator's key URI format).
fn url(issuer: &str, account: &str, secret: &str) -> String {
    let encode = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
    let (issuer, account) = (encode(issuer), encode(account));
    let (label, named) = match &*issuer {
        "" => (account, String::new()),
        issuer => (format!("{issuer}:{account}"), format!("&issuer={issuer}")),
    };
    format!("otpauth://totp/{label}?secret={secret}{named}&algorithm=SHA1&digits=6&period=30")
}

fn picture(text: &str) -> Result<Vec<u8>, String> {
    let code = QrCode::with_error_correction_level(text, EcLevel::M).map_err(|error| error.to_string())?;
    let (modules, width) = (code.to_colors(), code.width());
    let side = (width + 2 * QUIET) * SCALE;
    let mut pixels = vec![255; side * side];
    for (at, _) in modules.iter().enumerate().filter(|(_, module)| **module == Color::Dark) {
        let (left, top) = ((at % width + QUIET) * SCALE, (at / width + QUIET) * SCALE);
        for y in top..top + SCALE {
            pixels[y * side + left..y * side + left + SCALE].fill(0);
        }
    }
    let side = u32::try_from(side).map_err(|error| error.to_string())?;
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side, side);
    encoder.set_color(png::ColorType::Grayscale);
    encoder.set_depth(png::BitDepth::Eight);
    let written = encoder.write_header().and_then(|mut writer| writer.write_image_data(&pixels));
    written.map_err(|error| error.to_string())?;
    Ok(out)
}

/// Whether it looks like a code of an app.
pub fn is_code(text: &str) -> bool {
    text.len() == 6 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// The 30-second step that the code is of, when it is right just now. Compared in constant time.
pub fn step(secret: &Secret, code: &str) -> Option<u64> {
    totp(secret)?.check_current(code).filter(|_| is_code(code))
}

fn totp(secret: &Secret) -> Option<Totp> {
    let text = secret.expose().trim().trim_end_matches('=').to_ascii_uppercase();
    let secret = totp_rs::Secret::try_from_base32(text).ok()?;
    // Upstream's secrets are long enough; what an administrator has written into the table may not be.
    Some(Builder::new().with_secret(secret).build_noncompliant())
}

/// Whether no code of this step or a later one has signed the user in; from now on one has.
pub async fn is_first<C: GenericClient>(client: &C, user: Uuid, step: u64) -> Result<bool, tokio_postgres::Error> {
    let sql = "INSERT INTO auth.totp_steps AS steps (user_id, step) VALUES ($1, $2) \
               ON CONFLICT (user_id) DO UPDATE SET step = excluded.step WHERE steps.step < excluded.step RETURNING true";
    // Seconds since 1970 by 30.
    let step = i64::try_from(step).unwrap_or(i64::MAX);
    Ok(row(client, sql, &[&user, &step]).await?.is_some())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_apps_read() {
        let read = url("My Shop", "ann@example.org", "ABC");
        let expected = "otpauth://totp/My%20Shop:ann%40example%2Eorg?secret=ABC&issuer=My%20Shop";
        assert!(read.starts_with(expected), "{read}");
        assert!(url("", "ann", "ABC").starts_with("otpauth://totp/ann?secret=ABC&algorithm"));
    }

    #[test]
    fn a_secret_gives_codes() {
        let made = make("Shop", "ann@example.org").unwrap();
        let now = totp(&made.secret).unwrap().generate_current().to_string();
        assert!(is_code(&now) && step(&made.secret, &now).is_some());
        let far = totp(&made.secret).unwrap().generate(1_000_000_000).to_string();
        assert!(far == now || step(&made.secret, &far).is_none());
        assert!(step(&Secret::new("not base 32".to_owned()), &now).is_none());
    }

    #[test]
    fn the_picture_says_the_url() {
        let png = picture("otpauth://totp/x").unwrap();
        let decoder = png::Decoder::new(std::io::Cursor::new(png));
        let mut reader = decoder.read_info().unwrap();
        let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut pixels).unwrap();
        let side = info.width as usize;
        let code = QrCode::with_error_correction_level("otpauth://totp/x", EcLevel::M).unwrap();
        assert_eq!(side, (code.width() + 2 * QUIET) * SCALE);
        for (at, module) in code.to_colors().iter().enumerate() {
            let (x, y) = (at % code.width() + QUIET, at / code.width() + QUIET);
            let pixel = pixels[(y * SCALE + SCALE / 2) * side + x * SCALE + SCALE / 2];
            assert_eq!(pixel == 0, *module == Color::Dark, "module {at}");
        }
    }
}
