//! Settings of storage: where the bytes are, who signs URLs, what is accepted.

use std::path::Path;

use project::{Secret, Settings};
use stack::Plan;
use storage::{Backend, Error, Options, S3Keys, Scanner};

/// The folder of the bytes in a project's data, which archives hold and a reset removes.
const FOLDER: &str = "storage";

/// Where the bytes are. `root` is the project's folder, `data` its data's.
///
/// # Errors
/// [`Error::Store`]: a setting that the backend needs is missing.
pub fn backend(settings: &Settings, root: &Path, data: &Path) -> Result<Backend, Error> {
    let text = |name: &str| settings.text(name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    let own = |name: &str| text(name).filter(|_| settings.is_set(name));
    let needed = |name: &str| text(name).ok_or_else(|| Error::Store { why: format!("{name} is not set") });
    let prefix = text("STORAGE_PREFIX").unwrap_or_default();
    Ok(match settings.text("STORAGE_BACKEND").unwrap_or("folder") {
        "s3" => {
            let id = own("STORAGE_S3_ACCESS_KEY").or_else(|| own("AWS_ACCESS_KEY_ID"));
            let secret = settings.secret("STORAGE_S3_SECRET_KEY").or_else(|| settings.secret("AWS_SECRET_ACCESS_KEY"));
            Backend::S3 {
                endpoint: own("STORAGE_S3_ENDPOINT"),
                region: text("STORAGE_S3_REGION").map_or_else(|| needed("S3_REGION"), Ok)?,
                bucket: text("STORAGE_S3_BUCKET").map_or_else(|| needed("S3_BUCKET"), Ok)?,
                keys: id.zip(secret),
                root: prefix,
            }
        }
        "gcs" => Backend::Gcs {
            endpoint: text("STORAGE_GCS_ENDPOINT"),
            bucket: needed("STORAGE_GCS_BUCKET")?,
            credential: text("STORAGE_GCS_CREDENTIALS").map(|path| root.join(path)),
            root: prefix,
        },
        "azure" => {
            let account = needed("AZURE_STORAGE_ACCOUNT")?;
            let usual = || format!("https://{account}.blob.core.windows.net");
            Backend::Azure {
                endpoint: text("AZURE_STORAGE_ENDPOINT").unwrap_or_else(usual),
                container: needed("AZURE_STORAGE_CONTAINER")?,
                key: Secret::new(needed("AZURE_STORAGE_KEY")?),
                account,
                root: prefix,
            }
        }
        _ => Backend::folder(text("STORAGE_FOLDER").map_or_else(|| data.join(FOLDER), |path| root.join(path))),
    })
}

/// Fills in everything but who is asked and where the rows and bytes are.
///
/// # Errors
/// [`Error::Store`]: the scanner's address is none.
pub fn apply(settings: &Settings, plan: &Plan, options: &mut Options) -> Result<(), Error> {
    options.public_url = public_url(settings, plan);
    if let Some(text) = settings.text("CLAMAV_SERVER") {
        let scanner = Scanner::parse(text);
        let wrong = || Error::Store { why: "CLAMAV_SERVER is not like tcp://host:3310".to_owned() };
        options.scanner = Some(scanner.ok_or_else(wrong)?);
    }
    if let Some(url) = settings.text("STORAGE_SCANNER_URL").filter(|url| !url.is_empty()) {
        let wrong = |why: &str| Error::Store { why: format!("STORAGE_SCANNER_URL: {why}") };
        if options.scanner.is_some() {
            return Err(wrong("CLAMAV_SERVER is set too; one of them looks"));
        }
        options.scanner = Some(Scanner::http(url).map_err(|why| wrong(&why))?);
    }
    // Their defaults are the Bash tool's, which nothing has ever obeyed.
    if settings.is_set("STORAGE_MAX_FILE_SIZE") {
        options.max_file_size = settings.bytes("STORAGE_MAX_FILE_SIZE");
    }
    if settings.is_set("STORAGE_ALLOWED_MIME_TYPES") {
        options.allowed_types = settings.list("STORAGE_ALLOWED_MIME_TYPES");
    }
    options.s3 = s3_keys(settings);
    options.verify_reads = settings.flag("STORAGE_VERIFY_CHECKSUMS");
    if let Ok(host) = nix::unistd::gethostname() {
        options.instance = format!("{}@{}", plan.project, host.to_string_lossy());
    }
    Ok(())
}

/// Who may use the S3 API: whoever has the project's root keys. Without a secret there is no such API.
fn s3_keys(settings: &Settings) -> Option<S3Keys> {
    let text = |name: &str| settings.text(name).filter(|text| !text.trim().is_empty()).map(str::to_owned);
    Some(S3Keys {
        access_key: text("S3_ACCESS_KEY")?,
        secret_key: Secret::new(text("S3_SECRET_KEY")?),
        region: text("S3_REGION").unwrap_or_else(|| "us-east-1".to_owned()),
    })
}

/// Signs presigned URLs: made of a secret of the project that every server of it has, and of no use for anything else.
pub fn signing_key(settings: &Settings) -> Result<Secret, project::Error> {
    let secret = ["HASURA_GRAPHQL_ADMIN_SECRET", "HASURA_JWT_KEY", "HASURA_GRAPHQL_JWT_SECRET"]
        .iter()
        .find_map(|name| settings.secret(name).filter(|secret| !secret.expose().is_empty()));
    match secret {
        Some(secret) => Ok(Secret::new(format!("nself presigned URLs {}", secret.expose()))),
        // URLs end with the server then.
        None => project::secrets::generate(),
    }
}

fn public_url(settings: &Settings, plan: &Plan) -> String {
    let own = settings.text("STORAGE_PUBLIC_URL").map(|url| url.trim_end_matches('/').to_owned());
    own.unwrap_or_else(|| crate::auth_options::front_door_url(plan, settings.tier(), "/v1/storage"))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use project::EnvName;

    use super::*;

    fn backend_of(pairs: &[(&str, &str)]) -> Result<Backend, Error> {
        let settings = Settings::from_pairs(EnvName::dev(), pairs.iter().copied()).unwrap();
        backend(&settings, Path::new("/shop"), Path::new("/shop/.nself/data"))
    }

    #[test]
    fn bytes_are_in_the_projects_data_unless_the_settings_say_otherwise() {
        let folder = |pairs: &[(&str, &str)]| match backend_of(pairs).unwrap() {
            Backend::Folder { root } => root.display().to_string(),
            other => panic!("{other:?}"),
        };
        assert_eq!(folder(&[]), "/shop/.nself/data/storage");
        assert_eq!(folder(&[("STORAGE_FOLDER", "files")]), "/shop/files");
        assert_eq!(folder(&[("STORAGE_FOLDER", "/srv/files")]), "/srv/files");
    }

    #[test]
    fn clouds_need_their_names() {
        let s3 = backend_of(&[("STORAGE_BACKEND", "s3"), ("STORAGE_S3_BUCKET", "shop")]).unwrap();
        assert!(matches!(s3, Backend::S3 { endpoint: None, keys: None, bucket, .. } if bucket == "shop"));
        for (backend, missing) in [("gcs", "STORAGE_GCS_BUCKET"), ("azure", "AZURE_STORAGE_ACCOUNT")] {
            let error = backend_of(&[("STORAGE_BACKEND", backend)]).unwrap_err();
            assert!(matches!(error, Error::Store { why } if why.contains(missing)));
        }
    }

    #[test]
    fn urls_are_signed_with_a_key_of_their_own() {
        let settings = Settings::from_pairs(EnvName::dev(), [("HASURA_GRAPHQL_ADMIN_SECRET", "hush")]).unwrap();
        let key = signing_key(&settings).unwrap();
        assert!(key.expose() != "hush" && key == signing_key(&settings).unwrap());
    }
}
