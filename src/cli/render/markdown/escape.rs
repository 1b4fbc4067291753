//! Text from outside, so that it stays text on GitHub.

use crate::cli::style::harmless;

/// Characters of a name or a note on one line.
const LINE: usize = 300;

/// What stands in the hidden first line: nothing that could end a comment.
pub(super) fn marker(name: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '.');
    name.chars().map(|character| if plain(character) { character } else { '_' }).take(LINE).collect()
}

/// Text without what steers, hides or reorders what is read; line breaks and tabs are left.
pub(super) fn visible(text: &str) -> String {
    let hidden = |character: char| matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}');
    let text = harmless(text);
    if !text.contains(hidden) {
        return text;
    }
    let mut clean = String::with_capacity(text.len());
    for character in text.chars() {
        if hidden(character) { clean.extend(character.escape_unicode()) } else { clean.push(character) }
    }
    clean
}

/// Text on one line, for a code block.
pub(super) fn line(text: &str) -> String {
    cut(&one_line(text), LINE)
}

fn one_line(text: &str) -> String {
    visible(text).replace('\n', "\\n").replace('\t', "\\t")
}

/// The beginning of a text that is too long, with how long it is.
pub(super) fn cut(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}… ({} characters)", &text[..end], text.chars().count()),
        None => text.to_owned(),
    }
}

/// Text as a code span, delimited by more backticks than it has.
pub(super) fn code(text: &str) -> String {
    let text = line(text);
    if text.is_empty() {
        return "` `".to_owned();
    }
    let longest = text.split(|character| character != '`').map(str::len).max().unwrap_or(0);
    let ticks = "`".repeat(longest + 1);
    let space = if text.starts_with('`') || text.ends_with('`') { " " } else { "" };
    format!("{ticks}{space}{text}{space}{ticks}")
}

/// Sentences: nothing in them is Markdown, HTML, a mention or a reference. A space without width keeps `@` and `#` from
/// what follows.
pub(super) fn prose(text: &str) -> String {
    let text = cut(&one_line(text), LINE);
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '@' | '#' => {
                out.push(character);
                out.push('\u{200b}');
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '`' => out.push_str("&#96;"),
            '\\' | '*' | '_' | '[' | ']' | '~' | '|' | '!' | '$' => {
                out.push('\\');
                out.push(character);
            }
            other => out.push(other),
        }
    }
    out.replace("GH-", "GH\u{200b}-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_marker_is_the_name_and_never_ends_early() {
        assert_eq!(marker("notification"), "notification");
        assert_eq!(marker("my--stack"), "my--stack");
        assert_eq!(marker("a--> <b>"), "a--___b_");
    }

    #[test]
    fn code_spans_are_delimited_by_more_backticks_than_they_hold() {
        for (text, span) in [("a", "`a`"), ("a`b", "``a`b``"), ("``", "``` `` ```"), ("a\nb", "`a\\nb`"), ("", "` `")] {
            assert_eq!(code(text), span);
        }
    }

    #[test]
    fn prose_is_neither_markup_nor_a_mention() {
        assert_eq!(prose("see @team, *now* <b> #12"), "see @\u{200b}team, \\*now\\* &lt;b&gt; #\u{200b}12");
    }
}
