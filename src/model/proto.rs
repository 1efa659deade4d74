//! The wire format of protobuf, in which ONNX models are written: the few messages that matter here are read from it directly.

/// The bytes are not a protobuf message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not an ONNX model, or cut short")]
pub(super) struct Malformed;

/// The value of a field.
pub(super) enum Wire<'a> {
    /// An integer of variable length.
    Number(i64),
    /// Text, a message, or packed numbers.
    Bytes(&'a [u8]),
    /// Four bytes: a float.
    Four([u8; 4]),
    /// Eight bytes: a double.
    Eight([u8; 8]),
}

/// The fields of a message, by number.
pub(super) struct Fields<'a>(pub(super) &'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Result<(u64, Wire<'a>), Malformed>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_err() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Result<(u64, Wire<'a>), Malformed> {
        let tag = number(&mut self.0)? as u64;
        let wire = match tag & 7 {
            0 => Wire::Number(number(&mut self.0)?),
            1 => Wire::Eight(array(self.take(8)?)?),
            2 => {
                let length = usize::try_from(number(&mut self.0)?).map_err(|_| Malformed)?;
                Wire::Bytes(self.take(length)?)
            }
            5 => Wire::Four(array(self.take(4)?)?),
            _ => return Err(Malformed),
        };
        if tag >> 3 == 0 { Err(Malformed) } else { Ok((tag >> 3, wire)) }
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or(Malformed)?;
        self.0 = rest;
        Ok(taken)
    }
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    bytes.try_into().map_err(|_| Malformed)
}

/// A variable-length number at the front of `bytes`, which is taken off.
fn number(bytes: &mut &[u8]) -> Result<i64, Malformed> {
    let mut value = 0_u64;
    for shift in (0..64).step_by(7) {
        let (byte, rest) = bytes.split_first().ok_or(Malformed)?;
        *bytes = rest;
        value |= u64::from(byte & 0x7F) << shift;
        if *byte < 0x80 {
            return Ok(value as i64);
        }
    }
    Err(Malformed)
}

/// Appends the integers of a repeated field, which stand alone or packed behind each other.
pub(super) fn integers(wire: &Wire<'_>, into: &mut Vec<i64>) -> Result<(), Malformed> {
    match wire {
        Wire::Number(value) => into.push(*value),
        Wire::Bytes(packed) => {
            let mut packed = *packed;
            while !packed.is_empty() {
                into.push(number(&mut packed)?);
            }
        }
        Wire::Four(_) | Wire::Eight(_) => return Err(Malformed),
    }
    Ok(())
}

/// Appends the floats of a repeated field, alone or packed.
pub(super) fn floats(wire: &Wire<'_>, into: &mut Vec<f32>) -> Result<(), Malformed> {
    match wire {
        Wire::Four(bytes) => into.push(f32::from_le_bytes(*bytes)),
        Wire::Bytes(packed) => into.extend(fixed(packed)?.map(f32::from_le_bytes)),
        Wire::Number(_) | Wire::Eight(_) => return Err(Malformed),
    }
    Ok(())
}

/// Appends the doubles of a repeated field, alone or packed.
pub(super) fn doubles(wire: &Wire<'_>, into: &mut Vec<f64>) -> Result<(), Malformed> {
    match wire {
        Wire::Eight(bytes) => into.push(f64::from_le_bytes(*bytes)),
        Wire::Bytes(packed) => into.extend(fixed(packed)?.map(f64::from_le_bytes)),
        Wire::Number(_) | Wire::Four(_) => return Err(Malformed),
    }
    Ok(())
}

/// Values of `N` bytes behind each other.
pub(super) fn fixed<const N: usize>(bytes: &[u8]) -> Result<impl Iterator<Item = [u8; N]> + '_, Malformed> {
    let (values, []) = bytes.as_chunks::<N>() else { return Err(Malformed) };
    Ok(values.iter().copied())
}

/// A field's text.
pub(super) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}
