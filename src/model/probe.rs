//! What a model answers, found by asking it: the width and classes of its outputs, whether rows stand along their first dimension, and
//! whether a row's answer depends on its batch.

use ort::session::Session;
use ort::value::{DynValue, DynValueTypeMarker, ValueType};

use super::answer::{self, class_probabilities, row_maps, sequence};
use super::engine::run_onnx;
use super::file::ModelFile;
use super::load::SingleRow;
use super::runtime::plain;
use super::session::{RunError, values};
use super::signature::{Output, Outputs, Port, PortError, Signature};
use super::tensor::{Element, Tensor, Values};

/// More columns than this from one output are a mistake, or nothing that belongs into an event.
const MOST_COLUMNS: usize = 4096;
/// How many rows of noise are answered alone and together.
const PROBED: usize = 3;
const ALLOWED: &str = "tensors with one row per event and at most 4,096 elements in it, sequences of these, and ZipMap's maps";

/// `rows` rows of zeros (empty strings) for each input; a width that the model leaves open is the number of declared features.
fn zeros(inputs: &[Port], declared: Option<usize>, rows: usize) -> Vec<Tensor> {
    let zero = |port: &Port| {
        let mut tensor = Tensor::new(port.element, width(port, declared));
        tensor.reset(rows);
        tensor
    };
    inputs.iter().map(zero).collect()
}

/// What seeded noise looks like.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Noise {
    /// Dummies beside a few numbers: most are 0, some 1, few between 0 and 1,000.
    Sparse,
    /// Numbers between -2 and 2: scaled features, of which hardly two are alike.
    Dense,
}

/// `rows` rows of noise, another for each input. Strings are empty.
pub(super) fn noise(kind: Noise, inputs: &[Port], declared: Option<usize>, rows: usize) -> Vec<Tensor> {
    let noisy = |(seed, port): (u64, &Port)| {
        let mut tensor = Tensor::new(port.element, width(port, declared));
        tensor.reset(rows);
        fill_with_noise(kind, seed, &mut tensor.values);
        tensor
    };
    (1..).zip(inputs).map(noisy).collect()
}

fn width(port: &Port, declared: Option<usize>) -> usize {
    port.width().or(declared.filter(|width| port.takes(*width))).unwrap_or_else(|| port.fixed())
}

fn fill_with_noise(kind: Noise, seed: u64, values: &mut Values) {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64.wrapping_mul(seed);
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        let part = (state >> 40) as f64 / f64::from(1 << 24);
        match state % 32 {
            _ if kind == Noise::Dense => 4.0 * part - 2.0,
            0 => part * 1000.0,
            1..=4 => 1.0,
            _ => 0.0,
        }
    };
    match values {
        Values::F16(vec) => vec.iter_mut().for_each(|value| *value = super::F16::from_f64(next())),
        Values::F32(vec) => vec.iter_mut().for_each(|value| *value = next() as f32),
        Values::F64(vec) => vec.iter_mut().for_each(|value| *value = next()),
        Values::I8(vec) => vec.iter_mut().for_each(|value| *value = next() as i8),
        Values::I16(vec) => vec.iter_mut().for_each(|value| *value = next() as i16),
        Values::I32(vec) => vec.iter_mut().for_each(|value| *value = next() as i32),
        Values::I64(vec) => vec.iter_mut().for_each(|value| *value = next() as i64),
        Values::U8(vec) => vec.iter_mut().for_each(|value| *value = next() as u8),
        Values::U16(vec) => vec.iter_mut().for_each(|value| *value = next() as u16),
        Values::U32(vec) => vec.iter_mut().for_each(|value| *value = next() as u32),
        Values::U64(vec) => vec.iter_mut().for_each(|value| *value = next() as u64),
        Values::Bool(vec) => vec.iter_mut().for_each(|value| *value = next() > 0.5),
        Values::Str(_) => {}
    }
}

/// What one row tells of a model's outputs.
pub(super) struct Found {
    pub(super) outputs: Vec<Output>,
    /// Those that no column can hold.
    pub(super) unusable: Vec<PortError>,
    /// An output whose first dimension may not be that of the rows.
    pub(super) turned: Option<String>,
    /// What the model says when it refuses the row; then all is as the file declares it.
    pub(super) refusal: Option<String>,
}

