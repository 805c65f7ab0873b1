//! The providers, as data: where they answer, what they are asked for, and what their profiles look like.
//!
//! Sources: each provider's documentation, and Nhost's scopes and fields, so that accounts made through Nhost's service
//! are found again by the same id.

/// How a provider is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    /// OAuth 2.0's authorization code flow (RFC 6749).
    OAuth2,
    /// OAuth 1.0a (RFC 5849), which only Twitter still has.
    OAuth1,
}

/// Where the client's secret goes in requests to the token endpoint (RFC 6749, 2.3.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ClientAuth {
    Form,
    Basic,
}

/// Whether an address in a profile is one that its owner has proven to have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verified {
    /// A flag says so: `true`, `"true"`.
    Flag(&'static str),
    /// A value says so by being there.
    Set(&'static str),
    /// The provider documents that it shows only confirmed addresses.
    Always,
    /// Whoever administers a directory may give its users any address, so only a directory that the settings name.
    OwnTenant,
    Never,
}

/// Where a picture is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Picture {
    None,
    At(&'static str),
    /// Made of the id and the hash at this place.
    Discord(&'static str),
}

/// Where things are in a profile. All places are JSON pointers (RFC 6901).
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// The object that the other places are in.
    pub root: &'static str,
    pub id: &'static str,
    /// The first that is there.
    pub email: &'static [&'static str],
    pub verified: Verified,
    /// The first alternative of which a part is there; its parts with spaces between.
    pub name: &'static [&'static [&'static str]],
    pub picture: Picture,
    pub locale: &'static str,
}

/// A list of addresses, for profiles that have none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Emails {
    pub url: &'static str,
    pub list: &'static str,
    pub address: &'static str,
    pub verified: &'static str,
    pub primary: &'static str,
}

/// Who signs id tokens, and with what keys.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdToken {
    pub issuer: &'static str,
    pub keys: &'static str,
}

/// A provider. `{tenant}` in URLs is the directory of the settings.
#[derive(Debug)]
pub(crate) struct Definition {
    pub name: &'static str,
    pub protocol: Protocol,
    pub authorize: &'static str,
    pub token: &'static str,
    /// Empty: the id token is the profile.
    pub profile: &'static str,
    pub emails: Option<Emails>,
    pub id_token: Option<IdToken>,
    pub scopes: &'static [&'static str],
    /// Between scopes; a space by the standard.
    pub scope_separator: &'static str,
    /// Whether it checks PKCE (RFC 7636). Where that is not known it is left out: some refuse what they do not know.
    pub pkce: bool,
    pub client_auth: ClientAuth,
    /// More parameters of the authorization URL.
    pub parameters: &'static [(&'static str, &'static str)],
    /// Parameters that a client may give with `/signin/provider/…`.
    pub passed_on: &'static [&'static str],
    /// The browser comes back with a form that another site sent, so cookies of `SameSite=Lax` stay away.
    pub form_post: bool,
    /// Its profile endpoint wants the client's id in this header too.
    pub client_id_header: Option<&'static str>,
    pub shape: Shape,
}

const OPENID: Shape = Shape {
    root: "",
    id: "/sub",
    email: &["/email"],
    verified: Verified::Flag("/email_verified"),
    name: &[&["/name"], &["/given_name", "/family_name"]],
    picture: Picture::At("/picture"),
    locale: "/locale",
};

const PLAIN: Definition = Definition {
    name: "",
    protocol: Protocol::OAuth2,
    authorize: "",
    token: "",
    profile: "",
    emails: None,
    id_token: None,
    scopes: &[],
    scope_separator: " ",
    pkce: false,
    client_auth: ClientAuth::Form,
    parameters: &[],
    passed_on: &["login_hint", "prompt"],
    form_post: false,
    client_id_header: None,
    shape: OPENID,
};

