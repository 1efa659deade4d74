//! Trees laid out for walking: every test is `feature <= threshold`, every step is a load, a comparison and a load, without a branch that
//! depends on data. Walks go side by side, so that one's loads hide behind the others'.

use super::ensemble::{Branch, Ensemble, Test, Tree, TreeNode};
use crate::model::kernel::Unfit;
use crate::model::kernel::number::Number;

/// Walks side by side.
pub(super) const LANES: usize = 16;
/// Steps between two looks whether all walks have arrived, in trees that are not shallow.
const STRIDE: u32 = 4;
/// The bit of [`Step::feature`] that sends NaN to the left.
const NAN_LEFT: u32 = 1 << 31;
/// Longer walks are none of a trained tree.
const MOST_STEPS: usize = 10_000;

/// One node. At a leaf both ways lead to itself, so a walk may take more steps than its path is long.
#[derive(Clone, Copy)]
struct Step<T> {
    threshold: T,
    feature: u32,
    /// Where to go when the feature is at most the threshold, and where else.
    next: [u32; 2],
}

/// Where a tree's nodes are.
#[derive(Clone, Copy)]
struct Root {
    start: u32,
    /// The first leaf; behind it there are only leaves.
    first_leaf: u32,
    /// Its first leaf among the leaves of all trees.
    leaf: u32,
    /// The longest path.
    depth: u32,
}

/// All trees of an ensemble.
pub(super) struct Forest<T> {
    steps: Vec<Step<T>>,
    roots: Vec<Root>,
    /// Whether NaN goes left anywhere.
    nan_left: bool,
    /// The features that a row must have.
    width: usize,
    leaves: Leaves<T>,
}

/// What leaves add.
enum Leaves<T> {
    /// Each leaf adds one number, each tree to one target.
    One { values: Vec<T>, targets: Vec<u32> },
    /// Leaf `l` adds `weights[ends[l]..ends[l + 1]]`.
    Many { ends: Vec<u32>, weights: Vec<(u32, T)> },
}

impl<T: Number> Forest<T> {
    pub(super) fn new(ensemble: &Ensemble) -> Result<Self, Unfit> {
        let mut forest = Self { steps: Vec::new(), roots: Vec::new(), nan_left: false, width: 0, leaves: leaves(ensemble) };
        let mut leaf = 0;
        for Tree(nodes) in &ensemble.trees {
            forest.push(nodes, &mut leaf)?;
        }
        Ok(forest)
    }

    /// The features that a row must have.
    pub(super) fn width(&self) -> usize {
        self.width
    }

    fn push(&mut self, nodes: &[TreeNode], leaf: &mut u32) -> Result<(), Unfit> {
        let start = self.steps.len();
        // The position of each node's first step: branches in order, leaves behind them.
        let cuts: Vec<Option<Cuts<T>>> = nodes.iter().map(Cuts::of).collect::<Result<_, _>>()?;
        let mut next = start;
        let mut places = vec![0; nodes.len()];
        for (place, cuts) in places.iter_mut().zip(&cuts) {
            if let Some(cuts) = cuts {
                *place = next;
                next += cuts.at.len();
            }
        }
        let first_leaf = next;
        for (place, _) in places.iter_mut().zip(&cuts).filter(|(_, cuts)| cuts.is_none()) {
            *place = next;
            next += 1;
        }
        let places: Vec<u32> = places.into_iter().map(small).collect::<Result<_, _>>()?;
        let end = small(next)?;
        for (node, cuts) in nodes.iter().zip(&cuts) {
            let (TreeNode::Branch(branch), Some(cuts)) = (node, cuts) else { continue };
            self.width = self.width.max(branch.feature as usize + 1);
            self.nan_left |= cuts.nan < cuts.at.len();
            cuts.lay(&mut self.steps, branch, [places[branch.yes], places[branch.no]])?;
        }
        let depth = depth(nodes, &cuts)?;
        let root = Root { start: places[0], first_leaf: small(first_leaf)?, leaf: *leaf, depth };
        self.steps.extend((root.first_leaf..end).map(|at| Step { threshold: T::default(), feature: 0, next: [at, at] }));
        *leaf += end - root.first_leaf;
        self.roots.push(root);
        Ok(())
    }

