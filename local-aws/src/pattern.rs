//! Patterns in which `*` stands for any text and `?` for any one character, as filters and listener rules have them.

/// Says whether all of `text` is like `pattern`.
pub(crate) fn is_like(text: &[u8], pattern: &[u8]) -> bool {
    let (mut at, mut place) = (0, 0);
    // Where to go on when what follows the last star does not fit: the star, and the text that it takes so far.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        match pattern.get(place) {
            Some(b'*') => {
                star = Some((place, at));
                place += 1;
            }
            Some(expected) if *expected == b'?' || *expected == text[at] => {
                at += 1;
                place += 1;
            }
            _ => {
                let Some((back, taken)) = star else { return false };
                star = Some((back, taken + 1));
                at = taken + 1;
                place = back + 1;
            }
        }
    }
    pattern[place..].iter().all(|left| *left == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_match_as_in_ec2() {
        let table = [
            ("vpc-1", "vpc-1", true),
            ("vpc-1", "vpc-*", true),
            ("vpc-1", "vpc-?", true),
            ("vpc-12", "vpc-?", false),
            ("", "*", true),
            ("", "", true),
            ("", "?", false),
            ("abc", "*b*", true),
            ("abc", "b", false),
            ("aab", "*ab", true),
            ("abab", "*ab*b", true),
            ("abba", "a*b", false),
            ("a*", "a*", true),
        ];
        for (text, pattern, wanted) in table {
            assert_eq!(is_like(text.as_bytes(), pattern.as_bytes()), wanted, "{text} like {pattern}");
        }
    }
}
