//! What several flows share: the options of a sign-up, who may sign in, and making a user.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

use crate::Handle;
use crate::api::body::{Email, Locale, Short};
use crate::api::failure::{Code, Failure};
use crate::options::Accounts;
use crate::store::users::{self, NewUser, User};
use crate::store::{GenericClient, tokens};

/// `options` of sign-ups, as a client sends them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct SignUpOptions {
    pub allowed_roles: Option<Vec<String>>,
    pub default_role: Option<String>,
    pub display_name: Option<Short<32>>,
    pub locale: Option<Locale>,
    pub metadata: Option<Map<String, Value>>,
    pub redirect_to: Option<String>,
}

/// `options` of requests that only say where to go.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub(crate) struct RedirectOptions {
    pub redirect_to: Option<String>,
}

/// The same with the settings' defaults, and allowed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SignUp {
    pub roles: Vec<String>,
    pub default_role: String,
    pub display_name: String,
    pub locale: String,
    pub metadata: Option<Value>,
    pub redirect_to: String,
}

impl SignUpOptions {
    /// # Errors
    /// A role or the URL is not allowed. An unknown locale becomes the default one, as upstream does.
    pub fn check(self, handle: &Handle, name: &str) -> Result<SignUp, Failure> {
        let accounts = &handle.options().accounts;
        let default_role = self.default_role.unwrap_or_else(|| accounts.default_role.clone());
        let allowed = |role: &String| accounts.allowed_roles.contains(role) || *role == accounts.default_role;
        let roles = match self.allowed_roles {
            None => accounts.roles(),
            Some(roles) if roles.iter().all(allowed) => roles,
            Some(_) => return Err(Code::RoleNotAllowed.into()),
        };
        if !roles.contains(&default_role) {
            return Err(Code::DefaultRoleMustBeInAllowedRoles.into());
        }
        let locale = self.locale.map(|locale| locale.0.to_ascii_lowercase());
        let locale = locale.filter(|locale| accounts.allowed_locales.contains(locale));
        Ok(SignUp {
            roles,
            default_role,
            display_name: self.display_name.map_or_else(|| name.to_owned(), |name| name.0),
            locale: locale.unwrap_or_else(|| accounts.default_locale.clone()),
            metadata: self.metadata.map(Value::Object),
            redirect_to: handle.redirects().check(self.redirect_to.as_deref())?,
        })
    }
}

impl SignUp {
    /// The row of a new user with an e-mail address.
    pub fn user(&self, handle: &Handle, email: &Email) -> NewUser {
        let accounts = &handle.options().accounts;
        NewUser {
            disabled: accounts.disable_new_users,
            display_name: self.display_name.clone(),
            avatar_url: avatar(accounts, email.as_str()),
            locale: self.locale.clone(),
            email: Some(email.as_str().to_owned()),
            default_role: self.default_role.clone(),
            roles: self.roles.clone(),
            metadata: self.metadata.clone(),
            ..NewUser::default()
        }
    }
}

impl Accounts {
    /// The roles of a new user.
    pub(crate) fn roles(&self) -> Vec<String> {
        let mut roles = self.allowed_roles.clone();
        if !roles.contains(&self.default_role) {
            roles.push(self.default_role.clone());
        }
        roles
    }

    /// Whether the lists of the settings let the address in.
    pub(crate) fn admits(&self, email: &str) -> bool {
        let email = email.to_ascii_lowercase();
        let domain = email.rsplit_once('@').map_or("", |(_, domain)| domain);
        let has = |list: &[String], text: &str| list.iter().any(|entry| entry.eq_ignore_ascii_case(text));
        let open = self.allowed_emails.is_empty() && self.allowed_email_domains.is_empty();
        let blocked = has(&self.blocked_emails, &email) || has(&self.blocked_email_domains, domain);
        !blocked && (open || has(&self.allowed_emails, &email) || has(&self.allowed_email_domains, domain))
    }
}

