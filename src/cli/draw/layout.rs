//! Where the parts of a picture stand: a column for each step of dependency, a lane for each component.
//!
//! What is needed stands left of what needs it. A line over several columns bends in the lane it ends in, and lines
//! from one lane to the same resource share their bends.

use std::collections::{BTreeMap, HashMap};

use super::Picture;

const VERTEX_HEIGHT: i32 = 36;
const BEND_HEIGHT: i32 = 6;
const GAP: i32 = 12;
const COLUMN_GAP: i32 = 56;
const MARGIN: i32 = 16;
const HEADER: i32 = 20;
/// Passes over the columns to untangle the lines; more change nothing that can be seen.
const SWEEPS: usize = 12;

/// A rectangle, in pixels.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Rect {
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) width: i32,
    pub(super) height: i32,
}

/// A picture with places.
pub(super) struct Layout {
    pub(super) width: i32,
    pub(super) height: i32,
    /// One for each vertex.
    pub(super) vertices: Vec<Rect>,
    /// One for each cluster.
    pub(super) clusters: Vec<Rect>,
    /// One for each edge: from the dependent's left side, over bends (where it enters and leaves a column), to the
    /// right side of what it depends on.
    pub(super) edges: Vec<Vec<(i32, i32)>>,
}

/// A vertex, or the bend of lines that pass a column.
struct Item {
    cluster: Option<usize>,
    column: usize,
    height: i32,
    neighbours: Vec<usize>,
    y: i32,
}

type Cells = BTreeMap<(Option<usize>, usize), Vec<usize>>;

/// Finds a place for everything in `picture`.
pub(super) fn layout(picture: &Picture) -> Layout {
    let columns = columns(picture);
    let (mut items, paths) = items(picture, &columns);
    let mut cells: Cells = BTreeMap::new();
    for (index, item) in items.iter().enumerate() {
        cells.entry((item.cluster, item.column)).or_default().push(index);
    }
    let mut clusters = vec![Rect::default(); picture.clusters.len()];
    let mut height = place(picture, &cells, &mut items, &mut clusters, None, MARGIN);
    for sweep in 0..SWEEPS {
        untangle(&mut cells, &mut items, sweep % 2 == 0);
        height = place(picture, &cells, &mut items, &mut clusters, None, MARGIN);
    }

    let (lefts, widths) = column_places(picture, &columns);
    let vertices: Vec<_> = picture
        .vertices
        .iter()
        .enumerate()
        .map(|(index, _)| Rect {
            x: lefts[columns[index]],
            y: items[index].y,
            width: widths[columns[index]],
            height: VERTEX_HEIGHT,
        })
        .collect();
    stretch(picture, &vertices, &mut clusters);
    let edges = paths
        .iter()
        .map(|path| {
            let middle = |item: usize| items[item].y + items[item].height / 2;
            let mut points = Vec::new();
            for (step, item) in path.iter().enumerate() {
                let (left, width) = (lefts[items[*item].column], widths[items[*item].column]);
                if step > 0 {
                    points.push((left + width, middle(*item)));
                }
                if step + 1 < path.len() {
                    points.push((left, middle(*item)));
                }
            }
            points
        })
        .collect();
    let width = lefts.iter().zip(&widths).map(|(left, width)| left + width).max().unwrap_or(MARGIN) + MARGIN * 2;
    Layout { width, height: height + MARGIN, vertices, clusters, edges }
}

/// The column of each vertex: right of all that it depends on, and close to what depends on it.
fn columns(picture: &Picture) -> Vec<usize> {
    let mut columns = vec![0; picture.vertices.len()];
    // Dependencies stand before their dependents, so one pass each way is enough.
    for (from, to) in &picture.edges {
        columns[*from] = columns[*from].max(columns[*to] + 1);
    }
    for vertex in (0..columns.len()).rev() {
        let dependents = picture.edges.iter().filter(|(_, to)| *to == vertex).map(|(from, _)| columns[*from]);
        if let Some(nearest) = dependents.min() {
            columns[vertex] = columns[vertex].max(nearest - 1);
        }
    }
    columns
}