    /// Adds up every tree's answer, in the trees' order, to the scores of a block's rows.
    pub(super) fn sum(&self, block: &Block<'_, T>, scores: &mut Scores<T>) {
        let Leaves::One { values, targets } = &self.leaves else {
            return self.join(block, scores, |sum, _, value| sum.plus(value));
        };
        // Each tree gives a row the score of its target, so which are given is known beforehand.
        for given in scores.given.chunks_exact_mut(scores.targets) {
            targets.iter().for_each(|target| given[*target as usize] = true);
        }
        let (sums, columns) = (scores.values.as_mut_slice(), scores.targets);
        self.walk_all(block, |tree, row, leaf| {
            let sum = &mut sums[row * columns + targets[tree] as usize];
            *sum = sum.plus(values[leaf]);
        });
    }

    /// As [`Forest::sum`], but `with` joins a score, and whether it is given yet, with what a leaf adds.
    pub(super) fn join(&self, block: &Block<'_, T>, scores: &mut Scores<T>, with: impl Fn(T, bool, T) -> T) {
        let mut join = |row: usize, target: u32, value: T| {
            let at = row * scores.targets + target as usize;
            scores.values[at] = with(scores.values[at], scores.given[at], value);
            scores.given[at] = true;
        };
        match &self.leaves {
            Leaves::One { values, targets } => self.walk_all(block, |tree, row, leaf| join(row, targets[tree], values[leaf])),
            Leaves::Many { ends, weights } => self.walk_all(block, |_, row, leaf| {
                let weights = &weights[ends[leaf] as usize..ends[leaf + 1] as usize];
                weights.iter().for_each(|(target, value)| join(row, *target, *value));
            }),
        }
    }

    /// Calls `arrive` with tree, row and the leaf, for each tree and row; a row's trees come in order.
    fn walk_all(&self, block: &Block<'_, T>, arrive: impl FnMut(usize, usize, usize)) {
        let has_nan = || block.features.iter().fold(false, |any, feature| any | feature.is_nan());
        match self.nan_left {
            false => self.walk_each::<false, false>(block, arrive),
            // Rows without NaN, as most are, need not look for it.
            true if !has_nan() => self.walk_each::<true, false>(block, arrive),
            true => self.walk_each::<true, true>(block, arrive),
        }
    }

    /// `MARKED`: some steps are marked with [`NAN_LEFT`]; `NAN`: some features are NaN.
    fn walk_each<const MARKED: bool, const NAN: bool>(&self, block: &Block<'_, T>, mut arrive: impl FnMut(usize, usize, usize)) {
        let Block { features, width, lanes } = *block;
        // One tree after the other, each over all rows: its nodes stay in the nearest cache.
        for (tree, root) in self.roots.iter().enumerate() {
            for (group, lanes) in lanes.chunks_exact(LANES * width).enumerate() {
                let has_arrived = |_, at| at >= root.first_leaf;
                let walks =
                    self.walk::<MARKED, NAN>([root.start; LANES], root.depth, has_arrived, |lane, feature| lanes[feature * LANES + lane]);
                walks.into_iter().enumerate().for_each(|(lane, at)| arrive(tree, group * LANES + lane, root.leaf_at(at)));
            }
        }
        // The rows that are left, each through several trees at once.
        for (row, features) in features.chunks_exact(width).enumerate().skip(lanes.len() / width) {
            for (group, roots) in self.roots.chunks(LANES).enumerate() {
                let side_by_side: [&Root; LANES] = std::array::from_fn(|lane| roots.get(lane).unwrap_or(&roots[0]));
                let depth = roots.iter().map(|root| root.depth).max().unwrap_or(0);
                let has_arrived = |lane: usize, at| at >= side_by_side[lane].first_leaf;
                let walks =
                    self.walk::<MARKED, NAN>(side_by_side.map(|root| root.start), depth, has_arrived, |_, feature| features[feature]);
                let arrivals = roots.iter().zip(walks).enumerate();
                arrivals.for_each(|(lane, (root, at))| arrive(group * LANES + lane, row, root.leaf_at(at)));
            }
        }
    }

    /// Where walks end that start `at` these nodes, the longest of which may take `depth` steps; `feature_of` is asked with lane and feature.
    #[inline]
    fn walk<const MARKED: bool, const NAN: bool>(
        &self,
        mut at: [u32; LANES],
        depth: u32,
        has_arrived: impl Fn(usize, u32) -> bool,
        feature_of: impl Fn(usize, usize) -> T,
    ) -> [u32; LANES] {
        let steps = self.steps.as_slice();
        let stride = if depth <= 2 * STRIDE { depth } else { STRIDE };
        let mut left = depth;
        while left > 0 {
            for _ in 0..left.min(stride) {
                for (lane, at) in at.iter_mut().enumerate() {
                    let step = &steps[*at as usize];
                    let place = if MARKED { step.feature & !NAN_LEFT } else { step.feature };
                    let feature = feature_of(lane, place as usize);
                    let goes_left = match NAN {
                        true => (feature <= step.threshold) | (feature.is_nan() & (step.feature & NAN_LEFT != 0)),
                        false => feature <= step.threshold,
                    };
                    *at = step.next[usize::from(!goes_left)];
                }
            }
            left = left.saturating_sub(stride);
            if left > 0 && at.iter().enumerate().all(|(lane, at)| has_arrived(lane, *at)) {
                break;
            }
        }
        at
    }
}

