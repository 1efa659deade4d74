//! Files with random ensembles of trees, of every operator, mode, aggregate and transform that ONNX has.

use super::onnx::{DOUBLE, FLOAT, INT64, Message, STRING, floats, integer, integers, model, node, string, strings, value};

/// Seeded random numbers (SplitMix64).
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn bits(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        (self.bits() % end as u64) as usize
    }

    pub(crate) fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Between -1 and 1.
    pub(crate) fn unit(&mut self) -> f64 {
        self.bits() as f64 / u64::MAX as f64 * 2.0 - 1.0
    }

    pub(crate) fn pick<T: Clone>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())].clone()
    }
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Operator {
    Classifier,
    Regressor,
    /// Version 5.
    Ensemble,
}

/// What an ensemble is like.
#[derive(Clone, Debug)]
pub(crate) struct Shape {
    pub(crate) operator: Operator,
    /// The input's element type: FLOAT, DOUBLE, or INT64 for a classifier.
    pub(crate) element: i64,
    pub(crate) trees: usize,
    pub(crate) depth: usize,
    /// Of 100 nodes above the greatest depth, how many are leaves.
    pub(crate) leaves: usize,
    pub(crate) features: usize,
    pub(crate) targets: usize,
    /// Whether the classes are strings.
    pub(crate) strings: bool,
    /// The modes of branches.
    pub(crate) modes: &'static [&'static str],
    /// Of 100 branches, how many send NaN where yes leads.
    pub(crate) tracks: usize,
    pub(crate) aggregate: &'static str,
    pub(crate) transform: &'static str,
    /// How many base values there are.
    pub(crate) base: usize,
    /// Whether each leaf has a weight for every target.
    pub(crate) dense: bool,
    /// Whether all weights belong to target 0.
    pub(crate) one_sided: bool,
    /// Whether weights are all positive.
    pub(crate) positive: bool,
    /// Whether a Cast to double or float stands before the trees.
    pub(crate) cast: bool,
}

pub(crate) const MODES: [&str; 6] = ["BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"];
pub(crate) const MEMBER: &str = "BRANCH_MEMBER";
pub(crate) const AGGREGATES: [&str; 4] = ["AVERAGE", "SUM", "MIN", "MAX"];
pub(crate) const TRANSFORMS: [&str; 5] = ["NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"];

#[derive(Default)]
struct Nodes {
    tree_ids: Vec<i64>,
    ids: Vec<i64>,
    features: Vec<i64>,
    modes: Vec<&'static str>,
    values: Vec<f64>,
    members: Vec<Vec<f64>>,
    tracks: Vec<i64>,
    yes: Vec<i64>,
    no: Vec<i64>,
    /// The position of each leaf's node, with its weights.
    leaves: Vec<(usize, Vec<(i64, f64)>)>,
}

impl Shape {
    /// The file, and the numbers that its trees compare with.
    pub(crate) fn file(&self, random: &mut Random) -> (Vec<u8>, Vec<f64>) {
        let mut nodes = Nodes::default();
        for tree in 0..self.trees {
            let root = nodes.ids.len();
            self.grow(&mut nodes, random, tree as i64, root, 0);
        }
        let mut thresholds = nodes.values.clone();
        thresholds.extend(nodes.members.iter().flatten());
        let (kind, attributes, version) = match self.operator {
            Operator::Ensemble => ("TreeEnsemble", self.positions(&nodes), 5),
            operator => {
                let kind = if operator == Operator::Classifier { "TreeEnsembleClassifier" } else { "TreeEnsembleRegressor" };
                (kind, self.node_ids(&nodes, random), if self.tree_element() == DOUBLE { 3 } else { 1 })
            }
        };
        let score = if self.operator == Operator::Ensemble { self.tree_element() } else { FLOAT };
        let input = value("x", self.element, &[0, self.features as i64]);
        let label = value("label", if self.strings { STRING } else { INT64 }, &[]);
        let scores = value("scores", score, &[]);
        let (names, outputs) = match self.operator {
            Operator::Classifier => (&["label", "scores"][..], vec![label, scores]),
            _ => (&["scores"][..], vec![scores]),
        };
        let mut list = Vec::new();
        if self.cast {
            list.push(node("Cast", "", &["x"], &["cast"], &[integer("to", self.tree_element())]));
        }
        let from = if self.cast { "cast" } else { "x" };
        list.push(node(kind, "ai.onnx.ml", &[from], names, &attributes));
        (model(&[("", 17), ("ai.onnx.ml", version)], &list, &[input], &outputs, &[]), thresholds)
    }

