//! The front door: routes, TLS, limits, compression and access log.