/// Rows of features.
#[derive(Clone, Copy)]
pub(super) struct Block<'f, T> {
    /// Row after row.
    features: &'f [T],
    /// Features in a row, at least 1.
    width: usize,
    /// As many rows as fill whole groups of lanes, feature after feature in each group.
    lanes: &'f [T],
}

impl<'f, T: Number> Block<'f, T> {
    /// These rows; `lanes` is memory to work in.
    pub(super) fn new(features: &'f [T], width: usize, lanes: &'f mut Vec<T>) -> Self {
        lanes.clear();
        let groups = features.chunks_exact(LANES * width);
        lanes.resize(groups.len() * LANES * width, T::default());
        for (group, lanes) in groups.zip(lanes.chunks_exact_mut(LANES * width)) {
            for (lane, row) in group.chunks_exact(width).enumerate() {
                row.iter().enumerate().for_each(|(feature, value)| lanes[feature * LANES + lane] = *value);
            }
        }
        Self { features, width, lanes }
    }
}

impl Root {
    /// The leaf, among those of all trees, that is at this position.
    fn leaf_at(&self, at: u32) -> usize {
        (self.leaf + (at - self.first_leaf)) as usize
    }
}

/// The scores of rows on their way through the trees.
pub(super) struct Scores<T> {
    /// A row's targets behind each other.
    pub(super) values: Vec<T>,
    /// Whether a tree has given this score yet.
    pub(super) given: Vec<bool>,
    /// How many a row has.
    pub(super) targets: usize,
}

impl<T: Number> Scores<T> {
    pub(super) fn new(targets: usize) -> Self {
        Self { values: Vec::new(), given: Vec::new(), targets }
    }

    /// Makes it `rows` rows without scores.
    pub(super) fn reset(&mut self, rows: usize) {
        self.values.clear();
        self.values.resize(rows * self.targets, T::default());
        self.given.clear();
        self.given.resize(rows * self.targets, false);
    }
}

fn leaves<T: Number>(ensemble: &Ensemble) -> Leaves<T> {
    let of_tree = |tree: &Tree| {
        tree.0.iter().filter_map(|node| if let TreeNode::Leaf(weights) = node { Some(weights.clone()) } else { None }).collect::<Vec<_>>()
    };
    let trees: Vec<Vec<Vec<(u32, f64)>>> = ensemble.trees.iter().map(of_tree).collect();
    let only_target = |tree: &Vec<Vec<(u32, f64)>>| {
        let target = tree.first()?.first()?.0;
        tree.iter().all(|leaf| matches!(leaf.as_slice(), [(of, _)] if *of == target)).then_some(target)
    };
    if let Some(targets) = trees.iter().map(only_target).collect::<Option<Vec<u32>>>() {
        return Leaves::One { values: trees.iter().flatten().flatten().map(|(_, value)| T::of(*value)).collect(), targets };
    }
    let (mut ends, mut weights) = (vec![0], Vec::new());
    for leaf in trees.iter().flatten() {
        weights.extend(leaf.iter().map(|(target, value)| (*target, T::of(*value))));
        ends.push(weights.len() as u32);
    }
    Leaves::Many { ends, weights }
}

/// A test as numbers that cut the line of a feature's values into intervals, which lead to yes and no in turn.
struct Cuts<T> {
    /// The greatest value of each interval but the last; NaN for one that has none.
    at: Vec<T>,
    /// Whether the first interval leads to yes.
    first: bool,
    /// The interval that NaN goes to.
    nan: usize,
}

