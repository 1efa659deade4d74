//! A tree ensemble as its node in the graph describes it, checked: every child is there, no node has two parents.

use std::collections::HashMap;

use crate::model::kernel::Unfit;
use crate::model::kernel::graph::{Attributes, Node};
use crate::model::kernel::outputs::{Classes, MOST_TARGETS};

/// An ensemble. Numbers are doubles, which hold the floats of the file exactly.
pub(super) struct Ensemble {
    pub(super) trees: Vec<Tree>,
    /// How many scores a row gets.
    pub(super) targets: usize,
    pub(super) aggregate: Aggregate,
    pub(super) transform: Transform,
    pub(super) base: Vec<f64>,
    /// The classes, of a classifier.
    pub(super) classes: Option<Classes>,
}

/// A tree: its nodes, the root first.
pub(super) struct Tree(pub(super) Vec<TreeNode>);

pub(super) enum TreeNode {
    Branch(Branch),
    /// What it adds to which targets.
    Leaf(Vec<(u32, f64)>),
}

/// A question that a feature answers.
pub(super) struct Branch {
    pub(super) feature: u32,
    pub(super) test: Test,
    /// Whether NaN counts as yes.
    pub(super) nan_is_yes: bool,
    /// The positions of the nodes for yes and for no.
    pub(super) yes: usize,
    pub(super) no: usize,
}

/// A comparison of a feature with a number.
pub(super) enum Test {
    AtMost(f64),
    Below(f64),
    AtLeast(f64),
    Above(f64),
    Equal(f64),
    NotEqual(f64),
    Member(Vec<f64>),
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Aggregate {
    Average,
    Sum,
    Min,
    Max,
}

#[derive(Clone, Copy, PartialEq)]
pub(super) enum Transform {
    None,
    Softmax,
    Logistic,
    SoftmaxZero,
    Probit,
}

impl Ensemble {
    /// The ensemble of a TreeEnsembleClassifier, TreeEnsembleRegressor or TreeEnsemble; `None` for another operator.
    pub(super) fn read(node: &Node<'_>) -> Option<Result<Self, Unfit>> {
        let read = match node.op.as_str() {
            "TreeEnsembleClassifier" | "TreeEnsembleRegressor" => by_node_ids,
            "TreeEnsemble" => by_positions,
            _ => return None,
        };
        let attributes = node.attributes().map_err(Unfit::from);
        Some(attributes.and_then(|attributes| read(&node.op, &attributes)).and_then(Self::checked))
    }

    fn checked(self) -> Result<Self, Unfit> {
        let target_is_known = |(target, _): &(u32, f64)| (*target as usize) < self.targets;
        for Tree(nodes) in &self.trees {
            check_shape(nodes)?;
            let known = |node: &TreeNode| {
                matches!(node, TreeNode::Branch(_)) || matches!(node, TreeNode::Leaf(weights) if weights.iter().all(target_is_known))
            };
            if !nodes.iter().all(known) {
                return Err(Unfit("a leaf adds to a target that is not there".into()));
            }
        }
        if self.trees.is_empty() || !(1..=MOST_TARGETS).contains(&self.targets) {
            return Err(Unfit(format!("it has {} trees and {} targets", self.trees.len(), self.targets)));
        }
        Ok(self)
    }
}

/// Every child exists and has one parent, and the root has none: a tree.
fn check_shape(nodes: &[TreeNode]) -> Result<(), Unfit> {
    let mut has_parent = vec![false; nodes.len()];
    for node in nodes {
        let TreeNode::Branch(branch) = node else { continue };
        for child in [branch.yes, branch.no] {
            match has_parent.get_mut(child) {
                Some(taken) if !*taken && child != 0 => *taken = true,
                _ => return Err(Unfit("its nodes do not form trees".into())),
            }
        }
    }
    // With as many edges, nodes apart from the root's would be a ring or another tree.
    if has_parent.iter().skip(1).all(|has_parent| *has_parent) && reached(nodes) == nodes.len() {
        Ok(())
    } else {
        Err(Unfit("its nodes do not form trees".into()))
    }
}

/// How many nodes stand below the root, itself included; none has two parents.
fn reached(nodes: &[TreeNode]) -> usize {
    let (mut open, mut count) = (vec![0], 0);
    while let Some(at) = open.pop() {
        count += 1;
        if let Some(TreeNode::Branch(branch)) = nodes.get(at) {
            open.extend([branch.yes, branch.no]);
        }
    }
    count
}

fn integers<'a>(attributes: &'a Attributes, name: &str) -> &'a [i64] {
    attributes.get(name).map_or(&[], |attribute| &attribute.integers)
}

