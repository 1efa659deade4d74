//! Avro: datums, other writers' datums, headers.

use std::cell::RefCell;

use apache_avro::Schema;
use apache_avro::reader::datum::GenericDatumReader;

use super::schemas::{PAIRS, TEXTS, choose, dataset};
use super::{at_path, beside_others, decode, is_treated_alike, is_value};
use crate::codec::Decoder;
use crate::codec::avro::{AvroDecoder, KnownSchemas, WriterSchemas};
use crate::codec::frame::Framing;
use crate::codec::view::View;
use crate::dataset::{DatasetSchema, Reason};

/// What apache-avro may allocate at once: it believes lengths, caz does not.
#[cfg(fuzzing)]
const THEIR_BYTES: usize = 1 << 20;

/// Why caz refuses what apache-avro reads: limits that it does not have, values that columns do not carry, and ends inside a string or a union,
/// which it takes for the string's end or for null.
const STRICTER: [Reason; 9] = [
    Reason::Empty,
    Reason::Truncated,
    Reason::TrailingBytes,
    Reason::InvalidLength,
    Reason::OutOfRange,
    Reason::TooDeep,
    Reason::UnknownBranch,
    Reason::MissingField,
    Reason::WrongType,
];

/// Decodes payloads and holds the rows against what apache-avro reads; true of any payloads.
pub(crate) fn agrees_with_apache_avro(
    schema: &DatasetSchema,
    reader: &GenericDatumReader<'_>,
    decoder: &mut AvroDecoder,
    payloads: &[&[u8]],
) {
    let decoded = decode(decoder, payloads);
    let views: Vec<View<'_>> = decoded.columns.iter().map(|column| View::new(column.as_ref()).expect("a carried type")).collect();
    for (row, payload) in decoded.rows.iter().enumerate() {
        let payload = payloads[*payload as usize];
        // What it refuses and caz does not: decimals longer than a fixed, and text in what is bytes; none of them is a finding.
        let Ok(value) = reader.read_value(&mut &*payload) else { continue };
        for (field, view) in schema.fields().iter().zip(&views) {
            let (cell, theirs) = (view.cell(row), at_path(&value, &field.path));
            // A key that is there twice is one entry there, and two here.
            let is_same = is_value(&cell, &theirs) || format!("{theirs:?}").contains("Map(");
            assert!(is_same, "{payload:?} of {}: {} is {cell:?}, {theirs:?}", schema.text(), field.path);
        }
    }
    for (index, rejection) in &decoded.rejected {
        let mut rest = payloads[*index as usize];
        if !STRICTER.contains(&rejection.reason) && reader.read_value(&mut rest).is_ok() && rest.is_empty() {
            panic!("{:?} of {} is refused, and apache-avro reads it: {rejection:?}", payloads[*index as usize], schema.text());
        }
    }
}

struct Case {
    dataset: DatasetSchema,
    reader: GenericDatumReader<'static>,
    decoder: AvroDecoder,
    /// Reads all of another writer's datum.
    whole: Option<AvroDecoder>,
}

impl Case {
    /// What of these payloads must agree: the bytes of a block that nobody asked for are skipped as the block tells them, and only who reads
    /// the block finds that it told wrong. apache-avro never looks.
    fn comparable<'b>(&mut self, payloads: &[&'b [u8]]) -> Vec<&'b [u8]> {
        let Some(whole) = &mut self.whole else { return payloads.to_vec() };
        let refused = decode(whole, payloads).rejected;
        let is_wrong = |at: usize| refused.iter().any(|(index, why)| *index as usize == at && why.reason == Reason::InvalidLength);
        (0..payloads.len()).filter(|at| !is_wrong(*at)).map(|at| payloads[at]).collect()
    }
}

fn all_fields(schema: &DatasetSchema) -> Vec<usize> {
    (0..schema.fields().len()).collect()
}

