//! CBOR (RFC 8949), as far as Smithy's RPC v2 uses it: to and from the JSON value that says the same.

use serde_json::{Map, Number, Value};

/// What the names of members end with that are timestamps, which CBOR marks and JSON does not.
const TIMESTAMP: &str = "Timestamp";
/// How deep values may be nested.
const DEEPEST: usize = 64;
/// What the initial byte of a value says of its length where that is not known before its end.
const INDEFINITE: u8 = 31;

/// Reads a value; none where it is not CBOR.
pub(crate) fn read(bytes: &[u8]) -> Option<Value> {
    Reader { rest: bytes }.value(0)
}

/// Writes a value. Members whose names end with `Timestamp` become timestamps.
pub(crate) fn write(value: &Value) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_value(value, &mut bytes);
    bytes
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl Reader<'_> {
    fn byte(&mut self) -> Option<u8> {
        let (first, rest) = self.rest.split_first()?;
        self.rest = rest;
        Some(*first)
    }

    fn bytes(&mut self, length: u64) -> Option<&[u8]> {
        let (taken, rest) = self.rest.split_at_checked(usize::try_from(length).ok()?)?;
        self.rest = rest;
        Some(taken)
    }

    /// The number that follows an initial byte whose lower bits are `low`.
    fn argument(&mut self, low: u8) -> Option<u64> {
        let length = match low {
            0..=23 => return Some(u64::from(low)),
            24..=27 => 1_u64 << (low - 24),
            _ => return None,
        };
        Some(self.bytes(length)?.iter().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEEPEST {
            return None;
        }
        let initial = self.byte()?;
        let low = initial & 0x1f;
        match initial >> 5 {
            0 => Some(Value::from(self.argument(low)?)),
            1 => Some(Value::from(-1 - i64::try_from(self.argument(low)?).ok()?)),
            2 | 3 => self.text(initial >> 5, low).map(Value::from),
            4 => self.items(low, |reader| reader.value(depth + 1)).map(Value::Array),
            5 => {
                let pairs = self.items(low, |reader| {
                    let key = reader.value(depth + 1)?.as_str()?.to_owned();
                    Some((key, reader.value(depth + 1)?))
                });
                Some(Value::Object(pairs?.into_iter().collect::<Map<_, _>>()))
            }
            6 => {
                let _what_it_marks = self.argument(low)?;
                self.value(depth + 1)
            }
            _ => self.simple(low),
        }
    }

    fn text(&mut self, kind: u8, low: u8) -> Option<String> {
        if low != INDEFINITE {
            let length = self.argument(low)?;
            return Some(String::from_utf8_lossy(self.bytes(length)?).into_owned());
        }
        let mut text = String::new();
        loop {
            match self.byte()? {
                0xff => return Some(text),
                initial if initial >> 5 == kind => text.push_str(&self.text(kind, initial & 0x1f)?),
                _ => return None,
            }
        }
    }

    fn items<T>(&mut self, low: u8, mut item: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let mut items = Vec::new();
        if low != INDEFINITE {
            for _ in 0..self.argument(low)? {
                items.push(item(self)?);
            }
            return Some(items);
        }
        while *self.rest.first()? != 0xff {
            items.push(item(self)?);
        }
        self.byte()?;
        Some(items)
    }

    fn simple(&mut self, low: u8) -> Option<Value> {
        let number = match low {
            20 => return Some(Value::Bool(false)),
            21 => return Some(Value::Bool(true)),
            22 | 23 => return Some(Value::Null),
            25 => half(u16::try_from(self.argument(low)?).ok()?),
            26 => f64::from(f32::from_bits(u32::try_from(self.argument(low)?).ok()?)),
            27 => f64::from_bits(self.argument(low)?),
            _ => return None,
        };
        Number::from_f64(number).map(Value::Number)
    }
}

/// A number of two bytes (RFC 8949, appendix D).
fn half(bits: u16) -> f64 {
    let (exponent, mantissa) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let size = match exponent {
        0 => mantissa * 2_f64.powi(-24),
        31 if mantissa == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (mantissa + 1024.0) * 2_f64.powi(exponent - 25),
    };
    if bits & 0x8000 == 0 { size } else { -size }
}

fn write_value(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Null => bytes.push(0xf6),
        Value::Bool(flag) => bytes.push(if *flag { 0xf5 } else { 0xf4 }),
        Value::Number(number) => write_number(number, bytes),
        Value::String(text) => {
            write_head(3, text.len(), bytes);
            bytes.extend(text.as_bytes());
        }
        Value::Array(list) => {
            write_head(4, list.len(), bytes);
            list.iter().for_each(|value| write_value(value, bytes));
        }
        Value::Object(map) => {
            write_head(5, map.len(), bytes);
            for (key, value) in map {
                write_head(3, key.len(), bytes);
                bytes.extend(key.as_bytes());
                if key.ends_with(TIMESTAMP) && value.is_number() {
                    // Tag 1: seconds since 1970.
                    bytes.push(0xc1);
                }
                write_value(value, bytes);
            }
        }
    }
}

fn write_number(number: &Number, bytes: &mut Vec<u8>) {
    let (kind, size) = match (number.as_u64(), number.as_i64()) {
        (Some(size), _) => (0, size),
        (None, Some(negative)) => (1, negative.unsigned_abs() - 1),
        (None, None) => {
            bytes.push(0xfb);
            bytes.extend(number.as_f64().unwrap_or_default().to_be_bytes());
            return;
        }
    };
    bytes.push(kind << 5 | 27);
    bytes.extend(size.to_be_bytes());
}

/// Writes what a value of `kind` begins with: its length, in eight bytes, which fit every length.
fn write_head(kind: u8, length: usize, bytes: &mut Vec<u8>) {
    bytes.push(kind << 5 | 27);
    bytes.extend((length as u64).to_be_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({
            "Name": "ü", "None": null, "Flags": [true, false], "Numbers": [0, 23, 24, -1, -500, 1.5, u64::MAX],
            "Deep": {"Empty": {}, "List": []}, "UpdatedTimestamp": 1_700_000_000.25,
        });
        assert_eq!(read(&write(&value)), Some(value));
    }

    #[test]
    fn all_that_smithy_writes_is_read() {
        let table: [(&[u8], Value); 8] = [
            (&[0xa1, 0x61, b'a', 0x18, 0x64], json!({"a": 100})),
            (&[0xbf, 0x61, b'a', 0x9f, 0x01, 0x02, 0xff, 0xff], json!({"a": [1, 2]})),
            (&[0x7f, 0x61, b'a', 0x61, b'b', 0xff], json!("ab")),
            (&[0xc1, 0x1a, 0, 0, 0, 5], json!(5)),
            (&[0x38, 0x63], json!(-100)),
            (&[0xf9, 0x3e, 0x00], json!(1.5)),
            (&[0xfa, 0x3f, 0xc0, 0, 0], json!(1.5)),
            (&[0xfb, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0], json!(1.5)),
        ];
        for (bytes, wanted) in table {
            assert_eq!(read(bytes), Some(wanted), "{bytes:x?}");
        }
        for bytes in [&[][..], &[0x62, b'a'], &[0x9f, 0x01], &[0x1c], &[0xa1, 0x01, 0x02], &[0x81; 100]] {
            assert_eq!(read(bytes), None, "{bytes:x?}");
        }
    }

    #[test]
    fn timestamps_are_marked() {
        assert_eq!(write(&json!({"AtTimestamp": 1}))[9 + 9 + 11], 0xc1);
        assert_eq!(write(&json!({"At": 1}))[9 + 9 + 2], 0x1b);
    }
}
