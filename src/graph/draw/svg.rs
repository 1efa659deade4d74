//! A planned graph as an SVG picture that needs nothing else: no script, no font, no link; it follows the viewer's light or dark colours.

use std::fmt::Write;

use super::layout::{Layout, Link, Place, Route, Size, arrange};
use super::{Diagram, Ends, Role, Vertex};
use crate::graph::Plan;

const MARGIN: f64 = 16.0;
const TITLE_SIZE: f64 = 14.0;
const DETAIL_SIZE: f64 = 12.0;
const PADDING_X: f64 = 14.0;
const PADDING_Y: f64 = 8.0;
/// Of a line of text, in font sizes.
const LINE_HEIGHT: f64 = 1.35;
/// Of a character in a monospaced font, in font sizes: the widest of the usual ones.
const CHARACTER_WIDTH: f64 = 0.615;
/// Distance between two edges at one side of a box.
const PORT_DISTANCE: f64 = 18.0;

/// Plain rules, without custom properties, which converters such as librsvg do not know.
const STYLE: &str = "
text{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace;text-anchor:middle;fill:#1f2328}
.title{font-weight:600}.detail,.label{fill:#57606a}
.paper{fill:#fff}.box{stroke:#8c959f}
.event{fill:#eef1f4}.transformation{fill:#fff}.model{fill:#ddf4ff}.output{fill:#dafbe1}
.edge{fill:none;stroke:#8c959f;stroke-width:1.5}.head{fill:#8c959f}
@media (prefers-color-scheme:dark){
text{fill:#e6edf3}.detail,.label{fill:#9198a1}
.paper{fill:#0d1117}.box{stroke:#6e7681}
.event{fill:#21262d}.transformation{fill:#161b22}.model{fill:#0c2d6b}.output{fill:#033a16}
.edge{stroke:#6e7681}.head{fill:#6e7681}
}
";

/// The plan as an SVG document: a box for each node with its id and type, an arrow for each edge with the columns that flow.
pub fn svg(plan: &Plan, ends: Ends<'_>) -> String {
    render(&Diagram::of(plan, ends))
}

pub(super) fn render(diagram: &Diagram) -> String {
    let boxes: Vec<Size> = diagram.vertices.iter().map(box_size).collect();
    let link = |edge: &super::Edge| Link { from: edge.from, to: edge.to, label: text_size(&edge.label, DETAIL_SIZE) };
    let links: Vec<Link> = diagram.edges.iter().map(link).collect();
    let layout = arrange(&boxes, &links);
    let (width, height) = (layout.size.width + 2.0 * MARGIN, layout.size.height + 2.0 * MARGIN);

    // Writing to a string cannot fail.
    let mut svg = String::new();
    let _ = writeln!(
        svg,
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\" role=\"img\">\n\
         <title>The graph's nodes and the columns that flow between them</title>\n<style>{STYLE}</style>\n\
         <defs><marker id=\"head\" viewBox=\"0 0 8 8\" refX=\"7\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" markerUnits=\"userSpaceOnUse\" orient=\"auto\">\
         <path class=\"head\" d=\"M0 0L8 4L0 8z\"/></marker></defs>\n\
         <rect class=\"paper\" width=\"100%\" height=\"100%\" rx=\"6\"/>\n<g transform=\"translate({MARGIN:.0} {MARGIN:.0})\">"
    );
    let ports = Ports::new(&layout, &links);
    for (at, (link, route)) in links.iter().zip(&layout.routes).enumerate() {
        draw_edge(&mut svg, (ports.out[at], layout.boxes[link.from].bottom()), (ports.into[at], layout.boxes[link.to].top), route);
    }
    for (edge, route) in diagram.edges.iter().zip(&layout.routes) {
        draw_lines(&mut svg, &edge.label, "label", DETAIL_SIZE, route.label.x, route.label.top);
    }
    for (vertex, place) in diagram.vertices.iter().zip(&layout.boxes) {
        draw_box(&mut svg, vertex, place);
    }
    svg.push_str("</g>\n</svg>\n");
    svg
}

fn box_size(vertex: &Vertex) -> Size {
    let title = text_size(std::slice::from_ref(&vertex.title), TITLE_SIZE);
    let details = text_size(&vertex.details, DETAIL_SIZE);
    Size { width: title.width.max(details.width) + 2.0 * PADDING_X, height: title.height + details.height + 2.0 * PADDING_Y }
}

fn text_size(lines: &[String], font_size: f64) -> Size {
    // Beyond the alphabets of the west and the near east, a character takes two cells at most.
    let cells = |line: &String| line.chars().map(|character| if character >= '\u{1100}' { 2.0 } else { 1.0 }).sum::<f64>();
    let widest = lines.iter().map(cells).fold(0.0, f64::max);
    Size { width: widest * font_size * CHARACTER_WIDTH, height: lines.len() as f64 * font_size * LINE_HEIGHT }
}

/// Where on its box's side each edge begins and ends: side by side, in the order in which they go on.
struct Ports {
    out: Vec<f64>,
    into: Vec<f64>,
}

impl Ports {
    fn new(layout: &Layout, links: &[Link]) -> Self {
        let first = |route: &Route| route.label.x;
        let last = |route: &Route| route.bends.last().unwrap_or(&route.label).x;
        Self { out: share(layout, links, |link| link.from, first), into: share(layout, links, |link| link.to, last) }
    }
}

fn share(layout: &Layout, links: &[Link], end: impl Fn(&Link) -> usize, towards: impl Fn(&Route) -> f64) -> Vec<f64> {
    let mut ports = vec![0.0; links.len()];
    for (at, place) in layout.boxes.iter().enumerate() {
        let mut here: Vec<usize> = (0..links.len()).filter(|link| end(&links[*link]) == at).collect();
        here.sort_by(|one, other| towards(&layout.routes[*one]).total_cmp(&towards(&layout.routes[*other])));
        let distance = PORT_DISTANCE.min(place.size.width / (here.len() + 1) as f64);
        for (position, link) in here.iter().enumerate() {
            ports[*link] = place.x + (position as f64 - (here.len() - 1) as f64 / 2.0) * distance;
        }
    }
    ports
}

/// The edge leaves a gap for its label.
fn draw_edge(svg: &mut String, from: (f64, f64), to: (f64, f64), route: &Route) {
    let Place { x, top, .. } = route.label;
    let mut path = format!("M{:.1} {:.1}", from.0, from.1);
    curve(&mut path, from, (x, top));
    let _ = writeln!(svg, "<path class=\"edge\" d=\"{path}\"/>");

    let mut at = (x, route.label.bottom());
    let mut path = format!("M{:.1} {:.1}", at.0, at.1);
    for bend in &route.bends {
        curve(&mut path, at, (bend.x, bend.top));
        at = (bend.x, bend.bottom());
        let _ = write!(path, "L{:.1} {:.1}", at.0, at.1);
    }
    curve(&mut path, at, to);
    let _ = writeln!(svg, "<path class=\"edge\" d=\"{path}\" marker-end=\"url(#head)\"/>");
}

/// Leaves and arrives vertically.
fn curve(path: &mut String, from: (f64, f64), to: (f64, f64)) {
    if (from.0 - to.0).abs() < 0.5 {
        let _ = write!(path, "L{:.1} {:.1}", to.0, to.1);
    } else {
        let middle = f64::midpoint(from.1, to.1);
        let _ = write!(path, "C{:.1} {middle:.1} {:.1} {middle:.1} {:.1} {:.1}", from.0, to.0, to.0, to.1);
    }
}

fn draw_box(svg: &mut String, vertex: &Vertex, place: &Place) {
    let (class, radius) = match vertex.role {
        Role::Event => ("event", 16.0),
        Role::Transformation => ("transformation", 4.0),
        Role::Model => ("model", 4.0),
        Role::Output => ("output", 16.0),
    };
    let Place { x, top, size } = *place;
    let _ = writeln!(
        svg,
        "<rect class=\"box {class}\" x=\"{:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"{radius}\"/>",
        x - size.width / 2.0,
        size.width,
        size.height
    );
    let title_top = top + PADDING_Y;
    draw_lines(svg, std::slice::from_ref(&vertex.title), "title", TITLE_SIZE, x, title_top);
    draw_lines(svg, &vertex.details, "detail", DETAIL_SIZE, x, title_top + TITLE_SIZE * LINE_HEIGHT);
}

fn draw_lines(svg: &mut String, lines: &[String], class: &str, font_size: f64, x: f64, top: f64) {
    for (at, line) in lines.iter().enumerate() {
        // The baseline stands about one font size under the line's top.
        let baseline = top + at as f64 * font_size * LINE_HEIGHT + font_size;
        let _ = writeln!(svg, "<text class=\"{class}\" x=\"{x:.1}\" y=\"{baseline:.1}\" font-size=\"{font_size}\">{}</text>", escape(line));
    }
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            // No character of XML 1.0.
            '\u{fffe}' | '\u{ffff}' => escaped.push('\u{fffd}'),
            _ => escaped.push(character),
        }
    }
    escaped
}