/// # Errors
/// Sign-up is disabled, or the address is not let in.
pub(crate) fn may_sign_up(handle: &Handle, email: Option<&Email>) -> Result<(), Failure> {
    let accounts = &handle.options().accounts;
    if accounts.disable_signup {
        return Err(Code::SignupDisabled.into());
    }
    match email {
        Some(email) if !accounts.admits(email.as_str()) => Err(Code::InvalidEmailPassword.into()),
        _ => Ok(()),
    }
}

/// Who is asked about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// Somebody with a verified address where that is wanted, and not anonymous.
    Regular,
    /// The same, verified or not: for flows that verify.
    MayBeUnverified,
    /// Anybody who is not disabled: for sessions that exist.
    Any,
}

/// # Errors
/// The user may not sign in: blocked, disabled, unverified, anonymous.
pub(crate) fn may_sign_in(handle: &Handle, user: &User, wanted: Wanted) -> Result<(), Failure> {
    let accounts = &handle.options().accounts;
    if let Some(email) = &user.email
        && !accounts.admits(email)
    {
        return Err(Code::InvalidEmailPassword.into());
    }
    if user.disabled {
        return Err(Code::DisabledUser.into());
    }
    if wanted == Wanted::Any {
        return Ok(());
    }
    if user.is_anonymous {
        return Err(Code::ForbiddenAnonymous.into());
    }
    let unverified = user.email.is_some() && !user.email_verified && accounts.require_verified_email;
    if wanted == Wanted::Regular && unverified {
        return Err(Code::UnverifiedUser.into());
    }
    Ok(())
}

/// The user of a bearer, who may have been disabled or deleted since.
///
/// # Errors
/// As [`may_sign_in`]; the user or the session is gone.
pub(crate) async fn of_bearer<C: GenericClient>(
    handle: &Handle,
    client: &C,
    bearer: &crate::api::bearer::Bearer,
    wanted: Wanted,
) -> Result<User, Failure> {
    require_session(client, bearer).await?;
    let user = users::by_id(client, bearer.user).await?.ok_or(Code::InvalidEmailPassword)?;
    may_sign_in(handle, &user, wanted)?;
    Ok(user)
}

/// An access token lives on for minutes after its session was ended; here it is asked, so nobody who was signed out can
/// change an account with one.
///
/// # Errors
/// The bearer's session has ended.
pub(crate) async fn require_session<C: GenericClient>(
    client: &C,
    bearer: &crate::api::bearer::Bearer,
) -> Result<(), Failure> {
    match bearer.session {
        Some(session) if !tokens::is_alive(client, bearer.user, session).await? => {
            Err(Failure::Security("the session has ended"))
        }
        _ => Ok(()),
    }
}

/// Gravatar's picture of an address, or nothing.
fn avatar(accounts: &Accounts, email: &str) -> String {
    use std::fmt::Write;

    let Some(gravatar) = &accounts.gravatar else { return String::new() };
    // Gravatar takes SHA-256 of the address since 2024.
    let mut hash = String::new();
    for byte in Sha256::digest(email.trim().to_lowercase().as_bytes()) {
        let _ = write!(hash, "{byte:02x}");
    }
    format!("https://www.gravatar.com/avatar/{hash}?d={}&r={}", gravatar.default, gravatar.rating)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_of_addresses() {
        let list = |text: &str| vec![text.to_owned()];
        let blocked = Accounts { blocked_email_domains: list("Bad.org"), ..Accounts::default() };
        assert!(blocked.admits("a@good.org") && !blocked.admits("A@bad.ORG"));
        let allowed = Accounts {
            allowed_email_domains: list("good.org"),
            allowed_emails: list("x@else.org"),
            blocked_emails: list("y@good.org"),
            ..Accounts::default()
        };
        for (email, admitted) in
            [("a@good.org", true), ("x@else.org", true), ("z@else.org", false), ("y@good.org", false)]
        {
            assert_eq!(allowed.admits(email), admitted, "{email}");
        }
    }
}
