//! caz
