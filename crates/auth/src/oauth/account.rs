//! Whose account a provider's account is.
//!
//! The provider's id decides. An e-mail address finds an account only when the provider says that its owner has proven to
//! have it; otherwise anybody could enter somebody else's address there and get in here.

use serde_json::json;
use uuid::Uuid;

use super::profile::Profile;
use super::state::Intent;
use crate::accounts::{self, SignUpOptions, Wanted};
use crate::api::caller::Caller;
use crate::api::failure::{Code, Failure};
use crate::emails::{self, Carried, Template};
use crate::store::users::{self, NewUser, User};
use crate::store::{GenericClient, duplicate, row, run};
use crate::{Handle, events, tickets};

/// What came of it.
#[expect(clippy::large_enum_variant, reason = "one is made for each sign-in, and taken apart at once")]
pub(crate) enum Outcome {
    /// The user may sign in.
    Ready(User),
    /// A new user, whose address the provider has not verified. A mail is on its way.
    MustVerify,
    /// A new user, and new users are disabled.
    Disabled,
}

/// Finds or makes the user of a provider's account. `client` is in a transaction.
///
/// # Errors
/// The user may not sign in, or there may not be a new one; the address belongs to an account that the provider has not
/// proven to be the same person's ([`Code::UnverifiedUser`]); with [`Intent::SignUp`], there is an account already.
pub(crate) async fn settle<C: GenericClient>(
    handle: &Handle,
    client: &C,
    provider: &'static str,
    profile: &Profile,
    intent: Intent,
    options: SignUpOptions,
    caller: &Caller,
) -> Result<Outcome, Failure> {
    // Two windows that come back at once must not make two users.
    let subject = format!("auth provider {provider} {}", profile.id);
    row(client, "SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", &[&subject]).await?;
    if let Some(user) = linked(client, provider, &profile.id).await? {
        if intent == Intent::SignUp {
            return Err(Code::UserAlreadyExists.into());
        }
        return sign_in(handle, client, user, profile, caller).await;
    }
    let known = match &profile.email {
        Some(email) => users::by_email(client, email.as_str()).await?,
        None => None,
    };
    match known {
        None => sign_up(handle, client, provider, profile, options, caller).await,
        Some(_) if intent == Intent::SignUp => Err(Code::UserAlreadyExists.into()),
        Some(_) if !profile.email_verified => {
            tracing::info!(provider, "an account of a provider is not linked by an address that is not verified there");
            Err(Code::UnverifiedUser.into())
        }
        Some(user) => {
            accounts::may_sign_in(handle, &user, Wanted::MayBeUnverified)?;
            if !user.email_verified {
                reclaim(client, &user, caller).await?;
            }
            insert(client, user.id, provider, &profile.id).await?;
            record_link(client, user.id, provider, caller).await?;
            let user = users::by_id(client, user.id).await?.ok_or(Code::InvalidRequest)?;
            Ok(Outcome::Ready(user))
        }
    }
}

async fn sign_in<C: GenericClient>(
    handle: &Handle,
    client: &C,
    mut user: User,
    profile: &Profile,
    caller: &Caller,
) -> Result<Outcome, Failure> {
    let same = match (&profile.email, &user.email) {
        (Some(theirs), Some(ours)) => theirs.as_str().eq_ignore_ascii_case(ours),
        _ => false,
    };
    accounts::may_sign_in(handle, &user, Wanted::MayBeUnverified)?;
    if same && profile.email_verified && !user.email_verified {
        users::verify_email(client, user.id).await?;
        events::record(client, events::Kind::EmailVerified, Some(user.id), caller, None).await?;
        user.email_verified = true;
    }
    accounts::may_sign_in(handle, &user, Wanted::Regular)?;
    Ok(Outcome::Ready(user))
}