/// A list that the file has as floats, or as a tensor under another name.
fn numbers(attributes: &Attributes, name: &str) -> Vec<f64> {
    match attributes.get(name) {
        Some(attribute) if !attribute.floats.is_empty() => attribute.floats.iter().copied().map(f64::from).collect(),
        _ => attributes.get(&format!("{name}_as_tensor")).map_or_else(Vec::new, |attribute| attribute.tensor.clone()),
    }
}

fn same_lengths(lengths: &[usize]) -> Result<(), Unfit> {
    if lengths.windows(2).all(|pair| pair[0] == pair[1]) { Ok(()) } else { Err(Unfit("its attributes differ in length".into())) }
}

fn position(id: i64) -> Result<usize, Unfit> {
    usize::try_from(id).map_err(|_| Unfit(format!("it refers to position {id}")))
}

fn feature(id: i64) -> Result<u32, Unfit> {
    match u32::try_from(id) {
        Ok(id) if id < 1 << 31 => Ok(id),
        _ => Err(Unfit(format!("it asks for feature {id}"))),
    }
}

/// TreeEnsembleClassifier and TreeEnsembleRegressor: nodes have ids, weights name the leaf that has them.
fn by_node_ids(op: &str, attributes: &Attributes) -> Result<Ensemble, Unfit> {
    let is_classifier = op == "TreeEnsembleClassifier";
    let of = |name| integers(attributes, name);
    let (tree_ids, node_ids, features) = (of("nodes_treeids"), of("nodes_nodeids"), of("nodes_featureids"));
    let (yes, no, tracks) = (of("nodes_truenodeids"), of("nodes_falsenodeids"), of("nodes_missing_value_tracks_true"));
    let modes = attributes.get("nodes_modes").map_or(&[][..], |attribute| &attribute.strings);
    let values = numbers(attributes, "nodes_values");
    same_lengths(&[tree_ids.len(), node_ids.len(), features.len(), yes.len(), no.len(), modes.len(), values.len()])?;

    // Where each node of a tree is. A tree is a run of nodes with the same id.
    let mut trees: Vec<Tree> = Vec::new();
    let mut tree_of_id = HashMap::new();
    let mut places = HashMap::new();
    for (at, (tree_id, node_id)) in tree_ids.iter().zip(node_ids).enumerate() {
        if at == 0 || tree_ids[at - 1] != *tree_id {
            trees.push(Tree(Vec::new()));
            if tree_of_id.insert(*tree_id, trees.len() - 1).is_some() {
                return Err(Unfit("the nodes of a tree do not stand together".into()));
            }
        }
        let nodes = trees.last_mut().map_or(0, |tree| {
            tree.0.push(TreeNode::Leaf(Vec::new()));
            tree.0.len()
        });
        if places.insert((*tree_id, *node_id), nodes - 1).is_some() {
            return Err(Unfit("a node stands in it twice".into()));
        }
    }
    let place = |tree_id: i64, node_id: i64| {
        places.get(&(tree_id, node_id)).copied().ok_or_else(|| Unfit(format!("it has no node {node_id} in tree {tree_id}")))
    };
    for at in 0..tree_ids.len() {
        if modes[at] == "LEAF" {
            continue;
        }
        let branch = Branch {
            feature: feature(features[at])?,
            test: test_named(&modes[at], values[at])?,
            nan_is_yes: tracks.get(at) == Some(&1),
            yes: place(tree_ids[at], yes[at])?,
            no: place(tree_ids[at], no[at])?,
        };
        trees[tree_of_id[&tree_ids[at]]].0[place(tree_ids[at], node_ids[at])?] = TreeNode::Branch(branch);
    }

    let kind = if is_classifier { "class" } else { "target" };
    let of_kind = |name: &str| integers(attributes, &format!("{kind}_{name}"));
    let (weight_trees, weight_nodes, targets) = (of_kind("treeids"), of_kind("nodeids"), of_kind("ids"));
    let weights = numbers(attributes, &format!("{kind}_weights"));
    same_lengths(&[weight_trees.len(), weight_nodes.len(), targets.len(), weights.len()])?;
    for (((tree_id, node_id), target), weight) in weight_trees.iter().zip(weight_nodes).zip(targets).zip(weights) {
        let at = place(*tree_id, *node_id)?;
        match &mut trees[tree_of_id[tree_id]].0[at] {
            TreeNode::Leaf(weights) => {
                weights.push((u32::try_from(*target).map_err(|_| Unfit(format!("a leaf adds to target {target}")))?, weight));
            }
            // Weights of branches come from old exporters and add nothing, but a classifier of ONNX Runtime looks at them for its threshold.
            TreeNode::Branch(_) if is_classifier => return Err(Unfit("a branch of its classifier has a weight".into())),
            TreeNode::Branch(_) => {}
        }
    }

    let classes = is_classifier.then(|| Classes::read(attributes, "classlabels_int64s"));
    let targets = match &classes {
        Some(classes) => classes.len(),
        None => position(attributes.get("n_targets").map_or(0, |attribute| attribute.integer))?,
    };
    // For a single target ONNX Runtime keeps one number a node: the first weight, or the value of the node.
    let one_each = |node: &TreeNode| !matches!(node, TreeNode::Leaf(weights) if weights.len() != 1);
    if targets == 1 && !trees.iter().flat_map(|tree| &tree.0).all(one_each) {
        return Err(Unfit("a leaf has no weight, or several".into()));
    }
    let string = |name| attributes.get(name).map_or("", |attribute| attribute.string.as_str());
    let aggregate = match string("aggregate_function") {
        "" | "SUM" => Aggregate::Sum,
        // A classifier adds up, whatever it says.
        _ if is_classifier => Aggregate::Sum,
        "AVERAGE" => Aggregate::Average,
        "MIN" => Aggregate::Min,
        "MAX" => Aggregate::Max,
        other => return Err(Unfit(format!("it aggregates by {other}"))),
    };
    let transform = match string("post_transform") {
        "" | "NONE" => Transform::None,
        "SOFTMAX" => Transform::Softmax,
        "LOGISTIC" => Transform::Logistic,
        "SOFTMAX_ZERO" => Transform::SoftmaxZero,
        "PROBIT" => Transform::Probit,
        other => return Err(Unfit(format!("it transforms by {other}"))),
    };
    Ok(Ensemble { trees, targets, aggregate, transform, base: numbers(attributes, "base_values"), classes })
}

