//! A picture as SVG, for browsers and documents, with no other program.

use std::fmt::Write as _;

use super::Picture;
use super::layout::{Rect, layout};

/// Colours of the services, in the order in which they appear.
const SERVICES: [&str; 10] =
    ["#2563eb", "#ea580c", "#7c3aed", "#dc2626", "#059669", "#db2777", "#ca8a04", "#0891b2", "#65a30d", "#475569"];

/// The picture as an SVG document.
pub(in crate::cli) fn svg(picture: &Picture) -> String {
    let layout = layout(picture);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{w}\" height=\"{h}\" viewBox=\"0 0 {w} {h}\" \
         font-family=\"Helvetica, Arial, sans-serif\">\n<title>{}</title>\n",
        escaped(&picture.title),
        w = layout.width,
        h = layout.height,
    );
    out.push_str(
        "<defs><marker id=\"to\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" markerWidth=\"7\" markerHeight=\"7\" \
         orient=\"auto\"><path d=\"M0 0 L8 4 L0 8 z\" fill=\"#64748b\"/></marker></defs>\n\
         <rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
    );
    for (cluster, rect) in picture.clusters.iter().zip(&layout.clusters) {
        let Rect { x, y, width, height } = rect;
        let _ = writeln!(
            out,
            "<rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"8\" fill=\"#0f172a\" \
             fill-opacity=\"0.04\" stroke=\"#94a3b8\"/>\n\
             <text x=\"{}\" y=\"{}\" font-size=\"12\" font-weight=\"bold\" fill=\"#475569\">{}</text>",
            x + 10,
            y + 16,
            escaped(&cluster.name),
        );
    }
    for points in &layout.edges {
        let _ = writeln!(
            out,
            "<path d=\"{}\" fill=\"none\" stroke=\"#64748b\" stroke-width=\"1.2\" stroke-opacity=\"0.7\" \
             marker-end=\"url(#to)\"/>",
            curve(points)
        );
    }
    let services = services(picture);
    for (vertex, rect) in picture.vertices.iter().zip(&layout.vertices) {
        let Rect { x, y, width, height } = rect;
        let place = services.iter().position(|service| *service == service_of(&vertex.kind)).unwrap_or(0);
        let color = SERVICES[place % SERVICES.len()];
        let _ = writeln!(
            out,
            "<g><rect x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\" rx=\"5\" fill=\"#ffffff\" \
             stroke=\"{color}\"/><rect x=\"{x}\" y=\"{y}\" width=\"5\" height=\"{height}\" rx=\"2\" fill=\"{color}\"/>\
             <text x=\"{tx}\" y=\"{}\" font-size=\"13\" fill=\"#0f172a\">{}</text>\
             <text x=\"{tx}\" y=\"{}\" font-size=\"10\" fill=\"#64748b\">{}</text></g>",
            y + 16,
            escaped(&vertex.name),
            y + 29,
            escaped(&vertex.kind),
            tx = x + 13,
        );
    }
    out.push_str("</svg>\n");
    out
}

/// A line from the first point to the last: straight across columns, curved between them.
fn curve(points: &[(i32, i32)]) -> String {
    let mut path = String::new();
    for (index, (x, y)) in points.iter().enumerate() {
        let _ = match index {
            0 => write!(path, "M{x} {y}"),
            odd if odd % 2 == 1 => {
                let (from_x, from_y) = points[index - 1];
                let middle = i32::midpoint(from_x, *x);
                write!(path, " C{middle} {from_y} {middle} {y} {x} {y}")
            }
            _ => write!(path, " L{x} {y}"),
        };
    }
    path
}

fn services(picture: &Picture) -> Vec<&str> {
    let mut services = Vec::new();
    for vertex in &picture.vertices {
        let service = service_of(&vertex.kind);
        if !services.contains(&service) {
            services.push(service);
        }
    }
    services
}

fn service_of(kind: &str) -> &str {
    kind.split("::").next().unwrap_or(kind)
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::draw::tests::sample;

    #[test]
    fn svg_text() {
        insta::assert_snapshot!(svg(&sample()));
    }
}