impl<T: Number> Cuts<T> {
    /// `None` for a leaf.
    fn of(node: &TreeNode) -> Result<Option<Self>, Unfit> {
        let TreeNode::Branch(branch) = node else { return Ok(None) };
        let (at, first, nan_is_yes) = match &branch.test {
            Test::AtMost(value) => (vec![finite(*value)?], true, branch.nan_is_yes),
            Test::Below(value) => (vec![finite::<T>(*value)?.below()], true, branch.nan_is_yes),
            Test::Above(value) => (vec![finite(*value)?], false, branch.nan_is_yes),
            Test::AtLeast(value) => (vec![finite::<T>(*value)?.below()], false, branch.nan_is_yes),
            Test::Equal(value) => (members(&[*value])?, false, branch.nan_is_yes),
            // NaN differs from every number.
            Test::NotEqual(value) => (members(&[*value])?, true, true),
            Test::Member(values) if is_exact(values) => (members(values)?, false, branch.nan_is_yes),
            Test::Member(values) => (whole_members(values)?, false, branch.nan_is_yes),
        };
        let leads_to_yes = |interval: &usize| (interval.is_multiple_of(2)) == first;
        // The last interval takes NaN by itself, for NaN is never at most anything.
        let nan = (0..=at.len()).rev().find(|interval| leads_to_yes(interval) == nan_is_yes).unwrap_or(at.len());
        Ok(Some(Self { at, first, nan }))
    }

    /// Steps that find a value's interval by halves, `ends` being where yes and no lead.
    fn lay(&self, steps: &mut Vec<Step<T>>, branch: &Branch, ends: [u32; 2]) -> Result<(), Unfit> {
        // The steps of a range of cuts start with the one in its middle, then those below it, then those above.
        let mut open = vec![(0, self.at.len())];
        while let Some((from, to)) = open.pop() {
            let middle = from + (to - from) / 2;
            let here = steps.len();
            let leads = |interval: usize| ends[usize::from(interval.is_multiple_of(2) != self.first)];
            let lower = if middle > from { small(here + 1)? } else { leads(middle) };
            let upper = if middle + 1 < to { small(here + 1 + (middle - from))? } else { leads(middle + 1) };
            let nan_left = if self.nan <= middle { NAN_LEFT } else { 0 };
            steps.push(Step { threshold: self.at[middle], feature: branch.feature | nan_left, next: [lower, upper] });
            open.extend((middle + 1 < to).then_some((middle + 1, to)));
            open.extend((middle > from).then_some((from, middle)));
        }
        Ok(())
    }
}

fn finite<T: Number>(value: f64) -> Result<T, Unfit> {
    if value.is_nan() { Err(Unfit("it compares with NaN".into())) } else { Ok(T::of(value)) }
}

/// The cuts around each of these values.
fn members<T: Number>(values: &[f64]) -> Result<Vec<T>, Unfit> {
    let mut values: Vec<T> = values.iter().map(|value| finite(*value)).collect::<Result<_, _>>()?;
    values.sort_by(|one, other| one.partial_cmp(other).unwrap_or(std::cmp::Ordering::Equal));
    values.dedup();
    if values.is_empty() {
        return Err(Unfit("it asks for membership in an empty set".into()));
    }
    Ok(values.into_iter().flat_map(|value| [value.below(), value]).collect())
}

/// Whether ONNX Runtime looks for a value itself in this set. In others it looks for the value's whole part.
fn is_exact(values: &[f64]) -> bool {
    values.len() < 31 && values.iter().all(|value| (0.0..=30.0).contains(value))
}

/// The cuts around the numbers that have one of these as their whole part.
fn whole_members<T: Number>(values: &[f64]) -> Result<Vec<T>, Unfit> {
    // Beyond, a float has no room for fractions.
    const MOST: f64 = (1 << 23) as f64;
    let mut values = values.to_vec();
    if values.is_empty() || values.iter().any(|value| value.fract() != 0.0 || value.abs() >= MOST) {
        return Err(Unfit("it asks for membership in a set of other numbers than small integers".into()));
    }
    values.sort_by(f64::total_cmp);
    values.dedup();
    let around = |value: f64| {
        [
            if value > 0.0 { T::of(value).below() } else { T::of(value - 1.0) },
            if value < 0.0 { T::of(value) } else { T::of(value + 1.0).below() },
        ]
    };
    Ok(values.into_iter().flat_map(around).collect())
}

fn small(position: usize) -> Result<u32, Unfit> {
    u32::try_from(position).map_err(|_| Unfit("it has too many nodes".into()))
}

/// The steps of the longest path.
fn depth<T>(nodes: &[TreeNode], cuts: &[Option<Cuts<T>>]) -> Result<u32, Unfit> {
    let mut open = vec![(0, 0)];
    let mut deepest = 0;
    while let Some((at, steps)) = open.pop() {
        deepest = deepest.max(steps);
        if let (TreeNode::Branch(branch), Some(cuts)) = (&nodes[at], &cuts[at]) {
            let below = steps + cuts.at.len().ilog2() as usize + 1;
            open.extend([(branch.yes, below), (branch.no, below)]);
        }
    }
    if deepest <= MOST_STEPS { small(deepest) } else { Err(Unfit(format!("a path in it has {deepest} steps"))) }
}