async fn sign_up<C: GenericClient>(
    handle: &Handle,
    client: &C,
    provider: &'static str,
    profile: &Profile,
    mut options: SignUpOptions,
    caller: &Caller,
) -> Result<Outcome, Failure> {
    accounts::may_sign_up(handle, profile.email.as_ref())?;
    if options.locale.is_none() {
        options.locale = profile.locale.clone().map(crate::api::body::Locale);
    }
    let name = profile.name.as_deref().or(profile.email.as_ref().map(|email| email.as_str()));
    let checked = options.check(handle, name.unwrap_or(&profile.id))?;
    let mut new = match &profile.email {
        Some(email) => checked.user(handle, email),
        None => checked.user_without_email(handle),
    };
    new.email_verified = profile.email_verified;
    if let Some(picture) = &profile.picture {
        new.avatar_url.clone_from(picture);
    }
    let user = users::insert(client, &new).await?;
    insert(client, user.id, provider, &profile.id).await?;
    let details = json!({ "method": provider });
    events::record(client, events::Kind::SignedUp, Some(user.id), caller, Some(&details)).await?;
    if user.disabled {
        return Ok(Outcome::Disabled);
    }
    let accounts = &handle.options().accounts;
    if accounts.require_verified_email && user.email.is_some() && !user.email_verified {
        let ticket = tickets::issue(client, user.id, tickets::Kind::VerifyEmail, None).await?;
        let email = emails::Email {
            template: Template::EmailVerify,
            to: user.email.as_deref().unwrap_or_default(),
            user: &user,
            secret: Carried::Ticket(tickets::Kind::VerifyEmail, &ticket),
            redirect_to: &checked.redirect_to,
        };
        emails::send(handle, &email).await?;
        return Ok(Outcome::MustVerify);
    }
    Ok(Outcome::Ready(user))
}

/// Adds a provider's account to a user who is signed in.
///
/// # Errors
/// It belongs to somebody else ([`Code::ProviderAccountAlreadyLinked`]).
pub(crate) async fn connect<C: GenericClient>(
    client: &C,
    user: &User,
    provider: &'static str,
    profile: &Profile,
    caller: &Caller,
) -> Result<(), Failure> {
    match linked(client, provider, &profile.id).await? {
        Some(owner) if owner.id == user.id => Ok(()),
        Some(_) => Err(Code::ProviderAccountAlreadyLinked.into()),
        None => {
            insert(client, user.id, provider, &profile.id).await?;
            record_link(client, user.id, provider, caller).await
        }
    }
}

async fn record_link<C: GenericClient>(client: &C, user: Uuid, provider: &str, caller: &Caller) -> Result<(), Failure> {
    let details = json!({ "provider": provider });
    Ok(events::record(client, events::Kind::ProviderLinked, Some(user), caller, Some(&details)).await?)
}

/// Who has a provider's account.
async fn linked<C: GenericClient>(client: &C, provider: &str, id: &str) -> Result<Option<User>, Failure> {
    let sql = "SELECT user_id FROM auth.user_providers WHERE provider_id = $1 AND provider_user_id = $2";
    match row(client, sql, &[&provider, &id]).await? {
        Some(found) => Ok(users::by_id(client, found.try_get(0)?).await?),
        None => Ok(None),
    }
}

async fn insert<C: GenericClient>(client: &C, user: Uuid, provider: &str, id: &str) -> Result<(), Failure> {
    let sql = "INSERT INTO auth.user_providers (user_id, provider_id, provider_user_id, access_token) \
               VALUES ($1, $2, $3, '')";
    match run(client, sql, &[&user, &provider, &id]).await {
        Ok(_) => Ok(()),
        Err(error) if duplicate(&error).is_some() => Err(Code::ProviderAccountAlreadyLinked.into()),
        Err(error) => Err(error.into()),
    }
}

/// Gives an account to the proven owner of its address. Nobody had proven it before, so whoever made the account may have
/// waited for this: every other way in is closed.
pub(crate) async fn reclaim<C: GenericClient>(client: &C, user: &User, caller: &Caller) -> Result<(), Failure> {
    for sql in [
        "UPDATE auth.users SET email_verified = true, password_hash = NULL, totp_secret = NULL, active_mfa_type = NULL, \
         phone_number = NULL, phone_number_verified = false, new_email = NULL, otp_hash = NULL, ticket = NULL \
         WHERE id = $1",
        "DELETE FROM auth.refresh_tokens WHERE user_id = $1",
        "DELETE FROM auth.user_security_keys WHERE user_id = $1",
        "DELETE FROM auth.user_providers WHERE user_id = $1",
        "DELETE FROM auth.recovery_codes WHERE user_id = $1",
        "DELETE FROM auth.tickets WHERE user_id = $1",
        "DELETE FROM auth.pkce_authorization_codes WHERE user_id = $1",
        "DELETE FROM auth.oauth2_refresh_tokens WHERE user_id = $1",
    ] {
        run(client, sql, &[&user.id]).await?;
    }
    Ok(events::record(client, events::Kind::AccountReclaimed, Some(user.id), caller, None).await?)
}

impl accounts::SignUp {
    /// The row of a new user whose provider tells no address.
    fn user_without_email(&self, handle: &Handle) -> NewUser {
        NewUser {
            disabled: handle.options().accounts.disable_new_users,
            display_name: self.display_name.clone(),
            locale: self.locale.clone(),
            default_role: self.default_role.clone(),
            roles: self.roles.clone(),
            metadata: self.metadata.clone(),
            ..NewUser::default()
        }
    }
}
