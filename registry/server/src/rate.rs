//! How often a client may ask: a bucket of tokens for each.

use std::collections::HashMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Clients that are remembered; when there are more, those that have a full bucket are forgotten.
const MAX_CLIENTS: usize = 20_000;

/// Buckets of one kind.
pub struct RateLimit {
    per_second: f64,
    burst: f64,
    buckets: Mutex<HashMap<IpAddr, Bucket>>,
}

#[derive(Clone, Copy)]
struct Bucket {
    tokens: f64,
    at: Instant,
}

impl RateLimit {
    /// `per_second` in the long run, `burst` at once. Nothing is limited when either is zero.
    #[must_use]
    pub fn new(per_second: f64, burst: f64) -> Self {
        Self { per_second, burst, buckets: Mutex::default() }
    }

    /// Takes `cost` from the bucket of `client`.
    ///
    /// # Errors
    /// The time after which there will be enough.
    pub fn take(&self, client: IpAddr, cost: f64, now: Instant) -> Result<(), Duration> {
        if self.per_second <= 0.0 || self.burst <= 0.0 {
            return Ok(());
        }
        let mut buckets = self.buckets.lock();
        if buckets.len() >= MAX_CLIENTS {
            buckets.retain(|_, bucket| self.tokens(bucket, now) < self.burst);
            if buckets.len() >= MAX_CLIENTS {
                buckets.clear();
            }
        }
        let full = Bucket { tokens: self.burst, at: now };
        let bucket = buckets.entry(network(client)).or_insert(full);
        let tokens = self.tokens(bucket, now);
        let wait = (cost - tokens) / self.per_second;
        *bucket = Bucket { tokens: if wait > 0.0 { tokens } else { tokens - cost }, at: now };
        if wait > 0.0 { Err(Duration::from_secs_f64(wait.min(3_600.0))) } else { Ok(()) }
    }

    fn tokens(&self, bucket: &Bucket, now: Instant) -> f64 {
        let earned = now.saturating_duration_since(bucket.at).as_secs_f64() * self.per_second;
        (bucket.tokens + earned).min(self.burst)
    }
}

/// Whoever has one IPv6 address has 2^64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            let prefix = address.to_bits() & !u128::from(u64::MAX);
            IpAddr::V6(prefix.into())
        }
        address @ IpAddr::V4(_) => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_waits_until_its_bucket_fills() {
        let limit = RateLimit::new(2.0, 4.0);
        let (client, other) = (IpAddr::from([10, 0, 0, 1]), IpAddr::from([10, 0, 0, 2]));
        let now = Instant::now();
        for _ in 0..4 {
            assert_eq!(limit.take(client, 1.0, now), Ok(()));
        }
        assert_eq!(limit.take(client, 1.0, now), Err(Duration::from_millis(500)));
        assert_eq!(limit.take(other, 1.0, now), Ok(()), "others have their own");
        assert_eq!(limit.take(client, 1.0, now + Duration::from_millis(500)), Ok(()));
        assert!(RateLimit::new(0.0, 5.0).take(client, 100.0, now).is_ok());
    }

    #[test]
    fn a_network_of_addresses_is_one_client() {
        let limit = RateLimit::new(1.0, 1.0);
        let now = Instant::now();
        assert!(limit.take("2001:db8::1".parse().unwrap(), 1.0, now).is_ok());
        assert!(limit.take("2001:db8::2".parse().unwrap(), 1.0, now).is_err());
        assert!(limit.take("2001:db8:0:1::2".parse().unwrap(), 1.0, now).is_ok());
    }
}
