//! Mail in development: a catcher that keeps what a project sends, and the senders that deliver it in production.
