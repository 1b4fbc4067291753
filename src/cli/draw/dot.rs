//! A picture as DOT, for Graphviz.

use std::fmt::Write as _;

use super::Picture;

/// The picture as DOT text.
pub(in crate::cli) fn dot(picture: &Picture) -> String {
    let mut out = format!("digraph {} {{\n", quoted(&picture.title));
    out.push_str("  rankdir=RL;\n  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    level(picture, None, 1, &mut out);
    for (from, to) in &picture.edges {
        let _ = writeln!(out, "  r{from} -> r{to};");
    }
    out.push_str("}\n");
    out
}

fn level(picture: &Picture, cluster: Option<usize>, depth: usize, out: &mut String) {
    let indent = "  ".repeat(depth);
    for (index, shown) in picture.vertices.iter().enumerate().filter(|(_, shown)| shown.cluster == cluster) {
        let label = quoted(&format!("{}\n{}", shown.name, shown.kind));
        let _ = writeln!(out, "{indent}r{index} [label={label}];");
    }
    for (index, inner) in picture.clusters.iter().enumerate().filter(|(_, inner)| inner.parent == cluster) {
        let _ = writeln!(out, "{indent}subgraph cluster_{index} {{\n{indent}  label={};", quoted(&inner.name));
        level(picture, Some(index), depth + 1, out);
        let _ = writeln!(out, "{indent}}}");
    }
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n"))
}
