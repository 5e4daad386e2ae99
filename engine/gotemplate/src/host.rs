//! The world outside, as far as functions may see it.

/// What functions ask for.
pub trait Host {
    /// An environment variable; empty when it is not set.
    ///
    /// # Errors
    /// The host does not allow it.
    fn environment(&self, name: &str) -> Result<String, String>;
    /// The first address of a host name.
    ///
    /// # Errors
    /// The host does not allow it, or the name is not known.
    fn address(&self, name: &str) -> Result<String, String>;
    /// The time: seconds and nanoseconds since 1970.
    fn now(&self) -> (i64, i32);
    /// Fills a buffer with random bytes.
    ///
    /// # Errors
    /// The host does not allow it.
    fn random(&self, buffer: &mut [u8]) -> Result<(), String>;
    /// The name of the local time zone.
    fn time_zone(&self) -> String;
}

/// A host that shows nothing: the environment and names are refused, the clock stands still, and there is no
/// randomness.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sealed;

impl Host for Sealed {
    fn environment(&self, name: &str) -> Result<String, String> {
        Err(format!("environment variable {name} may not be read here"))
    }
    fn address(&self, name: &str) -> Result<String, String> {
        Err(format!("the address of {name} may not be looked up here"))
    }
    fn now(&self) -> (i64, i32) {
        (0, 0)
    }
    fn random(&self, _: &mut [u8]) -> Result<(), String> {
        Err("random numbers may not be used here".to_owned())
    }
    fn time_zone(&self) -> String {
        "UTC".to_owned()
    }
}
