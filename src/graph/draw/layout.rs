//! Where the boxes of a picture stand: the layered drawing of Sugiyama, Tagawa and Toda.
//!
//! Every edge leads at least two layers down, with its label as a vertex of its own on the layer between: so labels get room like boxes do
//! and never overlap. An edge over more layers passes through a bend on each.

/// Distance between neighbours of one layer.
const GAP_X: f64 = 28.0;
/// Distance between two layers.
const GAP_Y: f64 = 18.0;
const SWEEPS: usize = 12;
/// Bends pull at each other harder than at boxes, so that long edges are straight.
const BEND_WEIGHT: f64 = 4.0;

/// Width and height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Size {
    pub(super) width: f64,
    pub(super) height: f64,
}

/// A placed rectangle: the centre of its top side, and its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) x: f64,
    pub(super) top: f64,
    pub(super) size: Size,
}

impl Place {
    pub(super) fn bottom(&self) -> f64 {
        self.top + self.size.height
    }
}

/// An edge to place: its ends by index, and the size of its label.
#[derive(Clone, Copy, Debug)]
pub(super) struct Link {
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) label: Size,
}

/// A placed edge.
#[derive(Debug)]
pub(super) struct Route {
    pub(super) label: Place,
    /// The bends between the label and the end, from top to bottom.
    pub(super) bends: Vec<Place>,
}

/// All places. The drawing's corner is at 0, 0.
#[derive(Debug)]
pub(super) struct Layout {
    pub(super) boxes: Vec<Place>,
    pub(super) routes: Vec<Route>,
    pub(super) size: Size,
}

/// A vertex of the layered graph: a box, a label or a bend.
struct Vertex {
    size: Size,
    is_bend: bool,
    layer: usize,
    up: Vec<usize>,
    down: Vec<usize>,
}

/// Places boxes of these sizes. Links lead from lower to higher indices.
pub(super) fn arrange(boxes: &[Size], links: &[Link]) -> Layout {
    let mut layers_of = vec![0; boxes.len()];
    for to in 0..boxes.len() {
        let above = links.iter().filter(|link| link.to == to).map(|link| layers_of[link.from] + 2);
        layers_of[to] = above.max().unwrap_or(0);
    }
    let box_vertex = |(size, layer): (&Size, &usize)| Vertex { size: *size, is_bend: false, layer: *layer, up: vec![], down: vec![] };
    let mut vertices: Vec<Vertex> = boxes.iter().zip(&layers_of).map(box_vertex).collect();
    let chains: Vec<Vec<usize>> = links.iter().map(|link| add_chain(&mut vertices, link)).collect();

    let order = order_layers(&vertices);
    let x = place_across(&vertices, &order);
    let top = place_down(&mut vertices, &order);
    let place = |at: usize| Place { x: x[at], top: top[at], size: vertices[at].size };
    let all = || (0..vertices.len()).map(place);
    Layout {
        boxes: (0..boxes.len()).map(place).collect(),
        routes: chains
            .iter()
            .map(|chain| Route { label: place(chain[0]), bends: chain[1..].iter().map(|bend| place(*bend)).collect() })
            .collect(),
        size: Size {
            width: all().map(|place| place.x + place.size.width / 2.0).fold(0.0, f64::max),
            height: all().map(|place| place.bottom()).fold(0.0, f64::max),
        },
    }
}

/// Adds the label and the bends of a link; answers them from top to bottom.
fn add_chain(vertices: &mut Vec<Vertex>, link: &Link) -> Vec<usize> {
    let mut chain = Vec::new();
    let mut above = link.from;
    for layer in vertices[link.from].layer + 1..vertices[link.to].layer {
        let is_bend = !chain.is_empty();
        let size = if is_bend { Size { width: 1.0, height: 0.0 } } else { link.label };
        let at = vertices.len();
        vertices.push(Vertex { size, is_bend, layer, up: vec![above], down: vec![] });
        vertices[above].down.push(at);
        chain.push(at);
        above = at;
    }
    vertices[above].down.push(link.to);
    vertices[link.to].up.push(above);
    chain
}

