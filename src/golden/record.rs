//! Adding an event to a file of golden cases, with what caz makes of it.

use std::collections::HashMap;

use serde_json::{Value, json};

use super::gate::Fit;
use super::{Case, Fate, Golden, GoldenColumn, GoldenModel, GoldenNode, LeftOut, ModelValues, Observed, ObservedNode, Seen};
use crate::diagnostic::Diagnostics;
use crate::graph::Plan;
use crate::stream::Assembly;

/// Adds an event as a case. The first case of a file decides its nodes: all of the graph's.
///
/// # Errors
/// E0602 when the file does not fit the graph.
pub fn append(
    golden: &mut Golden,
    assembly: &Assembly,
    plan: &Plan,
    observed: &Observed<'_>,
    seen: &Seen,
    event: Value,
) -> Result<(), Diagnostics> {
    let fit = Fit::new(golden, plan);
    if !fit.misfits.is_empty() {
        return Err(fit.report(assembly));
    }
    let by = Some(concat!("caz ", env!("CARGO_PKG_VERSION")).to_owned());
    let mut case = Case { event, by, values: Vec::new(), models: Vec::new(), rejected: None, skipped: None };
    match (&seen.fate, seen.row) {
        (Fate::Scored, Some(row)) => {
            if !golden.cases.iter().any(Case::is_scored) && golden.nodes.is_empty() {
                describe(golden, observed);
            }
            let values_of = |node: &GoldenNode| {
                let there = observed.place(&node.id).map(|place| &observed.nodes[place]);
                let value = |column: &usize| value_of(there?, &golden.columns[*column].name, row);
                node.columns.iter().map(|column| value(column).unwrap_or_default()).collect()
            };
            let values = golden.nodes.iter().map(values_of).collect();
            case.models = golden.models.iter().map(|model| model_values(model, observed, row)).collect();
            add(golden, case, values);
        }
        (fate, _) => {
            let left = LeftOut::found(fate);
            (case.rejected, case.skipped) = if matches!(fate, Fate::Skipped { .. }) { (None, left) } else { (left, None) };
            golden.cases.push(case);
        }
    }
    Ok(())
}

/// All nodes, columns and models of the graph.
fn describe(golden: &mut Golden, observed: &Observed<'_>) {
    for there in &observed.nodes {
        let first = golden.columns.len();
        golden
            .columns
            .extend(there.node.frame.columns().iter().map(|column| GoldenColumn { name: column.name.to_string(), dtype: column.dtype() }));
        golden.nodes.push(GoldenNode { id: there.node.id.clone(), columns: (first..golden.columns.len()).collect() });
        let features: Vec<String> = there.features(0).map(|(feature, _)| feature.name.to_string()).collect();
        if !features.is_empty() {
            let made = there.node.frame.columns().iter().filter(|column| column.origin.node() == there.node.id);
            let outputs = made.map(|column| column.name.to_string()).collect();
            golden.models.push(GoldenModel { node: there.node.id.clone(), features, outputs });
        }
    }
}

fn value_of(node: &ObservedNode<'_>, column: &str, row: usize) -> Option<Value> {
    node.value(node.column(column)?, row)
}

fn model_values(model: &GoldenModel, observed: &Observed<'_>, row: usize) -> ModelValues {
    let Some(node) = observed.place(&model.node).map(|place| &observed.nodes[place]) else { return ModelValues::default() };
    let features = if model.features.is_empty() { Vec::new() } else { node.features(row).map(|(_, value)| value).collect() };
    ModelValues { features, outputs: model.outputs.iter().map(|name| value_of(node, name, row).unwrap_or_default()).collect() }
}

/// Adds a case with these values by node. Columns that have the same name, type and values in all cases are one: they may part here.
fn add(golden: &mut Golden, mut case: Case, values: Vec<Vec<Value>>) {
    let old = std::mem::take(&mut golden.columns);
    let mut known: HashMap<String, usize> = HashMap::new();
    // Where each new column's values were.
    let mut from = Vec::new();
    for (node, values) in golden.nodes.iter_mut().zip(values) {
        for (column, value) in node.columns.iter_mut().zip(values) {
            let earlier: Vec<&Value> = golden.cases.iter().filter_map(|case| case.values.get(*column)).collect();
            let GoldenColumn { name, dtype } = &old[*column];
            let same = json!([name, dtype, earlier, value]).to_string();
            *column = *known.entry(same).or_insert_with(|| {
                golden.columns.push(old[*column].clone());
                case.values.push(value);
                from.push(*column);
                from.len() - 1
            });
        }
    }
    for earlier in golden.cases.iter_mut().filter(|case| case.is_scored()) {
        earlier.values = from.iter().map(|column| earlier.values[*column].clone()).collect();
    }
    golden.cases.push(case);
}
