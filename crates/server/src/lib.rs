//! HTTP, signatures, the pipeline and the operations.