/// Each layer from left to right, with few crossings: vertices go to the mean position of their neighbours, layer after layer, down and up.
fn order_layers(vertices: &[Vertex]) -> Vec<Vec<usize>> {
    let layers = vertices.iter().map(|vertex| vertex.layer + 1).max().unwrap_or(0);
    let mut order: Vec<Vec<usize>> = vec![Vec::new(); layers];
    for (at, vertex) in vertices.iter().enumerate() {
        order[vertex.layer].push(at);
    }
    let mut best = order.clone();
    let mut fewest = crossings(vertices, &order);
    for sweep in 0..SWEEPS {
        let is_down = sweep % 2 == 0;
        for step in 1..layers {
            let layer = if is_down { step } else { layers - 1 - step };
            let positions = positions(vertices.len(), &order);
            let mean = |at: usize| {
                let neighbours = if is_down { &vertices[at].up } else { &vertices[at].down };
                let sum: usize = neighbours.iter().map(|neighbour| positions[*neighbour]).sum();
                if neighbours.is_empty() { positions[at] as f64 } else { sum as f64 / neighbours.len() as f64 }
            };
            // A stable sort: vertices that are equally well placed keep the graph's order.
            order[layer].sort_by(|one, other| mean(*one).total_cmp(&mean(*other)));
        }
        let found = crossings(vertices, &order);
        if found < fewest {
            fewest = found;
            best.clone_from(&order);
        }
    }
    best
}

fn positions(vertices: usize, order: &[Vec<usize>]) -> Vec<usize> {
    let mut positions = vec![0; vertices];
    for layer in order {
        for (position, at) in layer.iter().enumerate() {
            positions[*at] = position;
        }
    }
    positions
}

fn crossings(vertices: &[Vertex], order: &[Vec<usize>]) -> usize {
    let positions = positions(vertices.len(), order);
    let mut crossings = 0;
    for layer in order {
        let ends: Vec<(usize, usize)> =
            layer.iter().flat_map(|at| vertices[*at].down.iter().map(|down| (positions[*at], positions[*down]))).collect();
        for (index, one) in ends.iter().enumerate() {
            crossings += ends[index + 1..].iter().filter(|other| one.0 < other.0 && one.1 > other.1).count();
        }
    }
    crossings
}

/// The x of every vertex: each layer in turn as close as its order allows to the neighbours above, then below.
fn place_across(vertices: &[Vertex], order: &[Vec<usize>]) -> Vec<f64> {
    let mut x = vec![0.0; vertices.len()];
    for layer in order {
        let spread = spread(vertices, layer, &vec![(0.0, 1.0); layer.len()]);
        layer.iter().zip(spread).for_each(|(at, to)| x[*at] = to);
    }
    for sweep in 0..2 * SWEEPS {
        let is_down = sweep % 2 == 0;
        for step in 0..order.len() {
            let layer = if is_down { &order[step] } else { &order[order.len() - 1 - step] };
            let wishes: Vec<(f64, f64)> = layer.iter().map(|at| wish(vertices, &x, *at, is_down)).collect();
            let spread = spread(vertices, layer, &wishes);
            layer.iter().zip(spread).for_each(|(at, to)| x[*at] = to);
        }
    }
    let left = (0..vertices.len()).map(|at| x[at] - vertices[at].size.width / 2.0).fold(f64::INFINITY, f64::min);
    x.iter_mut().for_each(|x| *x -= left);
    x
}

/// Where a vertex would like to be, and how much: the mean of its neighbours on one side, of itself where it has none there.
fn wish(vertices: &[Vertex], x: &[f64], at: usize, is_down: bool) -> (f64, f64) {
    let vertex = &vertices[at];
    let neighbours = if is_down { &vertex.up } else { &vertex.down };
    let weight = |other: usize| if vertex.is_bend && vertices[other].is_bend { BEND_WEIGHT } else { 1.0 };
    let total: f64 = neighbours.iter().map(|other| weight(*other)).sum();
    if neighbours.is_empty() {
        return (x[at], 0.1);
    }
    (neighbours.iter().map(|other| x[*other] * weight(*other)).sum::<f64>() / total, total)
}

