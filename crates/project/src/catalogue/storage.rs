//! Storage: under the names of Nhost's service, and under the Bash tool's where that had its own.

use super::{Group, Kind, Required, Setting, Strength};

pub(super) const GROUPS: &[Group] = &[Group { title: "Storage", settings: STORAGE }];

const STORAGE: &[Setting] = &[
    Setting::new("STORAGE_ENABLED", Kind::Flag, "Run storage").default("true").aliases(&["MINIO_ENABLED"]),
    Setting::new("STORAGE_VERSION", Kind::Text, "Image tag of hasura-storage").default("0.6.1"),
    Setting::new("STORAGE_PORT", Kind::Port, "Port of the storage API").default("5001"),
    Setting::new("STORAGE_ROUTE", Kind::Route, "Sub-domain of storage").default("storage"),
    Setting::new("STORAGE_S3_ROUTE", Kind::Route, "Sub-domain of the S3 API").default("s3").since("0.1"),
    Setting::new("STORAGE_CONSOLE_ROUTE", Kind::Route, "Sub-domain of its console").default("storage-console"),
    Setting::new("FILES_ROUTE", Kind::Route, "Older route of files").default("files.${BASE_DOMAIN}"),
    Setting::new("STORAGE_PUBLIC_URL", Kind::Url, "URL of storage that browsers see; the front door's when not set")
        .since("0.1"),
    Setting::new(
        "STORAGE_BACKEND",
        Kind::Choice(&["folder", "s3", "gcs", "azure"]),
        "Where the bytes are: a folder of this machine, or a bucket of a cloud",
    )
    .default("folder")
    .since("0.1"),
    Setting::new("STORAGE_FOLDER", Kind::Path, "That folder; one in the project's data when not set").since("0.1"),
    Setting::new("STORAGE_PREFIX", Kind::Text, "Path within the cloud's bucket")
        .aliases(&["S3_ROOT_FOLDER"])
        .since("0.1"),
    Setting::new(
        "STORAGE_S3_ENDPOINT",
        Kind::Url,
        "S3, or what speaks its protocol; Amazon's for the region when not set",
    )
    .since("0.1"),
    Setting::new("STORAGE_S3_REGION", Kind::Text, "Its region; S3_REGION when not set").since("0.1"),
    Setting::new("STORAGE_S3_BUCKET", Kind::Text, "Its bucket; S3_BUCKET when not set").since("0.1"),
    Setting::new(
        "STORAGE_S3_ACCESS_KEY",
        Kind::Text,
        "Key for it; what AWS_ACCESS_KEY_ID or the machine's role says when not set",
    )
    .since("0.1"),
    Setting::new("STORAGE_S3_SECRET_KEY", Kind::Secret(Strength::External), "Its secret").since("0.1"),
    Setting::new("STORAGE_GCS_BUCKET", Kind::Text, "Bucket at Google").since("0.1"),
    Setting::new("STORAGE_GCS_CREDENTIALS", Kind::Path, "Key file of a service account at Google").since("0.1"),
    Setting::new("STORAGE_GCS_ENDPOINT", Kind::Url, "An emulator of Google's storage").since("0.1"),
    Setting::new("AZURE_STORAGE_ACCOUNT", Kind::Text, "Account at Azure").since("0.1"),
    Setting::new("AZURE_STORAGE_KEY", Kind::Secret(Strength::External), "Its key").since("0.1"),
    Setting::new("AZURE_STORAGE_CONTAINER", Kind::Text, "Its container").since("0.1"),
    Setting::new("AZURE_STORAGE_ENDPOINT", Kind::Url, "Another address than Azure's own for the account").since("0.1"),
    Setting::new("STORAGE_VERIFY_CHECKSUMS", Kind::Flag, "Check what is read back against its checksum")
        .default("false")
        .since("0.1"),
    Setting::new("CLAMAV_SERVER", Kind::Text, "Virus scanner that looks into uploads, `tcp://host:3310`"),
    Setting::new(
        "STORAGE_SCANNER_URL",
        Kind::Url,
        "Virus scanner over HTTP: uploads are posted to it, it answers `{\"virus\": null}` or a name",
    )
    .since("0.1"),
    Setting::new("STORAGE_MAX_FILE_SIZE", Kind::Bytes, "Largest upload").default("52428800"),
    Setting::new("STORAGE_ALLOWED_MIME_TYPES", Kind::List, "Types of files accepted")
        .default("image/*,video/*,application/pdf"),
    Setting::new("MINIO_VERSION", Kind::Text, "Image tag of MinIO").default("latest"),
    Setting::new("MINIO_PORT", Kind::Port, "Port of the S3 API").default("9000"),
    Setting::new("MINIO_CONSOLE_PORT", Kind::Port, "Port of its console").default("9001"),
    Setting::new("MINIO_ROOT_USER", Kind::Text, "Root user of the S3 API").default("minioadmin"),
    Setting::new("MINIO_ROOT_PASSWORD", Kind::Secret(Strength::Password), "Root password of the S3 API")
        .required(Required::Recommended(&["STORAGE_ENABLED"])),
    Setting::new("MINIO_DEFAULT_BUCKETS", Kind::List, "Buckets that exist from the start")
        .default("uploads,public,private,temp"),
    Setting::new("MINIO_REGION", Kind::Text, "Region").default("us-east-1"),
    Setting::new("MINIO_ENDPOINT", Kind::Text, "Where command-line helpers reach it").default("localhost:9000"),
    Setting::new("S3_ACCESS_KEY", Kind::Text, "S3 key").default("${MINIO_ROOT_USER}"),
    Setting::new("S3_SECRET_KEY", Kind::Secret(Strength::External), "S3 secret").default("${MINIO_ROOT_PASSWORD}"),
    Setting::new("S3_BUCKET", Kind::Text, "Default bucket").default("nhost"),
    Setting::new("S3_REGION", Kind::Text, "Region").default("us-east-1"),
    Setting::new("S3_ENDPOINT", Kind::Url, "Where services reach it").default("http://minio:9000"),
];
