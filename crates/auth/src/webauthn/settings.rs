//! Who asks for keys: the relying party.

use std::time::Duration;

use webauthn_rs::WebauthnBuilder;
use webauthn_rs::prelude::{Url, Webauthn};

use crate::Handle;
use crate::api::failure::{Code, Failure};

/// The relying party. Names in brackets are the settings.
#[derive(Debug, Clone)]
pub struct Settings {
    /// What browsers show (`AUTH_WEBAUTHN_RP_NAME`).
    pub rp_name: String,
    /// The domain that keys are made for; the frontend's when none (`AUTH_WEBAUTHN_RP_ID`).
    pub rp_id: Option<String>,
    /// Where else than at the frontend keys may be used, as URLs (`AUTH_WEBAUTHN_RP_ORIGINS`).
    pub origins: Vec<String>,
    /// How long a user may take (`AUTH_WEBAUTHN_ATTESTATION_TIMEOUT`, milliseconds).
    pub timeout: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        Self { rp_name: "nself".to_owned(), rp_id: None, origins: Vec::new(), timeout: Duration::from_secs(60) }
    }
}

const LONGEST: Duration = Duration::from_secs(3600);

/// # Errors
/// The setting that cannot be used, and why.
pub(crate) fn party(settings: &Settings, client_url: &str) -> Result<Webauthn, (&'static str, String)> {
    let parse = |name: &'static str, text: &str| Url::parse(text.trim()).map_err(|error| (name, error.to_string()));
    let client = parse("AUTH_CLIENT_URL", client_url)?;
    let mut origins = vec![client.clone()];
    for origin in &settings.origins {
        origins.push(parse("AUTH_WEBAUTHN_RP_ORIGINS", origin)?);
    }
    let id = match settings.rp_id.as_deref().map(str::trim).filter(|id| !id.is_empty()) {
        Some(id) => id.to_owned(),
        None => client.domain().map(str::to_owned).ok_or_else(|| {
            ("AUTH_WEBAUTHN_RP_ID", "it is not set, and the frontend's URL has no domain but an address".to_owned())
        })?,
    };
    let of_domain = |origin: &&Url| {
        origin
            .domain()
            .is_some_and(|domain| domain == id || domain.strip_suffix(&id).is_some_and(|rest| rest.ends_with('.')))
    };
    let wrong = || ("AUTH_WEBAUTHN_RP_ID", "no origin belongs to this domain".to_owned());
    let first = origins.iter().find(of_domain).ok_or_else(wrong)?;
    let builder = WebauthnBuilder::new(&id, first).map_err(|_| wrong())?;
    let builder = builder.rp_name(&settings.rp_name).timeout(settings.timeout.min(LONGEST));
    let builder =
        origins.iter().filter(|origin| *origin != first).fold(builder, WebauthnBuilder::append_allowed_origin);
    builder.build().map_err(|error| ("AUTH_WEBAUTHN_RP_ID", error.to_string()))
}

impl Handle {
    /// # Errors
    /// [`Code::DisabledEndpoint`]
    pub(crate) fn party(&self) -> Result<&Webauthn, Failure> {
        self.webauthn().ok_or_else(|| Code::DisabledEndpoint.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_and_origins() {
        let settings = |id: Option<&str>, origins: &[&str]| Settings {
            rp_id: id.map(str::to_owned),
            origins: origins.iter().map(|origin| (*origin).to_owned()).collect(),
            ..Settings::default()
        };
        assert!(party(&settings(None, &[]), "http://localhost:3000").is_ok());
        assert!(party(&settings(Some("shop.org"), &["https://shop.org"]), "https://app.shop.org").is_ok());
        assert!(party(&settings(Some("shop.org"), &["https://www.shop.org"]), "http://localhost:3000").is_ok());
        let name = |settings, url| party(&settings, url).err().map(|(name, _)| name);
        assert_eq!(name(settings(Some("shop.org"), &[]), "https://myshop.org"), Some("AUTH_WEBAUTHN_RP_ID"));
        assert_eq!(name(settings(None, &[]), "http://127.0.0.1:3000"), Some("AUTH_WEBAUTHN_RP_ID"));
        assert_eq!(name(settings(None, &["shop"]), "http://localhost:3000"), Some("AUTH_WEBAUTHN_RP_ORIGINS"));
    }
}