/// The places nearest to the wishes (place, weight), in least squares, that keep the order and the distances: isotonic regression, by
/// pooling neighbours whose wishes conflict.
fn spread(vertices: &[Vertex], layer: &[usize], wishes: &[(f64, f64)]) -> Vec<f64> {
    // Subtracting each vertex's least distance from the first leaves plain order as the only condition.
    let mut offsets = vec![0.0; layer.len()];
    for at in 1..layer.len() {
        let widths = vertices[layer[at - 1]].size.width + vertices[layer[at]].size.width;
        offsets[at] = offsets[at - 1] + widths / 2.0 + GAP_X;
    }
    let mut pools: Vec<(f64, f64, usize)> = Vec::with_capacity(layer.len());
    for ((wish, weight), offset) in wishes.iter().zip(&offsets) {
        let mut pool = (wish - offset, *weight, 1);
        while let Some(before) = pools.pop_if(|before| before.0 > pool.0) {
            let weight = before.1 + pool.1;
            pool = ((before.0 * before.1 + pool.0 * pool.1) / weight, weight, before.2 + pool.2);
        }
        pools.push(pool);
    }
    let places = pools.iter().flat_map(|(place, _, members)| std::iter::repeat_n(*place, *members));
    places.zip(offsets).map(|(place, offset)| place + offset).collect()
}

/// The top of every vertex, each in the middle of its layer's height. A bend takes all of the height, so that its edge passes straight
/// between its neighbours.
fn place_down(vertices: &mut [Vertex], order: &[Vec<usize>]) -> Vec<f64> {
    let mut tops = vec![0.0; vertices.len()];
    let mut layer_top = 0.0;
    for layer in order {
        let layer_height = layer.iter().map(|at| vertices[*at].size.height).fold(0.0, f64::max);
        for at in layer {
            let vertex = &mut vertices[*at];
            if vertex.is_bend {
                vertex.size.height = layer_height;
            }
            tops[*at] = layer_top + (layer_height - vertex.size.height) / 2.0;
        }
        layer_top += layer_height + GAP_Y;
    }
    tops
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOX: Size = Size { width: 100.0, height: 40.0 };

    fn link(from: usize, to: usize) -> Link {
        Link { from, to, label: Size { width: 60.0, height: 16.0 } }
    }

    #[test]
    fn a_line_is_straight() {
        let layout = arrange(&[BOX; 4], &[link(0, 1), link(1, 2), link(2, 3)]);
        assert!(layout.boxes.iter().all(|place| (place.x - 50.0).abs() < 0.01));
        assert!(layout.boxes.windows(2).all(|pair| pair[0].bottom() < pair[1].top));
    }

    #[test]
    fn nothing_overlaps_in_a_branching_graph() {
        let links = [link(0, 1), link(0, 2), link(0, 3), link(1, 4), link(2, 4), link(0, 4), link(3, 5), link(4, 5), link(1, 5)];
        let layout = arrange(&[BOX; 6], &links);
        let places: Vec<Place> = layout.boxes.iter().copied().chain(layout.routes.iter().map(|route| route.label)).collect();
        for (index, one) in places.iter().enumerate() {
            for other in &places[index + 1..] {
                let apart_across = (one.x - other.x).abs() >= (one.size.width + other.size.width) / 2.0;
                assert!(apart_across || one.bottom() <= other.top || other.bottom() <= one.top, "{one:?} {other:?}");
            }
        }
    }

    #[test]
    fn crossed_branches_are_uncrossed() {
        let links = [link(0, 1), link(0, 2), link(1, 4), link(2, 3), link(3, 5), link(4, 5)];
        let layout = arrange(&[BOX; 6], &links);
        let is_left = |one: usize, other: usize| layout.boxes[one].x < layout.boxes[other].x;
        assert_eq!(is_left(1, 2), is_left(4, 3));
    }
}
