//! The graph: its text, its plan, its run.
