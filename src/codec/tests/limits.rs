//! Numbers that their Avro type does not hold.

use std::sync::Arc;

use apache_avro::Schema;
use arrow_array::{ArrayRef, UInt64Array};
use arrow_schema::DataType;

use super::{decode, schema};
use crate::codec::avro::{AvroDecoder, AvroEncoder};
use crate::codec::json::{JsonDecoder, JsonEncoder, Rules};
use crate::codec::view::View;
use crate::codec::{Encoded, Encoder};
use crate::dataset::{DatasetSchema, Reason};

/// A decimal's default is its bytes, which are easily taken for its digits.
#[test]
fn a_default_that_its_decimal_does_not_hold_is_refused() {
    let fixed = r#"{"type":"fixed","name":"F","size":4,"logicalType":"decimal","precision":4,"scale":2}"#;
    let bytes = r#"{"type":"bytes","logicalType":"decimal","precision":4,"scale":2}"#;
    let field = |kind: &str, default: &str| format!(r#"{{"name":"d","type":{kind},"default":"{default}"}}"#);
    for (kind, default) in [(bytes, ""), (bytes, "0.00"), (fixed, "0.00")] {
        let field = field(kind, default);
        let items = format!(r#"{{"name":"l","type":{{"type":"array","items":{{"type":"record","name":"R","fields":[{field}]}}}}}}"#);
        let refused = JsonDecoder::new(&schema(&field), &[0]).unwrap_err().to_string();
        assert!(refused.contains(&format!("the default \"{default}\" is not of the field's type")), "{refused}");
        assert!(JsonDecoder::new(&schema(&items), &[0]).is_err());
        let writer = Schema::parse_str(r#"{"type":"record","name":"Event","fields":[]}"#).unwrap();
        assert!(AvroDecoder::with_writer(&writer, &schema(&field), &[0]).is_err());
    }
    let schema = schema(&field(bytes, "\\u0001"));
    let decoded = decode(&mut JsonDecoder::new(&schema, &[0]).unwrap(), &[b"{}", br#"{"d":"0.02"}"#]);
    let view = View::new(decoded.columns[0].as_ref()).unwrap();
    assert_eq!([0, 1].map(|row| format!("{:?}", view.cell(row))), ["Decimal(1, 2)", "Decimal(2, 2)"]);
}

#[test]
fn an_unsigned_number_beyond_a_long_is_refused_as_in_avro() {
    let fields = [("n".to_owned(), DataType::UInt64, false)];
    let derived = AvroEncoder::new("Score", &fields).unwrap();
    let schema = DatasetSchema::parse_avro(derived.schema().unwrap()).unwrap();
    let column: ArrayRef = Arc::new(UInt64Array::from(vec![1 << 63, 7]));
    let encoders: [Box<dyn Encoder>; 2] = [Box::new(derived), Box::new(JsonEncoder::by(Rules::Avro, &schema))];
    for mut encoder in encoders {
        let (mut encoded, mut rejected) = (Encoded::default(), vec![]);
        encoder.encode(std::slice::from_ref(&column), &mut (0..2), &mut encoded, &mut rejected);
        let told: Vec<_> = rejected.iter().map(|(row, why)| (*row, why.reason, &*why.message)).collect();
        assert_eq!(told, [(0, Reason::OutOfRange, "9223372036854775808 does not fit a long")]);
    }
}
