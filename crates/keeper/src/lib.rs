//! The cryptographic module, in its own process.
