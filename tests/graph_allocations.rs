//! Kernels allocate for a batch, never for a row: a test that has its process to itself.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod harness;

use std::alloc::{GlobalAlloc, Layout, System};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use caz::dataset::Rows;
use harness::{Case, CaseColumn, Planned, every_golden};

/// The system's allocator, which counts.
struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

#[global_allocator]
static ALLOCATOR: Counting = Counting;

// SAFETY: every call goes to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller keeps the contract of `alloc`.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: `pointer` came from `System` with this layout.
        unsafe { System.realloc(pointer, layout, size) }
    }
}

/// How many calls of each operation are measured.
const CALLS: usize = 8;
const ROWS: [usize; 2] = [64, 4096];
/// A buffer whose size is not known before doubles from 64 rows to 4,096 six times.
const DOUBLINGS: usize = 8;

#[test]
fn allocations_do_not_grow_with_the_rows() {
    let mut measured: BTreeMap<String, usize> = BTreeMap::new();
    let mut failures = Vec::new();
    for golden in every_golden() {
        let frames = golden["frames"].as_array().unwrap();
        // The random calls stand last.
        for case in golden["cases"].as_array().unwrap().iter().rev() {
            let operation = case["params"]["import"].as_str().unwrap();
            // A row that leaves takes its reason along.
            let leaves = case.get("rejected").is_some() || case.get("skipped").is_some();
            let count = measured.entry(operation.to_owned()).or_default();
            if *count == CALLS || leaves {
                continue;
            }
            *count += 1;
            let case = Case::read(case, frames);
            let [few, many] = ROWS.map(|rows| allocations(&case, rows));
            // One buffer each for the output columns and their nulls.
            if many > few + DOUBLINGS * case.output.len().max(1) {
                failures.push(format!("{}: {few} allocations for {} rows, {many} for {}", case.params, ROWS[0], ROWS[1]));
            }
        }
    }
    let missing: Vec<&str> =
        caz::nodes::operation_pages().map(|page| page.name).filter(|name| measured.get(*name).is_none_or(|count| *count == 0)).collect();
    assert!(missing.is_empty(), "not measured: {missing:?}");
    assert!(failures.is_empty(), "allocations grow with the rows:\n{}", failures.join("\n"));
}

/// How often a planned call allocates for a batch, once its buffers have grown.
fn allocations(case: &Case, rows: usize) -> usize {
    let repeated = |column: &CaseColumn| CaseColumn {
        name: column.name.clone(),
        dtype: column.dtype.clone(),
        categories: column.categories.clone(),
        nullable: column.nullable,
        values: column.values.repeated(rows),
    };
    let case = Case {
        params: case.params.clone(),
        frozen: case.frozen.clone(),
        rows,
        input: case.input.iter().map(repeated).collect(),
        output: Vec::new(),
        rejected: Vec::new(),
        skipped: Vec::new(),
    };
    let mut planned = Planned::new(&case).unwrap();
    let (mut fates, mut made) = (Rows::default(), Vec::with_capacity(64));
    let mut counted = 0;
    for _ in 0..2 {
        let mut slots = planned.slots(&case, 0..rows);
        fates.reset(rows);
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        planned.run_steps(&mut slots, &mut fates, &mut made);
        counted = ALLOCATIONS.load(Ordering::Relaxed) - before;
    }
    counted
}
