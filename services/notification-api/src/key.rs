//! The key that callers present.

use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use service_runtime::Secret;
use subtle::ConstantTimeEq;

/// The header that carries the key, where it is no bearer token.
const X_API_KEY: &str = "x-api-key";

/// Whether `headers` present `key`. How long this takes does not depend on how much of it is right.
pub(crate) fn is_presented(headers: &HeaderMap, key: &Secret) -> bool {
    let bearer = headers.get(AUTHORIZATION).and_then(|value| {
        let (scheme, token) = value.as_bytes().split_at_checked("Bearer ".len())?;
        scheme.eq_ignore_ascii_case(b"Bearer ").then_some(token)
    });
    let header = headers.get(X_API_KEY).map(|value| value.as_bytes());
    bearer.into_iter().chain(header).any(|presented| presented.ct_eq(key.expose().as_bytes()).into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_comes_in_either_header() {
        let key = Secret::new("right".into());
        let presented = |name: &'static str, value: &'static str| {
            let value = value.parse().unwrap();
            is_presented(&HeaderMap::from_iter([(name.parse().unwrap(), value)]), &key)
        };
        assert!(presented("x-api-key", "right"));
        assert!(presented("authorization", "Bearer right"));
        assert!(presented("authorization", "bearer right"));
        for (name, value) in [
            ("x-api-key", "wrong"),
            ("x-api-key", "righ"),
            ("x-api-key", ""),
            ("authorization", "right"),
            ("authorization", "Basic right"),
            ("authorization", "Bearer "),
        ] {
            assert!(!presented(name, value), "{name}: {value}");
        }
        assert!(!is_presented(&HeaderMap::new(), &key));
    }
}
