//! The beginning of a connection: who we are and for what.

use bytes::{Buf, Bytes};
use postgres_protocol::authentication::md5_hash;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};
use postgres_protocol::message::frontend;
use tokio_postgres::Config;

use super::wire::{self, Wire};
use super::{Error, Mode};

/// Until the server is ready for commands.
pub(super) async fn sign_in(wire: &mut Wire, config: &Config, mode: Mode) -> Result<(), Error> {
    let user = config.get_user().unwrap_or("postgres");
    let mut parameters = vec![
        ("user", user),
        ("client_encoding", "UTF8"),
        ("application_name", config.get_application_name().unwrap_or("nself")),
    ];
    match mode {
        Mode::Physical => parameters.push(("replication", "true")),
        Mode::Logical => {
            parameters.push(("replication", "database"));
            parameters.push(("database", config.get_dbname().unwrap_or(user)));
        }
    }
    frontend::startup_message(parameters, wire.outgoing())?;
    let password = config.get_password();
    let mut scram = None;
    loop {
        let frame = wire.read().await?;
        match frame.tag {
            b'R' => answer(wire, frame.body, user, password, &mut scram)?,
            b'E' => return Err(wire::refusal(&frame.body)),
            b'Z' => return Ok(()),
            b'S' | b'K' | b'N' | b'v' => {}
            tag => return Err(wire::unexpected(tag)),
        }
    }
}

/// Answers one request for proof of who we are; `scram` is kept from one step to the next.
fn answer(
    wire: &mut Wire,
    mut request: Bytes,
    user: &str,
    password: Option<&[u8]>,
    scram: &mut Option<ScramSha256>,
) -> Result<(), Error> {
    let kind = request.try_get_u32().map_err(|_| Error::Protocol("an empty request to sign in".to_owned()))?;
    let password = || password.ok_or_else(|| Error::Authentication("a password, and there is none".to_owned()));
    let step = || Error::Protocol("a step of SCRAM out of order".to_owned());
    match kind {
        0 => {}
        3 => frontend::password_message(password()?, wire.outgoing())?,
        5 => {
            let salt: [u8; 4] = request.as_ref().try_into().map_err(|_| Error::Protocol("a salt".to_owned()))?;
            let hash = md5_hash(user.as_bytes(), password()?, salt);
            frontend::password_message(hash.as_bytes(), wire.outgoing())?;
        }
        10 => {
            if !request.split(|byte| *byte == 0).any(|name| name == SCRAM_SHA_256.as_bytes()) {
                return Err(Error::Authentication(String::from_utf8_lossy(&request).into_owned()));
            }
            let client = scram.insert(ScramSha256::new(password()?, ChannelBinding::unsupported()));
            frontend::sasl_initial_response(SCRAM_SHA_256, client.message(), wire.outgoing())?;
        }
        11 => {
            let client = scram.as_mut().ok_or_else(step)?;
            client.update(&request)?;
            frontend::sasl_response(client.message(), wire.outgoing())?;
        }
        12 => scram.as_mut().ok_or_else(step)?.finish(&request)?,
        other => return Err(Error::Authentication(format!("authentication method {other}"))),
    }
    Ok(())
}