    /// The element type that the trees take.
    fn tree_element(&self) -> i64 {
        match (self.cast, self.element) {
            (false, element) => element,
            (true, FLOAT) => DOUBLE,
            (true, _) => FLOAT,
        }
    }

    fn number(&self, random: &mut Random) -> f64 {
        match random.below(20) {
            0 => 0.0,
            1 => -0.0,
            2 => f64::INFINITY,
            3 => f64::NEG_INFINITY,
            // Quarters, so that features are equal to them now and then.
            4..=14 => (random.below(41) as f64 - 20.0) / 4.0,
            _ if self.tree_element() == DOUBLE => random.unit() * 5.0,
            _ => f64::from((random.unit() * 5.0) as f32),
        }
    }

    fn grow(&self, nodes: &mut Nodes, random: &mut Random, tree: i64, root: usize, depth: usize) -> i64 {
        let at = nodes.ids.len();
        nodes.tree_ids.push(tree);
        nodes.ids.push((at - root) as i64);
        nodes.yes.push(0);
        nodes.no.push(0);
        nodes.members.push(Vec::new());
        if depth == self.depth || (depth > 0 && random.chance(self.leaves)) {
            nodes.features.push(0);
            nodes.modes.push("LEAF");
            nodes.values.push(0.0);
            nodes.tracks.push(0);
            nodes.leaves.push((at, self.weights(random, tree)));
            return (at - root) as i64;
        }
        let mode = random.pick(self.modes);
        nodes.features.push(random.below(self.features) as i64);
        nodes.modes.push(mode);
        nodes.values.push(self.number(random));
        if mode == MEMBER {
            let most = if random.chance(30) { 40 } else { 4 };
            let count = 1 + random.below(most);
            // ONNX Runtime takes integers only.
            nodes.members[at] = (0..count).map(|_| random.below(61) as f64 - 20.0).collect();
        }
        nodes.tracks.push(random.chance(self.tracks).into());
        nodes.yes[at] = self.grow(nodes, random, tree, root, depth + 1);
        nodes.no[at] = self.grow(nodes, random, tree, root, depth + 1);
        (at - root) as i64
    }

    fn weights(&self, random: &mut Random, tree: i64) -> Vec<(i64, f64)> {
        let mut weight = |target: usize| {
            let weight = if self.positive { random.unit().abs() / self.trees as f64 } else { random.unit() };
            (target as i64, if self.tree_element() == DOUBLE { weight } else { f64::from(weight as f32) })
        };
        match (self.dense, self.one_sided) {
            (true, _) => (0..self.targets).map(weight).collect(),
            (false, true) => vec![weight(0)],
            (false, false) => vec![weight(tree as usize % self.targets)],
        }
    }

    /// The attributes of a classifier or regressor.
    fn node_ids(&self, nodes: &Nodes, random: &mut Random) -> Vec<Message> {
        let is_classifier = self.operator == Operator::Classifier;
        let kind = if is_classifier { "class" } else { "target" };
        let flat: Vec<(i64, i64, i64, f64)> = nodes
            .leaves
            .iter()
            .flat_map(|(at, weights)| weights.iter().map(|(target, weight)| (nodes.tree_ids[*at], nodes.ids[*at], *target, *weight)))
            .collect();
        let numbers = |name: &str, values: &[f64]| match self.tree_element() {
            DOUBLE => tensor(&format!("{name}_as_tensor"), DOUBLE, values),
            _ => floats(name, values),
        };
        let base: Vec<f64> = (0..self.base).map(|_| f64::from(random.unit() as f32)).collect();
        let mut attributes = vec![
            integers("nodes_treeids", &nodes.tree_ids),
            integers("nodes_nodeids", &nodes.ids),
            integers("nodes_featureids", &nodes.features),
            integers("nodes_truenodeids", &nodes.yes),
            integers("nodes_falsenodeids", &nodes.no),
            integers("nodes_missing_value_tracks_true", &nodes.tracks),
            strings("nodes_modes", &nodes.modes),
            numbers("nodes_values", &nodes.values),
            integers(&format!("{kind}_treeids"), &flat.iter().map(|weight| weight.0).collect::<Vec<_>>()),
            integers(&format!("{kind}_nodeids"), &flat.iter().map(|weight| weight.1).collect::<Vec<_>>()),
            integers(&format!("{kind}_ids"), &flat.iter().map(|weight| weight.2).collect::<Vec<_>>()),
            numbers(&format!("{kind}_weights"), &flat.iter().map(|weight| weight.3).collect::<Vec<_>>()),
            string("post_transform", self.transform),
        ];
        if !base.is_empty() {
            attributes.push(numbers("base_values", &base));
        }
        match (is_classifier, self.strings) {
            (true, true) => attributes.push(strings("classlabels_strings", &["north", "east", "south", "west"][..self.targets])),
            // Not 0, 1, 2.
            (true, false) => {
                attributes.push(integers("classlabels_int64s", &(0..self.targets as i64).map(|class| class * 3 - 2).collect::<Vec<_>>()))
            }
            (false, _) => attributes.extend([integer("n_targets", self.targets as i64), string("aggregate_function", self.aggregate)]),
        }
        attributes
    }