impl Found {
    /// `held` in the order of the model's outputs.
    fn of(names: Vec<String>, held: Vec<Result<Held, String>>, refusal: Option<String>) -> Self {
        let mut found = Self { outputs: Vec::new(), unusable: Vec::new(), turned: None, refusal };
        for (place, (name, held)) in names.into_iter().zip(held).enumerate() {
            match held {
                Ok(Held { holds, turned }) => {
                    if turned.is_some() {
                        found.turned.get_or_insert_with(|| name.clone());
                    }
                    found.outputs.push(Output { name, holds, place });
                }
                Err(is) => found.unusable.push(PortError { direction: "output", name, found: is, allowed: ALLOWED }),
            }
        }
        found
    }
}

/// What an output holds for one row.
struct Held {
    holds: Outputs,
    /// The first dimension, where it is not 1: it may be as long as a run has rows by chance.
    turned: Option<usize>,
}

/// What each output holds for one row: observed on a row of zeros, or read from its declaration when the model refuses that row.
///
/// # Errors
/// What the model says when it refuses the row and the declarations do not tell enough.
pub(super) fn outputs(session: &mut Session, inputs: &[Port], declared: Option<usize>, file: &ModelFile) -> Result<Found, String> {
    let names: Vec<String> = session.outputs().iter().map(|output| output.name().to_owned()).collect();
    let one = zeros(inputs, declared, 1);
    let observed: Result<Vec<_>, _> = values(&one, inputs, 0, 1)
        .and_then(|values| session.run(values.as_slice()))
        .map(|answers| (0..names.len()).map(|place| observe(&answers[place])).collect());
    let refusal = match observed {
        Ok(mut held) => {
            for (place, held) in held.iter_mut().enumerate().filter_map(|(place, held)| Some((place, held.as_mut().ok()?))) {
                held.turned =
                    held.turned.filter(|first| !has_rows_first(session, inputs, declared, place, if *first == 2 { 3 } else { 2 }));
            }
            return Ok(Found::of(names, held, None));
        }
        Err(error) => plain(error.message()),
    };
    let is_batched = inputs.iter().all(Port::is_batched);
    let held: Option<Vec<Held>> =
        session.outputs().iter().map(|output| declaration(output.name(), output.dtype(), is_batched, file)).collect();
    match held {
        Some(held) => Ok(Found::of(names, held.into_iter().map(Ok).collect(), Some(refusal))),
        None => Err(refusal),
    }
}

/// Whether so many rows of zeros stand along an output's first dimension, though one row's answer has another there: an answer from which
/// dimensions of 1 were taken.
fn has_rows_first(session: &mut Session, inputs: &[Port], declared: Option<usize>, place: usize, rows: usize) -> bool {
    let zeros = zeros(inputs, declared, rows);
    let answers = values(&zeros, inputs, 0, rows).and_then(|values| session.run(values.as_slice()));
    let first = |answer: &DynValue| answer.dtype().tensor_shape()?.first().copied();
    answers.is_ok_and(|answers| first(&answers[place]).is_some_and(|first| usize::try_from(first) == Ok(rows)))
}

/// The one open dimension is that of the rows. Where none is open, the first should have been, of rows that share a run; else all of the
/// output is one row's.
fn declaration(name: &str, declared: &ValueType, is_batched: bool, file: &ModelFile) -> Option<Held> {
    if let Some(shape) = declared.tensor_shape() {
        // 0 is open too, as exporters write it.
        let sizes: Vec<Option<usize>> = shape.iter().map(|size| usize::try_from(*size).ok().filter(|size| *size > 0)).collect();
        let open = sizes.iter().filter(|size| size.is_none()).count();
        if open > usize::from(is_batched) {
            return None;
        }
        let of_rows = usize::from(is_batched && open == 0);
        let width = sizes.iter().skip(of_rows).flatten().try_fold(1_usize, |width, size| width.checked_mul(*size))?;
        let element = declared.tensor_type().and_then(Element::from_onnx)?;
        let turned = sizes.first().copied().flatten();
        return (1..=MOST_COLUMNS).contains(&width).then_some(Held { holds: Outputs::Tensor { element, width }, turned });
    }
    let map = file.zip_maps.iter().find(|map| map.output == name)?;
    Some(Held { holds: maps(map.classes.clone(), map.integers), turned: None })
}

