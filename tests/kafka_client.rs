//! The Kafka client against a real broker.

// A failed expectation is how a test reports.
#![allow(clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod support;

#[path = "kafka_client/configuration.rs"]
mod configuration;
#[path = "kafka_client/consuming.rs"]
mod consuming;
#[path = "kafka_client/failing.rs"]
mod failing;
#[path = "kafka_client/producing.rs"]
mod producing;
#[path = "kafka_client/rebalancing.rs"]
mod rebalancing;
#[path = "kafka_client/transactions.rs"]
mod transactions;