    /// The attributes of version 5: branches and leaves apart.
    fn positions(&self, nodes: &Nodes) -> Vec<Message> {
        let branches: Vec<usize> = (0..nodes.ids.len()).filter(|at| nodes.modes[*at] != "LEAF").collect();
        // Where a tree starts, among all nodes.
        let root = |at: usize| at - nodes.ids[at] as usize;
        let is_leaf = |at: usize| nodes.modes[at] == "LEAF";
        let place = |at: usize| match is_leaf(at) {
            true => nodes.leaves.iter().position(|(leaf, _)| *leaf == at).unwrap() as i64,
            false => branches.binary_search(&at).unwrap() as i64,
        };
        let child = |of: &[i64], at: usize| root(at) + of[at] as usize;
        let each = |of: &dyn Fn(usize) -> i64| branches.iter().map(|at| of(*at)).collect::<Vec<_>>();
        let modes: Vec<u8> =
            branches.iter().map(|at| MODES.iter().position(|mode| *mode == nodes.modes[*at]).map_or(6, |mode| mode as u8)).collect();
        let splits: Vec<f64> = branches.iter().map(|at| nodes.values[*at]).collect();
        let member_branches = branches.iter().filter(|at| nodes.modes[**at] == MEMBER);
        let members: Vec<f64> = member_branches.flat_map(|at| nodes.members[*at].iter().copied().chain([f64::NAN])).collect();
        let element = self.tree_element();
        let roots: Vec<i64> = branches.iter().filter(|at| nodes.ids[**at] == 0).map(|at| place(*at)).collect();
        let number = |of: &[&str], name: &str| of.iter().position(|other| *other == name).unwrap() as i64;
        let mut attributes = vec![
            integers("tree_roots", &roots),
            integers("nodes_featureids", &each(&|at| nodes.features[at])),
            integers("nodes_truenodeids", &each(&|at| place(child(&nodes.yes, at)))),
            integers("nodes_falsenodeids", &each(&|at| place(child(&nodes.no, at)))),
            integers("nodes_trueleafs", &each(&|at| is_leaf(child(&nodes.yes, at)).into())),
            integers("nodes_falseleafs", &each(&|at| is_leaf(child(&nodes.no, at)).into())),
            integers("nodes_missing_value_tracks_true", &each(&|at| nodes.tracks[at])),
            raw_tensor("nodes_modes", 2, modes.len(), &modes),
            tensor("nodes_splits", element, &splits),
            integers("leaf_targetids", &nodes.leaves.iter().map(|(_, weights)| weights[0].0).collect::<Vec<_>>()),
            tensor("leaf_weights", element, &nodes.leaves.iter().map(|(_, weights)| weights[0].1).collect::<Vec<_>>()),
            integer("n_targets", self.targets as i64),
            integer("aggregate_function", number(&AGGREGATES, self.aggregate)),
            integer("post_transform", number(&TRANSFORMS, self.transform)),
        ];
        if !members.is_empty() {
            attributes.push(tensor("membership_values", element, &members));
        }
        attributes
    }
}

fn tensor(name: &str, element: i64, values: &[f64]) -> Message {
    let bytes: Vec<u8> = match element {
        DOUBLE => values.iter().flat_map(|value| value.to_le_bytes()).collect(),
        _ => values.iter().flat_map(|value| (*value as f32).to_le_bytes()).collect(),
    };
    raw_tensor(name, element, values.len(), &bytes)
}

fn raw_tensor(name: &str, element: i64, count: usize, bytes: &[u8]) -> Message {
    let tensor = Message::default().number(1, count as i64).number(2, element).text(8, name).bytes(9, bytes);
    Message::default().text(1, name).number(20, 4).message(5, &tensor)
}
