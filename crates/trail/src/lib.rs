//! The audit trail: append-only, hash-chained, durable before the answer.
