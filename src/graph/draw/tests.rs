//! Two graphs, drawn in both forms and kept as snapshots. Look at a changed SVG before accepting it.

use arrow_schema::{DataType, TimeUnit};

use super::{Diagram, Ends, mermaid, svg};
use crate::graph::PlannedNode;
use crate::nodes::{Column, Frame, Slot, Source};

/// Builds planned nodes; every column that a node makes gets a slot of its own.
#[derive(Default)]
struct Graph {
    nodes: Vec<PlannedNode>,
    slots: usize,
}

impl Graph {
    /// Adds a node that keeps its parents' columns without those `dropped` and makes `made`; answers its index.
    fn node(&mut self, id: &str, type_name: &str, parents: &[usize], dropped: &[&str], made: &[(&str, DataType)]) -> usize {
        let mut frame: Frame = parents.iter().flat_map(|parent| self.nodes[*parent].frame.columns().to_vec()).collect();
        dropped.iter().for_each(|name| drop(frame.remove(name)));
        for (name, data_type) in made {
            let source = Source::Slot(Slot::new(self.slots));
            self.slots += 1;
            frame.set(Column {
                name: (*name).into(),
                data_type: data_type.clone(),
                nullable: true,
                categories: None,
                source,
                origin: id.into(),
            });
        }
        self.nodes.push(PlannedNode { id: id.into(), type_name: type_name.into(), parents: parents.to_vec(), frame });
        self.nodes.len() - 1
    }

    fn diagram(&self, fields: usize, outputs: &[&str]) -> Diagram {
        let outputs: Vec<String> = outputs.iter().map(ToString::to_string).collect();
        Diagram::new(&self.nodes, fields, &outputs, Ends { input: Some("profiles"), output: Some("scores") })
    }
}

fn time() -> DataType {
    DataType::Timestamp(TimeUnit::Nanosecond, Some("+00:00".into()))
}

/// The shape of the car-insurance graph.
fn line() -> Diagram {
    let mut graph = Graph::default();
    let fields =
        ["gender", "age", "driving_license", "region_code", "brand", "vehicle_age", "vehicle_damage", "premium", "channel", "created_at"];
    let fields: Vec<(&str, DataType)> = fields.iter().map(|name| (*name, DataType::Utf8)).collect();
    let mut last = graph.node("to_dataframe", "JsonToDataframe", &[], &[], &fields);
    let steps: [(&str, &str, DataType); 12] = [
        ("parse_time", "created_at", time()),
        ("hour", "hour", DataType::Int32),
        ("weekday", "weekday", DataType::Int32),
        ("fill_age", "age", DataType::Float64),
        ("fill_premium", "premium", DataType::Float64),
        ("lower_brand", "brand", DataType::Utf8),
        ("map_damage", "vehicle_damage", DataType::Int64),
        ("map_gender", "gender", DataType::Int64),
        ("age_as_int", "age", DataType::Int64),
        ("age_buckets", "age_bucket", DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8))),
        ("premium_log", "premium_log", DataType::Float64),
        ("license_as_int", "driving_license", DataType::Int64),
    ];
    for (id, column, data_type) in steps {
        last = graph.node(id, "Pandas", &[last], &[], &[(column, data_type)]);
    }
    let dummies: Vec<String> = (0..44).map(|at| format!("brand_{at}")).collect();
    let dummies: Vec<(&str, DataType)> = dummies.iter().map(|name| (name.as_str(), DataType::Boolean)).collect();
    last = graph.node("dummies", "Pandas", &[last], &["brand", "age_bucket"], &dummies);
    last = graph.node("drop_time", "Pandas", &[last], &["created_at"], &[]);
    last = graph.node("features", "Pandas", &[last], &["channel", "region_code", "vehicle_age"], &[]);
    graph.node("forest", "ONNXNode", &[last], &[], &[("label", DataType::Int64), ("probability", DataType::Float32)]);
    graph.diagram(10, &["customer_id int64", "label int64", "probability float32"])
}

/// Two branches that join, two models, an edge over several layers, and names that need escapes.
fn branching() -> Diagram {
    let mut graph = Graph::default();
    let entry =
        graph.node("to_dataframe", "JsonToDataframe", &[], &[], &[("age", DataType::Int64), ("at", time()), ("brand", DataType::Utf8)]);
    let hour = graph.node("hour", "Pandas", &[entry], &["at"], &[("hour", DataType::Int32)]);
    let brand = graph.node("lower <\"brand\" & `co`>", "Pandas", &[entry], &["at"], &[("brand_lower", DataType::Utf8)]);
    let joined = graph.node("joined", "Pandas", &[hour, brand], &[], &[("a*b#c", DataType::Float64)]);
    let forest = graph.node("forest", "ONNXNode", &[joined], &[], &[("forest_label", DataType::Int64)]);
    let regression = graph.node("regression", "ONNXNode", &[joined, entry], &[], &[("regression_label", DataType::Int64)]);
    graph.node("blend", "Pandas", &[forest, regression], &[], &[("score", DataType::Float64)]);
    graph.node("audit", "ONNXNode", &[brand], &[], &[("audit_label", DataType::Int64)]);
    graph.diagram(3, &["score float64", "audit_label int64"])
}

#[test]
fn a_line_in_mermaid() {
    insta::assert_snapshot!(mermaid::render(&line()));
}

#[test]
fn a_line_in_svg() {
    insta::assert_snapshot!(svg::render(&line()));
}

#[test]
fn branches_in_mermaid() {
    insta::assert_snapshot!(mermaid::render(&branching()));
}

#[test]
fn branches_in_svg() {
    insta::assert_snapshot!(svg::render(&branching()));
}
