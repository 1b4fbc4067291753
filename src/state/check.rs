//! The checksum that every stored document ends with: JSON that was altered may still be JSON.

use sha2::{Digest, Sha256};

use super::entry::FormatError;

const FIELD: &[u8] = b",\"sha256\":\"";
/// In characters.
const DIGEST: usize = 64;
const END: &[u8] = b"\"}\n";

/// A document, one JSON object, with its checksum as the last field.
pub(super) fn checked(mut json: Vec<u8>) -> Vec<u8> {
    while json.last().is_some_and(u8::is_ascii_whitespace) {
        json.pop();
    }
    json.pop();
    let digest = digest(&json);
    for part in [FIELD, digest.as_bytes(), END] {
        json.extend_from_slice(part);
    }
    json
}

/// The document without its checksum, which must fit it.
pub(super) fn verified(bytes: &[u8]) -> Result<Vec<u8>, FormatError> {
    let body = bytes.len().checked_sub(FIELD.len() + DIGEST + END.len()).ok_or(FormatError::Altered)?;
    let (body, tail) = bytes.split_at(body);
    let told = tail.strip_prefix(FIELD).and_then(|tail| tail.strip_suffix(END));
    if told != Some(digest(body).as_bytes()) {
        return Err(FormatError::Altered);
    }
    let mut json = body.to_vec();
    json.push(b'}');
    Ok(json)
}

fn digest(bytes: &[u8]) -> String {
    super::seal::hex(&Sha256::digest(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_altered_byte_is_found() {
        let whole = checked(br#"{"version":2,"name":"a"}"#.to_vec());
        assert_eq!(verified(&whole).unwrap(), br#"{"version":2,"name":"a"}"#);
        serde_json::from_slice::<serde_json::Value>(&whole).unwrap();
        for at in 0..whole.len() {
            let mut altered = whole.clone();
            altered[at] ^= 1;
            verified(&altered).unwrap_err();
        }
        for length in 0..whole.len() {
            verified(&whole[..length]).unwrap_err();
        }
    }
}
