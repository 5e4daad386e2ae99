//! The registry server as its clients see it: a real server on a free port, with its storage in a temporary folder.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod access;
mod browser;
mod bucket;
mod downloads;
mod issuers;
mod mirrors;
mod pages;
mod publishing;
mod support;
mod tls;
