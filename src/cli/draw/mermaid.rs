//! A picture as a Mermaid flowchart, which GitHub and GitLab draw in Markdown.

use std::fmt::Write as _;

use super::Picture;

/// The picture as Mermaid text.
pub(in crate::cli) fn mermaid(picture: &Picture) -> String {
    let mut out = format!("---\ntitle: {}\n---\nflowchart RL\n", serde_json::Value::from(picture.title.as_str()));
    level(picture, None, 1, &mut out);
    for (from, to) in &picture.edges {
        let _ = writeln!(out, "  r{from} --> r{to}");
    }
    out
}

fn level(picture: &Picture, cluster: Option<usize>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for (index, shown) in picture.vertices.iter().enumerate().filter(|(_, shown)| shown.cluster == cluster) {
        let _ = writeln!(out, "{indent}r{index}[\"{}<br/>{}\"]", escaped(&shown.name), escaped(&shown.kind));
    }
    for (index, inner) in picture.clusters.iter().enumerate().filter(|(_, inner)| inner.parent == cluster) {
        let _ = writeln!(out, "{indent}subgraph c{index}[\"{}\"]", escaped(&inner.name));
        level(picture, Some(index), depth + 1, out);
        let _ = writeln!(out, "{indent}end");
    }
}

/// Mermaid's own entities, by number.
fn escaped(text: &str) -> String {
    text.chars().fold(String::new(), |mut out, character| {
        match character {
            '"' | '#' | '<' | '>' | '&' | '`' => {
                let _ = write!(out, "#{};", u32::from(character));
            }
            other => out.push(other),
        }
        out
    })
}
