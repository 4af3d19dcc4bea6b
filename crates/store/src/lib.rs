//! Durable records over an ordered key-value engine.