/// All items, vertices first, and the items that each edge goes through.
fn items(picture: &Picture, columns: &[usize]) -> (Vec<Item>, Vec<Vec<usize>>) {
    let item = |cluster, column, height| Item { cluster, column, height, neighbours: Vec::new(), y: 0 };
    let mut items: Vec<_> = picture
        .vertices
        .iter()
        .zip(columns)
        .map(|(vertex, column)| item(vertex.cluster, *column, VERTEX_HEIGHT))
        .collect();
    let mut bends = HashMap::new();
    let mut paths = Vec::new();
    for (from, to) in &picture.edges {
        let cluster = picture.vertices[*from].cluster;
        let mut path = vec![*from];
        for column in (columns[*to] + 1..columns[*from]).rev() {
            path.push(*bends.entry((*to, cluster, column)).or_insert_with(|| {
                items.push(item(cluster, column, BEND_HEIGHT));
                items.len() - 1
            }));
        }
        path.push(*to);
        for pair in path.windows(2) {
            items[pair[0]].neighbours.push(pair[1]);
            items[pair[1]].neighbours.push(pair[0]);
        }
        paths.push(path);
    }
    (items, paths)
}

/// Stacks the items of a lane and the lanes inside it from `top`; gives the y under them.
fn place(
    picture: &Picture,
    cells: &Cells,
    items: &mut [Item],
    clusters: &mut [Rect],
    cluster: Option<usize>,
    top: i32,
) -> i32 {
    let own = || cells.iter().filter(|((one, _), _)| *one == cluster).map(|(_, cell)| cell);
    let stack = |items: &[Item], cell: &[usize]| cell.iter().map(|item| items[*item].height + GAP).sum::<i32>();
    let start = if cluster.is_some() { top + HEADER + GAP / 2 } else { top };
    let height = own().map(|cell| stack(items, cell)).max().unwrap_or(0);
    for cell in own() {
        let mut y = start + (height - stack(items, cell)) / 2;
        for item in cell {
            items[*item].y = y;
            y += items[*item].height + GAP;
        }
    }
    let mut bottom = start + height;
    for (inner, _) in picture.clusters.iter().enumerate().filter(|(_, inner)| inner.parent == cluster) {
        bottom = place(picture, cells, items, clusters, Some(inner), bottom) + GAP;
    }
    if let Some(cluster) = cluster {
        clusters[cluster].y = top;
        clusters[cluster].height = bottom - top;
    }
    bottom
}

/// Orders each cell by the mean height of what its items are joined to, column after column.
fn untangle(cells: &mut Cells, items: &mut [Item], rightwards: bool) {
    let mut keys: Vec<_> = cells.keys().copied().collect();
    keys.sort_by_key(|(_, column)| if rightwards { *column as i64 } else { -(*column as i64) });
    for key in keys {
        let Some(cell) = cells.get_mut(&key) else { continue };
        let wish = |item: usize| -> f64 {
            let joined = |side: bool| {
                let neighbours = items[item].neighbours.iter().map(|neighbour| &items[*neighbour]);
                neighbours
                    .filter(move |neighbour| !side || (neighbour.column < key.1) == rightwards)
                    .map(|neighbour| f64::from(neighbour.y + neighbour.height / 2))
                    .collect::<Vec<_>>()
            };
            let mut heights = joined(true);
            if heights.is_empty() {
                heights = joined(false);
            }
            if heights.is_empty() {
                f64::from(items[item].y)
            } else {
                heights.iter().sum::<f64>() / heights.len() as f64
            }
        };
        let mut wishes: Vec<_> = cell.iter().map(|item| (wish(*item), *item)).collect();
        wishes.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
        let top = cell.iter().map(|item| items[*item].y).min().unwrap_or(0);
        *cell = wishes.into_iter().map(|(_, item)| item).collect();
        let mut y = top;
        for item in cell {
            items[*item].y = y;
            y += items[*item].height + GAP;
        }
    }
}

