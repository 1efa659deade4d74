//! Models: where they are kept, what they take and give, and how they run.

/// Where models are kept.
#[derive(Debug, Default)]
pub struct ModelStore {}
