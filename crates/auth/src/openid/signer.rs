//! Signs id tokens. With the key of access tokens when others can verify that one; a secret they cannot, so then with a
//! key of its own (ES256), which is made once and kept encrypted.

use jsonwebtoken::jwk::{Jwk, PublicKeyUse, ThumbprintHash};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use serde_json::{Map, Value, json};
use tokio_postgres::Transaction;

use crate::oauth::vault::Vault;
use crate::{Error, Handle, Options};

#[expect(clippy::large_enum_variant, reason = "there is one in a process")]
pub(super) enum Signer {
    /// The key of access tokens, of this algorithm.
    Shared(String),
    Own {
        key: EncodingKey,
        public: Jwk,
    },
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Signer").field(&self.algorithm()).finish()
    }
}

/// Two servers that start at once make one key. Any number that nobody else uses.
const LOCK: i64 = 0x6e73_656c_6669_6474;

/// Where the private key stands, for its encryption.
const PLACE: &str = "signing_keys";

impl Signer {
    /// # Errors
    /// PostgreSQL cannot be reached; the system has no random numbers.
    pub async fn new(options: &Options, vault: &Vault) -> Result<Self, Error> {
        let algorithm = options.keys.algorithm();
        if !algorithm.is_secret() {
            return Ok(Self::Shared(algorithm.name()));
        }
        let mut client = options.pool.get().await.map_err(Error::Connect)?;
        let transaction = tokio_postgres::Client::transaction(&mut client).await.map_err(Error::Read)?;
        let kept = kept(&transaction).await.map_err(Error::Read)?;
        // When the key that it was encrypted with is another one now, a new one is made.
        let opened = kept.and_then(|sealed| vault.open(PLACE, &sealed)).and_then(|der| Self::own(&der).ok());
        let signer = match opened {
            Some(signer) => signer,
            None => {
                let (signer, sealed) =
                    make(vault).map_err(|why| Error::setting("AUTH_OAUTH2_PROVIDER_ENABLED", why))?;
                let sql = "INSERT INTO auth.signing_keys (id, private_key) VALUES ($1, $2) ON CONFLICT DO NOTHING";
                transaction.execute(sql, &[&signer.id(), &sealed]).await.map_err(Error::Read)?;
                signer
            }
        };
        transaction.commit().await.map_err(Error::Read)?;
        Ok(signer)
    }

    fn own(der: &[u8]) -> Result<Self, String> {
        let key = EncodingKey::from_ec_der(der);
        let failed =
            |error: jsonwebtoken::errors::Error| format!("no key of id tokens can be made ({:?})", error.kind());
        let mut public = Jwk::from_encoding_key(&key, Algorithm::ES256).map_err(failed)?;
        public.common.key_id = Some(public.thumbprint(ThumbprintHash::SHA256).map_err(failed)?);
        public.common.public_key_use = Some(PublicKeyUse::Signature);
        Ok(Self::Own { key, public })
    }

    fn id(&self) -> Option<&str> {
        match self {
            Self::Shared(_) => None,
            Self::Own { public, .. } => public.common.key_id.as_deref(),
        }
    }

    /// As `alg` says it.
    pub fn algorithm(&self) -> &str {
        match self {
            Self::Shared(name) => name,
            Self::Own { .. } => "ES256",
        }
    }

    /// The public keys.
    pub fn jwks(&self, handle: &Handle) -> Value {
        match self {
            Self::Shared(_) => handle.options().keys.jwks(),
            Self::Own { public, .. } => json!({ "keys": [public] }),
        }
    }

    /// # Errors
    /// The key does not sign.
    pub fn sign(&self, handle: &Handle, claims: &Map<String, Value>) -> Result<String, String> {
        match self {
            Self::Shared(_) => handle.options().keys.sign(claims),
            Self::Own { key, .. } => {
                let mut header = Header::new(Algorithm::ES256);
                header.kid = self.id().map(str::to_owned);
                jsonwebtoken::encode(&header, claims, key).map_err(|error| format!("{:?}", error.kind()))
            }
        }
    }
}

/// The newest key as it is kept; the transaction is the only one that looks.
async fn kept(transaction: &Transaction<'_>) -> Result<Option<String>, tokio_postgres::Error> {
    transaction.execute("SELECT pg_advisory_xact_lock($1)", &[&LOCK]).await?;
    let newest = "SELECT private_key FROM auth.signing_keys ORDER BY created_at DESC LIMIT 1";
    transaction.query_opt(newest, &[]).await?.map(|row| row.try_get(0)).transpose()
}

/// A new key, and as it is kept.
fn make(vault: &Vault) -> Result<(Signer, String), String> {
    let der = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new())
        .map_err(|_| "no key of id tokens can be made".to_owned())?;
    Ok((Signer::own(der.as_ref())?, vault.seal(PLACE, der.as_ref())?))
}