/// All of them, by name.
pub(crate) const ALL: &[Definition] = &[
    Definition {
        name: "apple",
        authorize: "https://appleid.apple.com/auth/authorize",
        token: "https://appleid.apple.com/auth/token",
        id_token: Some(IdToken { issuer: "https://appleid.apple.com", keys: "https://appleid.apple.com/auth/keys" }),
        scopes: &["name", "email"],
        // Apple gives name and address in this mode only.
        parameters: &[("response_mode", "form_post")],
        form_post: true,
        ..PLAIN
    },
    Definition {
        name: "azuread",
        authorize: "https://login.microsoftonline.com/{tenant}/oauth2/authorize",
        token: "https://login.microsoftonline.com/{tenant}/oauth2/token",
        profile: "https://login.microsoftonline.com/{tenant}/openid/userinfo",
        scopes: &["email", "profile", "openid", "offline_access"],
        parameters: &[("prompt", "select_account")],
        passed_on: &["login_hint", "domain_hint"],
        shape: Shape { id: "/oid", verified: Verified::OwnTenant, picture: Picture::None, ..OPENID },
        ..PLAIN
    },
    Definition {
        name: "bitbucket",
        authorize: "https://bitbucket.org/site/oauth2/authorize",
        token: "https://bitbucket.org/site/oauth2/access_token",
        profile: "https://api.bitbucket.org/2.0/user",
        emails: Some(Emails {
            url: "https://api.bitbucket.org/2.0/user/emails",
            list: "/values",
            address: "/email",
            verified: "/is_confirmed",
            primary: "/is_primary",
        }),
        scopes: &["account"],
        client_auth: ClientAuth::Basic,
        shape: Shape { id: "/uuid", name: &[&["/display_name"]], picture: Picture::At("/links/avatar/href"), ..OPENID },
        ..PLAIN
    },
    Definition {
        name: "discord",
        authorize: "https://discord.com/api/oauth2/authorize",
        token: "https://discord.com/api/oauth2/token",
        profile: "https://discord.com/api/users/@me",
        scopes: &["identify", "email"],
        pkce: true,
        shape: Shape {
            id: "/id",
            verified: Verified::Flag("/verified"),
            name: &[&["/global_name"], &["/username"]],
            picture: Picture::Discord("/avatar"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "entraid",
        authorize: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/authorize",
        token: "https://login.microsoftonline.com/{tenant}/oauth2/v2.0/token",
        profile: "https://graph.microsoft.com/oidc/userinfo",
        scopes: &["email", "profile", "openid", "offline_access"],
        pkce: true,
        passed_on: &["login_hint", "domain_hint", "prompt"],
        shape: Shape {
            verified: Verified::OwnTenant,
            name: &[&["/name"], &["/givenname", "/familyname"], &["/given_name", "/family_name"]],
            // A URL that wants a token.
            picture: Picture::None,
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "facebook",
        authorize: "https://www.facebook.com/v22.0/dialog/oauth",
        token: "https://graph.facebook.com/v22.0/oauth/access_token",
        profile: "https://graph.facebook.com/me?fields=id,name,email,picture",
        scopes: &["email"],
        scope_separator: ",",
        shape: Shape {
            id: "/id",
            verified: Verified::Always,
            name: &[&["/name"]],
            picture: Picture::At("/picture/data/url"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "github",
        authorize: "https://github.com/login/oauth/authorize",
        token: "https://github.com/login/oauth/access_token",
        profile: "https://api.github.com/user",
        emails: Some(Emails {
            url: "https://api.github.com/user/emails",
            list: "",
            address: "/email",
            verified: "/verified",
            primary: "/primary",
        }),
        scopes: &["user:email"],
        pkce: true,
        passed_on: &["login", "prompt"],
        shape: Shape { id: "/id", name: &[&["/name"], &["/login"]], picture: Picture::At("/avatar_url"), ..OPENID },
        ..PLAIN
    },
    Definition {
        name: "gitlab",
        authorize: "https://gitlab.com/oauth/authorize",
        token: "https://gitlab.com/oauth/token",
        profile: "https://gitlab.com/api/v4/user",
        scopes: &["read_user"],
        pkce: true,
        shape: Shape {
            id: "/id",
            verified: Verified::Set("/confirmed_at"),
            name: &[&["/name"], &["/username"]],
            picture: Picture::At("/avatar_url"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "google",
        authorize: "https://accounts.google.com/o/oauth2/v2/auth",
        token: "https://oauth2.googleapis.com/token",
        profile: "https://openidconnect.googleapis.com/v1/userinfo",
        id_token: Some(IdToken {
            issuer: "https://accounts.google.com",
            keys: "https://www.googleapis.com/oauth2/v3/certs",
        }),
        scopes: &["openid", "email", "profile"],
        pkce: true,
        passed_on: &["login_hint", "prompt", "hd", "access_type"],
        ..PLAIN
    },
    Definition {
        name: "linkedin",
        authorize: "https://www.linkedin.com/oauth/v2/authorization",
        token: "https://www.linkedin.com/oauth/v2/accessToken",
        profile: "https://api.linkedin.com/v2/userinfo",
        scopes: &["openid", "profile", "email"],
        // Its locale is an object.
        shape: Shape { locale: "/locale/language", ..OPENID },
        ..PLAIN
    },
    Definition {
        name: "spotify",
        authorize: "https://accounts.spotify.com/authorize",
        token: "https://accounts.spotify.com/api/token",
        profile: "https://api.spotify.com/v1/me",
        scopes: &["user-read-email", "user-read-private"],
        pkce: true,
        client_auth: ClientAuth::Basic,
        shape: Shape {
            id: "/id",
            // Spotify's reference: "there is no proof that it actually belongs to the user".
            verified: Verified::Never,
            name: &[&["/display_name"]],
            picture: Picture::At("/images/0/url"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "strava",
        authorize: "https://www.strava.com/api/v3/oauth/authorize",
        token: "https://www.strava.com/api/v3/oauth/token",
        profile: "https://www.strava.com/api/v3/athlete",
        scopes: &["profile:read_all"],
        scope_separator: ",",
        parameters: &[("approval_prompt", "force")],
        shape: Shape {
            id: "/id",
            email: &[],
            verified: Verified::Never,
            name: &[&["/firstname", "/lastname"], &["/username"]],
            picture: Picture::At("/profile_medium"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "twitch",
        authorize: "https://id.twitch.tv/oauth2/authorize",
        token: "https://id.twitch.tv/oauth2/token",
        profile: "https://api.twitch.tv/helix/users",
        scopes: &["user:read:email"],
        client_id_header: Some("client-id"),
        shape: Shape {
            root: "/data/0",
            id: "/id",
            verified: Verified::Always,
            name: &[&["/display_name"]],
            picture: Picture::At("/profile_image_url"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "twitter",
        protocol: Protocol::OAuth1,
        authorize: "https://api.twitter.com/oauth/authorize",
        token: "https://api.twitter.com/oauth/access_token",
        profile: "https://api.twitter.com/1.1/account/verify_credentials.json?include_email=true",
        passed_on: &["force_login", "screen_name"],
        shape: Shape {
            id: "/id_str",
            verified: Verified::Always,
            name: &[&["/name"], &["/screen_name"]],
            picture: Picture::At("/profile_image_url_https"),
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "windowslive",
        authorize: "https://login.live.com/oauth20_authorize.srf",
        token: "https://login.live.com/oauth20_token.srf",
        profile: "https://apis.live.net/v5.0/me",
        scopes: &["wl.basic", "wl.emails"],
        shape: Shape {
            id: "/id",
            email: &["/emails/preferred", "/emails/account"],
            // Nothing says whether an address is confirmed.
            verified: Verified::Never,
            name: &[&["/name"], &["/first_name", "/last_name"]],
            picture: Picture::None,
            ..OPENID
        },
        ..PLAIN
    },
    Definition {
        name: "workos",
        authorize: "https://api.workos.com/sso/authorize",
        token: "https://api.workos.com/sso/token",
        profile: "https://api.workos.com/sso/profile",
        passed_on: &["organization", "connection", "login_hint", "domain_hint"],
        shape: Shape {
            id: "/id",
            // Each customer's own directory asserts what it likes.
            verified: Verified::Never,
            name: &[&["/first_name", "/last_name"]],
            picture: Picture::None,
            ..OPENID
        },
        ..PLAIN
    },
];

/// The one with this name.
pub(crate) fn find(name: &str) -> Option<&'static Definition> {
    ALL.iter().find(|definition| definition.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_sorted_and_every_url_is_https() {
        assert!(ALL.is_sorted_by_key(|definition| definition.name));
        for definition in ALL {
            let more = definition.emails.map(|emails| emails.url).into_iter();
            let more = more.chain(definition.id_token.map(|id_token| id_token.keys));
            for url in [definition.authorize, definition.token].into_iter().chain(more) {
                assert!(url.starts_with("https://"), "{}: {url}", definition.name);
            }
            assert!(definition.profile.is_empty() == (definition.name == "apple"), "{}", definition.name);
        }
    }
}