fn observe(value: &DynValue) -> Result<Held, String> {
    let refuse = || value.dtype().to_string();
    match value.dtype() {
        ValueType::Tensor { .. } => {
            let (element, width) = observe_tensor(value)?;
            Ok(Held { holds: Outputs::Tensor { element, width }, turned: turned(value) })
        }
        ValueType::Sequence(of) if of.is_tensor() => {
            let tensors = sequence::<DynValueTypeMarker>(value).map_err(|_| refuse())?;
            let turned = tensors.iter().find_map(turned);
            let tensors: Vec<(Element, usize)> = tensors.iter().map(observe_tensor).collect::<Result<_, _>>()?;
            let element = tensors.first().ok_or_else(|| format!("{}, empty for one row", value.dtype()))?.0;
            Ok(Held { holds: Outputs::Sequence { element, widths: tensors.into_iter().map(|(_, width)| width).collect() }, turned })
        }
        _ => {
            let all = row_maps(value).map_err(|_| refuse())?;
            let [map] = all.as_slice() else { return Err(format!("{} maps for one row", all.len())) };
            let integers = map.try_extract_key_values::<i64, f32>().is_ok();
            let pairs = class_probabilities(map, integers).map_err(|_| refuse())?;
            Ok(Held { holds: maps(pairs.into_iter().map(|(class, _)| class).collect(), integers), turned: None })
        }
    }
}

fn observe_tensor(value: &DynValue) -> Result<(Element, usize), String> {
    let refuse = || format!("{} for one row", value.dtype());
    let element = value.dtype().tensor_type().and_then(Element::from_onnx).ok_or_else(refuse)?;
    let width = value.dtype().tensor_shape().map_or(0, |shape| shape.num_elements());
    if (1..=MOST_COLUMNS).contains(&width) { Ok((element, width)) } else { Err(refuse()) }
}

/// The first dimension of an answer to one row, where it is not 1. A single number without dimensions has none: among several rows there is
/// no other dimension for them.
fn turned(value: &DynValue) -> Option<usize> {
    let first = *value.dtype().tensor_shape()?.first()?;
    usize::try_from(first).ok().filter(|first| *first != 1)
}

fn maps(mut classes: Vec<String>, integers: bool) -> Outputs {
    if integers {
        classes.sort_by_key(|class| class.parse::<i64>().unwrap_or(i64::MAX));
    } else {
        classes.sort();
    }
    Outputs::Maps { classes, integers }
}

/// What rows of noise tell of answers that are not each row's own: whether those that share a run are answered as each is alone, but for
/// rounding, and a row alone the same each time. A model that refuses the noise is taken at its word.
pub(super) fn dependence(session: &mut Session, signature: &Signature, declared: Option<usize>) -> Option<SingleRow> {
    // What sums of numbers up to 1,000 leave may be little but rounding.
    [(Noise::Sparse, 1e-2), (Noise::Dense, 1e-4)].into_iter().find_map(|(kind, rounding)| {
        let noise = noise(kind, &signature.inputs, declared, PROBED);
        dependence_of(session, signature, &noise, rounding)
    })
}

fn dependence_of(session: &mut Session, signature: &Signature, noise: &[Tensor], rounding: f64) -> Option<SingleRow> {
    let alone = answers_alone(session, signature, noise)?;
    let agrees = |others: &[Values]| alone.iter().zip(others).all(|(alone, other)| agree(alone, other, rounding));
    let mut together = answer::columns(&signature.outputs, PROBED);
    match run_onnx(session, signature, noise, 0, PROBED, &mut together) {
        Ok(()) if agrees(&together) => None,
        Ok(()) => {
            let is_random = answers_alone(session, signature, noise).is_some_and(|again| !agrees(&again));
            Some(if is_random { SingleRow::Random } else { SingleRow::DependsOnBatch })
        }
        Err(RunError::Shape { .. } | RunError::Runtime(_)) => Some(SingleRow::DependsOnBatch),
    }
}

/// The answers to each row of noise alone; `None` when the model refuses one.
fn answers_alone(session: &mut Session, signature: &Signature, noise: &[Tensor]) -> Option<Vec<Values>> {
    let mut alone = answer::columns(&signature.outputs, PROBED);
    (0..PROBED).all(|row| run_onnx(session, signature, noise, row, row + 1, &mut alone).is_ok()).then_some(alone)
}

/// Equal but for the rounding of another kernel, as a part of the answer; half precision has digits for no less than 1e-2.
fn agree(one: &Values, other: &Values, rounding: f64) -> bool {
    let within = |part: f64, a: f64, b: f64| a == b || (a.is_nan() && b.is_nan()) || (a - b).abs() <= part * (0.1 + a.abs().max(b.abs()));
    let close = |a: f64, b: f64| within(rounding, a, b);
    match (one, other) {
        (Values::F16(a), Values::F16(b)) => a.iter().zip(b).all(|(a, b)| within(1e-2, a.to_f64(), b.to_f64())),
        (Values::F32(a), Values::F32(b)) => a.iter().zip(b).all(|(a, b)| close((*a).into(), (*b).into())),
        (Values::F64(a), Values::F64(b)) => a.iter().zip(b).all(|(a, b)| close(*a, *b)),
        (one, other) => one == other,
    }
}
