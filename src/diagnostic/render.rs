//! How diagnostics look on a terminal and to a machine.