/// The left side and the width of each column, wide enough for its longest text.
fn column_places(picture: &Picture, columns: &[usize]) -> (Vec<i32>, Vec<i32>) {
    let mut widths = vec![0; columns.iter().max().map_or(0, |last| last + 1)];
    for (vertex, column) in picture.vertices.iter().zip(columns) {
        widths[*column] = widths[*column].max(text_width(&vertex.name, 8).max(text_width(&vertex.kind, 6)) + 24);
    }
    let depth = (0..picture.clusters.len()).map(|cluster| depth(picture, cluster)).max().unwrap_or(0);
    let mut left = MARGIN * (depth + 1);
    let lefts = widths
        .iter()
        .map(|width| {
            let here = left;
            left += width + COLUMN_GAP;
            here
        })
        .collect();
    (lefts, widths)
}

fn text_width(text: &str, character: i32) -> i32 {
    i32::try_from(text.chars().count()).unwrap_or(i32::MAX / 16) * character
}

/// How many clusters there are from the outside to this one.
fn depth(picture: &Picture, cluster: usize) -> i32 {
    1 + picture.clusters[cluster].parent.map_or(0, |parent| depth(picture, parent))
}

/// Makes each cluster as wide as what stands in it; inner ones first.
fn stretch(picture: &Picture, vertices: &[Rect], clusters: &mut [Rect]) {
    for cluster in (0..picture.clusters.len()).rev() {
        let own = picture.vertices.iter().zip(vertices).filter(|(vertex, _)| vertex.cluster == Some(cluster));
        let inner = (0..picture.clusters.len()).filter(|inner| picture.clusters[*inner].parent == Some(cluster));
        let rects: Vec<_> = own.map(|(_, rect)| *rect).chain(inner.map(|inner| clusters[inner])).collect();
        let left = rects.iter().map(|rect| rect.x).min().unwrap_or(MARGIN);
        let right = rects.iter().map(|rect| rect.x + rect.width).max().unwrap_or(MARGIN);
        let name = text_width(&picture.clusters[cluster].name, 8) + MARGIN;
        clusters[cluster].x = left - MARGIN / 2 - 2;
        clusters[cluster].width = (right - left + MARGIN + 4).max(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::draw::tests::sample;

    fn apart(one: &Rect, other: &Rect) -> bool {
        one.x + one.width <= other.x
            || other.x + other.width <= one.x
            || one.y + one.height <= other.y
            || other.y + other.height <= one.y
    }

    fn inside(inner: &Rect, outer: &Rect) -> bool {
        inner.x >= outer.x
            && inner.y >= outer.y
            && inner.x + inner.width <= outer.x + outer.width
            && inner.y + inner.height <= outer.y + outer.height
    }

    #[test]
    fn nothing_overlaps_and_clusters_hold_what_is_theirs() {
        let picture = sample();
        let layout = layout(&picture);
        let canvas = Rect { x: 0, y: 0, width: layout.width, height: layout.height };
        for (index, rect) in layout.vertices.iter().enumerate() {
            assert!(inside(rect, &canvas), "{rect:?} is off the canvas");
            for other in &layout.vertices[index + 1..] {
                assert!(apart(rect, other), "{rect:?} and {other:?}");
            }
            for (cluster, frame) in layout.clusters.iter().enumerate() {
                let mut own = picture.vertices[index].cluster;
                while own.is_some_and(|own| own != cluster) {
                    own = own.and_then(|own| picture.clusters[own].parent);
                }
                match own {
                    Some(_) => assert!(inside(rect, frame), "{rect:?} is out of {frame:?}"),
                    None => assert!(apart(rect, frame), "{rect:?} is in {frame:?}"),
                }
            }
        }
    }

    #[test]
    fn what_is_needed_stands_left() {
        let picture = sample();
        let layout = layout(&picture);
        for (from, to) in &picture.edges {
            let (from, to) = (layout.vertices[*from], layout.vertices[*to]);
            assert!(to.x + to.width < from.x);
        }
    }
}
