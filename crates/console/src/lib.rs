//! The web console: live services, URLs and logs behind a one-time sign-in link.
