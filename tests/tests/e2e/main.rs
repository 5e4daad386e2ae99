//! End-to-end tests with the real binary. One file per promise.

mod crash;
