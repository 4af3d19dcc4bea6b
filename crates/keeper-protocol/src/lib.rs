//! What server and keeper say to each other.
