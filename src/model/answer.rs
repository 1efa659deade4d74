//! A run's answers on their way into columns.

use ort::session::SessionOutputs;
use ort::value::{DynMap, DynSequenceValueType, DynValue, DynValueTypeMarker};

use super::session::RunError;
use super::signature::{Output, Outputs};
use super::tensor::Values;

/// The empty columns of all outputs, with room for `rows` rows.
pub(super) fn columns(outputs: &[Output], rows: usize) -> Vec<Values> {
    let of = |output: &Output| {
        let (element, width) = (output.holds.element(), output.holds.width());
        (0..width).map(move |_| Values::with_capacity(element, rows))
    };
    outputs.iter().flat_map(of).collect()
}

/// Appends what one run of `rows` rows answered to the columns of all outputs. After an error, some columns may be longer than others.
pub(super) fn read(outputs: &[Output], answers: &SessionOutputs<'_>, rows: usize, columns: &mut [Values]) -> Result<(), RunError> {
    let mut rest = columns;
    for output in outputs {
        let (own, others) = rest.split_at_mut(output.holds.width());
        read_output(output, &answers[output.place], rows, own)?;
        rest = others;
    }
    Ok(())
}

fn read_output(output: &Output, value: &DynValue, rows: usize, columns: &mut [Values]) -> Result<(), RunError> {
    match &output.holds {
        Outputs::Tensor { .. } => read_tensor(output, value, rows, columns),
        Outputs::Sequence { widths, .. } => read_sequence(output, value, rows, widths, columns),
        Outputs::Maps { classes, integers } => read_maps(output, value, rows, classes, *integers, columns),
    }
}

/// One row may have any shape; several must stand along the first dimension.
fn read_tensor(output: &Output, value: &DynValue, rows: usize, columns: &mut [Values]) -> Result<(), RunError> {
    let width = columns.len();
    let fits = value.dtype().tensor_shape().is_some_and(|shape| {
        shape.num_elements() == rows * width && (rows == 1 || shape.first().is_some_and(|first| usize::try_from(*first) == Ok(rows)))
    });
    if !fits {
        return Err(wrong_shape(output, value, rows, width));
    }
    columns.iter_mut().enumerate().try_for_each(|(at, column)| column.extend(value, at, width))?;
    Ok(())
}

fn read_sequence(output: &Output, value: &DynValue, rows: usize, widths: &[usize], columns: &mut [Values]) -> Result<(), RunError> {
    let tensors = sequence::<DynValueTypeMarker>(value)?;
    if tensors.len() != widths.len() {
        return Err(wrong_shape(output, value, rows, widths.len()));
    }
    let mut rest = columns;
    for (tensor, width) in tensors.iter().zip(widths) {
        let (own, others) = rest.split_at_mut(*width);
        read_tensor(output, tensor, rows, own)?;
        rest = others;
    }
    Ok(())
}

fn read_maps(
    output: &Output,
    value: &DynValue,
    rows: usize,
    classes: &[String],
    integers: bool,
    columns: &mut [Values],
) -> Result<(), RunError> {
    let maps = row_maps(value)?;
    if maps.len() != rows {
        return Err(RunError::Shape {
            output: output.name.clone(),
            found: format!("{} maps", maps.len()),
            expected: format!("{rows}, one a row"),
        });
    }
    for map in &maps {
        let pairs = class_probabilities(map, integers)?;
        for (class, column) in classes.iter().zip(columns.iter_mut()) {
            let probability = pairs.iter().find(|(of, _)| of == class).map_or(f32::NAN, |(_, probability)| *probability);
            if let Values::F32(vec) = column {
                vec.push(probability);
            }
        }
    }
    Ok(())
}

fn wrong_shape(output: &Output, value: &DynValue, rows: usize, width: usize) -> RunError {
    let expected = format!("{rows} rows of {width} values");
    RunError::Shape { output: output.name.clone(), found: value.dtype().to_string(), expected }
}

/// The values of a sequence.
pub(super) fn sequence<T>(value: &DynValue) -> Result<Vec<ort::value::Value<T>>, ort::Error>
where
    T: ort::value::ValueTypeMarker + ort::value::DowncastableTarget + std::fmt::Debug + Sized,
{
    value.view().downcast::<DynSequenceValueType>()?.try_extract_sequence()
}

/// The maps of a ZipMap's output, one a row.
pub(super) fn row_maps(value: &DynValue) -> Result<Vec<DynMap>, ort::Error> {
    sequence(value)
}

/// A row's classes, as text, with their probabilities, in no order.
pub(super) fn class_probabilities(map: &DynMap, integers: bool) -> Result<Vec<(String, f32)>, ort::Error> {
    if integers {
        let pairs = map.try_extract_key_values::<i64, f32>()?;
        Ok(pairs.into_iter().map(|(class, probability)| (class.to_string(), probability)).collect())
    } else {
        map.try_extract_key_values::<String, f32>()
    }
}
