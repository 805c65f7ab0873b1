//! Users, sessions and tokens, as Nhost's clients expect them.
