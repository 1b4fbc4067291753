//! The body of a request, from the connection into memory.

use axum::body::{Body, HttpBody};
use http_body_util::BodyExt;

use crate::problem::Problem;
use crate::room::{Memory, Room};

/// The most values that a body may hold, names of members counted in. A value takes some hundred times the memory of its text.
pub(crate) const MOST_VALUES: usize = 10_000;

/// Reads a body of at most `max_bytes`, once `memory` has room for all of it.
///
/// # Errors
/// When it is too large, there is no room, or it ends too early.
pub(crate) async fn read(mut body: Body, max_bytes: usize, memory: &Memory) -> Result<(Vec<u8>, Room), Problem> {
    // What the head says; nothing of a body in chunks.
    let announced = body.size_hint().exact().map_or(Ok(max_bytes), usize::try_from);
    let announced = announced.ok().filter(|bytes| *bytes <= max_bytes).ok_or(Problem::TooLarge(max_bytes))?;
    let mut room = memory.take(announced).ok_or(Problem::Overloaded)?;
    let mut bytes = Vec::new();
    // Copied as they come: a frame may be a byte, and keep a whole buffer of the connection.
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(|_| Problem::CutOff)?.into_data() else { continue };
        if bytes.len() + data.len() > max_bytes {
            return Err(Problem::TooLarge(max_bytes));
        }
        bytes.extend_from_slice(&data);
    }
    room.shrink(bytes.len());
    Ok((bytes, room))
}

/// Whether a JSON text has more values and names than [`MOST_VALUES`], without building any of them.
pub(crate) fn has_too_many_values(text: &[u8]) -> bool {
    let (mut values, mut in_string, mut escaped) = (1_usize, false, false);
    for byte in text {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_string => escaped = true,
            b'"' => in_string = !in_string,
            b'[' | b'{' | b',' | b':' if !in_string => values += 1,
            _ => {}
        }
    }
    values > MOST_VALUES
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Bytes;
    use futures::stream;

    #[test]
    fn values_are_counted_outside_of_strings() {
        let array = |of: &str| format!("{{\"a\":[{}]}}", vec![of; MOST_VALUES].join(","));
        assert!(has_too_many_values(array("[]").as_bytes()));
        assert!(has_too_many_values(array("1").as_bytes()));
        let text = format!(r#"{{"message":"\\\"{}"}}"#, "[,:{".repeat(MOST_VALUES));
        assert!(!has_too_many_values(text.as_bytes()));
        assert!(!has_too_many_values(br#"{"message":"m","template_data":{"a":[1,2]}}"#));
    }

    #[tokio::test]
    async fn a_body_without_a_length_takes_what_it_may_have_until_it_is_read() {
        let memory = Memory::new(100);
        let chunks =
            || Body::from_stream(stream::iter(["ab", "c"].map(|text| Ok::<_, std::io::Error>(Bytes::from(text)))));
        assert!(matches!(read(chunks(), 101, &memory).await, Err(Problem::Overloaded)));
        let (bytes, _room) = read(chunks(), 100, &memory).await.unwrap();
        assert_eq!(bytes, b"abc");
        assert!(memory.take(97).is_some() && memory.take(98).is_none());
        assert!(matches!(read(chunks(), 2, &memory).await, Err(Problem::TooLarge(2))));
    }

    #[tokio::test]
    async fn a_body_with_a_length_is_turned_away_before_it_is_read() {
        let memory = Memory::new(100);
        assert!(matches!(read(Body::from("abc"), 2, &memory).await, Err(Problem::TooLarge(2))));
        let _room = memory.take(98).unwrap();
        assert!(matches!(read(Body::from("abc"), 100, &memory).await, Err(Problem::Overloaded)));
        assert!(read(Body::from("ab"), 100, &memory).await.is_ok());
    }
}