fn test_named(mode: &str, value: f64) -> Result<Test, Unfit> {
    Ok(match mode {
        "BRANCH_LEQ" => Test::AtMost(value),
        "BRANCH_LT" => Test::Below(value),
        "BRANCH_GTE" => Test::AtLeast(value),
        "BRANCH_GT" => Test::Above(value),
        "BRANCH_EQ" => Test::Equal(value),
        "BRANCH_NEQ" => Test::NotEqual(value),
        other => return Err(Unfit(format!("it has nodes of mode {other}"))),
    })
}

/// TreeEnsemble of version 5: branches and leaves are lists, a tree is the position of its root.
fn by_positions(_: &str, attributes: &Attributes) -> Result<Ensemble, Unfit> {
    let of = |name| integers(attributes, name);
    let tensor = |name| attributes.get(name).map_or(&[][..], |attribute| &attribute.tensor);
    let number = |name, otherwise| attributes.get(name).map_or(otherwise, |attribute| attribute.integer);
    let (features, tracks) = (of("nodes_featureids"), of("nodes_missing_value_tracks_true"));
    let (yes, no) = (of("nodes_truenodeids"), of("nodes_falsenodeids"));
    let (yes_is_leaf, no_is_leaf) = (of("nodes_trueleafs"), of("nodes_falseleafs"));
    let (splits, modes) = (tensor("nodes_splits"), tensor("nodes_modes"));
    let (leaf_targets, leaf_weights) = (of("leaf_targetids"), tensor("leaf_weights"));
    same_lengths(&[features.len(), yes.len(), no.len(), yes_is_leaf.len(), no_is_leaf.len(), splits.len(), modes.len()])?;
    same_lengths(&[leaf_targets.len(), leaf_weights.len()])?;
    let mut members = tensor("membership_values").split(|value| value.is_nan());
    let tests: Vec<Test> =
        modes.iter().zip(splits).map(|(mode, split)| test_numbered(*mode, *split, &mut members)).collect::<Result<_, _>>()?;
    let mut tests: Vec<Option<Test>> = tests.into_iter().map(Some).collect();

    let leaf = |at: usize| match (leaf_targets.get(at), leaf_weights.get(at)) {
        (Some(target), Some(weight)) => {
            let target = u32::try_from(*target).map_err(|_| Unfit(format!("a leaf adds to target {target}")))?;
            Ok(TreeNode::Leaf(vec![(target, *weight)]))
        }
        _ => Err(Unfit(format!("it has no leaf {at}"))),
    };
    let mut trees = Vec::new();
    for root in of("tree_roots") {
        let root = position(*root)?;
        let Some(first) = yes.get(root) else { return Err(Unfit(format!("it has no node {root}"))) };
        if no[root] == *first && yes_is_leaf[root] != 0 && no_is_leaf[root] != 0 {
            // ONNX Runtime takes the leaf at the root's own position there.
            trees.push(Tree(vec![leaf(root)?]));
            continue;
        }
        let mut nodes = Vec::new();
        // What stands at which place of the tree: a position and whether it is one of a leaf.
        let mut open = vec![(root, false)];
        let mut at = 0;
        while let Some((from, is_leaf)) = open.get(at).copied() {
            at += 1;
            if is_leaf {
                nodes.push(leaf(from)?);
                continue;
            }
            let test = tests.get_mut(from).and_then(Option::take);
            let test = test.ok_or_else(|| Unfit("its nodes do not form trees".into()))?;
            nodes.push(TreeNode::Branch(Branch {
                feature: feature(features[from])?,
                test,
                nan_is_yes: tracks.get(from) == Some(&1),
                yes: open.len(),
                no: open.len() + 1,
            }));
            open.push((position(yes[from])?, yes_is_leaf[from] != 0));
            open.push((position(no[from])?, no_is_leaf[from] != 0));
        }
        trees.push(Tree(nodes));
    }
    let aggregate = match number("aggregate_function", 1) {
        0 => Aggregate::Average,
        1 => Aggregate::Sum,
        2 => Aggregate::Min,
        3 => Aggregate::Max,
        other => return Err(Unfit(format!("it aggregates by {other}"))),
    };
    let transform = match number("post_transform", 0) {
        0 => Transform::None,
        // ONNX has these two the other way round; ONNX Runtime's answers count.
        1 => Transform::Logistic,
        2 => Transform::Softmax,
        3 => Transform::SoftmaxZero,
        4 => Transform::Probit,
        other => return Err(Unfit(format!("it transforms by {other}"))),
    };
    Ok(Ensemble { trees, targets: position(number("n_targets", 0))?, aggregate, transform, base: Vec::new(), classes: None })
}

fn test_numbered<'m>(mode: f64, split: f64, members: &mut impl Iterator<Item = &'m [f64]>) -> Result<Test, Unfit> {
    Ok(match mode as u8 {
        0 => Test::AtMost(split),
        1 => Test::Below(split),
        2 => Test::AtLeast(split),
        3 => Test::Above(split),
        4 => Test::Equal(split),
        5 => Test::NotEqual(split),
        6 => Test::Member(members.next().map_or_else(Vec::new, <[f64]>::to_vec)),
        other => return Err(Unfit(format!("it has nodes of mode {other}"))),
    })
}
