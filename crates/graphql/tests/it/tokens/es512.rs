//! ES512, which the library of the other algorithms does not have. The tokens were made by OpenSSL.

use super::*;

/// With [`claims`], the same with the key id `a`, and one without Hasura's claims.
fn tokens() -> [&'static str; 3] {
    let lines: Vec<&str> = include_str!("../keys/es512.tokens").lines().collect();
    lines.try_into().unwrap()
}

/// As a key set has it: the last 132 bytes of the public key.
fn jwk(more: &Value) -> Value {
    let pem = include_str!("../keys/es512.pub.pem").lines().filter(|line| !line.starts_with('-')).collect::<String>();
    let der = STANDARD.decode(pem).unwrap();
    let (x, y) = der[der.len() - 132..].split_at(66);
    let mut key = json!({"kty": "EC", "crv": "P-521", "x": URL_SAFE_NO_PAD.encode(x), "y": URL_SAFE_NO_PAD.encode(y)});
    key.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    key
}

#[tokio::test]
async fn a_public_key_or_a_certificate_verifies_its_own_and_nothing_else() {
    let [token, named, other] = tokens();
    for public in [include_str!("../keys/es512.pub.pem"), include_str!("../keys/es512.cert.pem")] {
        let authenticator = authenticator(&[json!({"type": "ES512", "key": public})]);
        // Twice: the second time it is known.
        for token in [token, token, named] {
            let session = bearer(&authenticator, token).await.unwrap();
            assert_eq!(session.to_json(), json!({"x-hasura-role": "user", "x-hasura-user-id": "7"}));
        }
        let (head, signature) = token.rsplit_once('.').unwrap();
        let zeros = URL_SAFE_NO_PAD.encode([0; 132]);
        let short = &signature[..signature.len() - 4];
        for signature in ["", "x", short, &zeros, other.rsplit_once('.').unwrap().1] {
            let forged = format!("{head}.{signature}");
            assert_eq!(bearer(&authenticator, &forged).await.unwrap_err(), invalid_signature(), "{signature}");
        }
        for (kind, algorithm, key, _) in pairs() {
            let token = sign(algorithm, &key, &claims());
            assert_eq!(bearer(&authenticator, &token).await.unwrap_err(), invalid_signature(), "{kind}");
        }
    }
    for (kind, _, _, public) in pairs() {
        let authenticator = authenticator(&[json!({"type": kind, "key": public})]);
        assert_eq!(bearer(&authenticator, token).await.unwrap_err(), invalid_signature(), "{kind}");
    }
    let wrong = Jwt::parse(&json!({"type": "ES512", "key": include_str!("../keys/es256.pub.pem")}).to_string());
    assert_eq!(wrong.unwrap_err(), "the key is none on the curve P-521");
}

#[tokio::test]
async fn a_key_of_a_key_set_verifies_it() {
    let verifies = async |key: Value| {
        let set = json!({"keys": [key]});
        let server = Fake::start(move |_| (200, vec![], set.to_string())).await;
        let authenticator = authenticator(&[json!({"jwk_url": server.url("/")})]);
        bearer(&authenticator, tokens()[1]).await.is_ok()
    };
    for more in [json!({}), json!({"alg": "ES512", "kid": "a", "use": "sig"})] {
        assert!(verifies(jwk(&more)).await, "{more}");
    }
    for more in [json!({"alg": "ECDH-ES"}), json!({"alg": "ES256"}), json!({"use": "enc"}), json!({"kid": "b"})] {
        assert!(!verifies(jwk(&more)).await, "{more}");
    }
}
