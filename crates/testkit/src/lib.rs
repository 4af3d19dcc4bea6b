//! Starts real processes and sends raw signed requests, for tests only.