/// A schema that lives as long as the process.
fn forever(text: &str) -> &'static Schema {
    Box::leak(Box::new(Schema::parse_str(text).expect("a sound schema")))
}

fn run(cases: &mut [Case], bytes: &[u8]) {
    // Once for the process: other tests beside this one read more.
    #[cfg(fuzzing)]
    apache_avro::util::max_allocation_bytes(THEIR_BYTES);
    let Some((case, datum)) = choose(cases, bytes) else { return };
    let payloads = case.comparable(&beside_others(datum));
    agrees_with_apache_avro(&case.dataset, &case.reader, &mut case.decoder, &payloads);
    assert!(is_treated_alike(&decode(&mut case.decoder, &beside_others(datum))));
}

/// A datum of the dataset's own schema; the first byte chooses it.
pub(crate) fn avro(bytes: &[u8]) {
    thread_local! {
        static CASES: RefCell<Vec<Case>> = RefCell::new(TEXTS.iter().map(|text| {
            let dataset = dataset(text);
            let reader = GenericDatumReader::builder(forever(text)).build().expect("a sound schema");
            let decoder = AvroDecoder::new(&dataset, &all_fields(&dataset)).expect("a sound schema");
            Case { dataset, reader, decoder, whole: None }
        }).collect());
    }
    CASES.with_borrow_mut(|cases| run(cases, bytes));
}

/// A datum of another writer's schema; the first byte chooses the pair.
pub(crate) fn resolution(bytes: &[u8]) {
    thread_local! {
        static CASES: RefCell<Vec<Case>> = RefCell::new(PAIRS.iter().map(|(writer, text)| {
            let (dataset, written, writer) = (dataset(text), dataset(writer), forever(writer));
            let reader = GenericDatumReader::builder(writer).reader_schema(forever(text)).build().expect("schemas that resolve");
            let decoder = AvroDecoder::with_writer(writer, &dataset, &all_fields(&dataset)).expect("schemas that resolve");
            let whole = AvroDecoder::new(&written, &all_fields(&written)).expect("a sound schema");
            Case { dataset, reader, decoder, whole: Some(whole) }
        }).collect());
    }
    CASES.with_borrow_mut(|cases| run(cases, bytes));
}

/// A datum behind a single-object header, of a known writer or not.
pub(crate) fn single_object(bytes: &[u8]) {
    struct Framed {
        header: Vec<u8>,
        framed: AvroDecoder,
        bare: AvroDecoder,
    }
    thread_local! {
        static CASES: RefCell<Vec<Framed>> = RefCell::new(TEXTS.iter().map(|text| {
            let (dataset, mut known) = (dataset(text), KnownSchemas::default());
            let header = Framing::SingleObject.header(known.add(text).expect("a sound schema"));
            let writers = WriterSchemas::Known(known);
            let framed = AvroDecoder::framed(Framing::SingleObject, writers, &dataset, &all_fields(&dataset)).expect("a sound schema");
            let bare = AvroDecoder::new(&dataset, &all_fields(&dataset)).expect("a sound schema");
            Framed { header, framed, bare }
        }).collect());
    }
    CASES.with_borrow_mut(|cases| {
        let Some((case, value)) = choose(cases, bytes) else { return };
        behind_a_header(&case.header, &mut case.framed, &mut case.bare, value);
        // Whatever the header was, once more behind one that is sound.
        let sound = [case.header.as_slice(), value].concat();
        behind_a_header(&case.header, &mut case.framed, &mut case.bare, &sound);
    });
}

/// Behind a sound header it is the unframed decoder; behind any other nothing is read.
pub(crate) fn behind_a_header(header: &[u8], framed: &mut dyn Decoder, bare: &mut dyn Decoder, value: &[u8]) {
    let whole = decode(framed, &[value]);
    match value.strip_prefix(header) {
        Some(datum) => assert_eq!(whole.columns, decode(bare, &[datum]).columns, "{value:?}"),
        None => assert!(whole.rows.is_empty(), "{value:?}"),
    }
}
