//! How many connections each client has.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;

use parking_lot::Mutex;

/// Counts connections by address.
#[derive(Clone)]
pub(crate) struct Clients {
    max: usize,
    counts: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One of a client's connections.
pub(crate) struct Counted {
    clients: Clients,
    address: IpAddr,
}

impl Clients {
    /// At most `max` of one address; zero: any number.
    pub(crate) fn new(max: usize) -> Self {
        Self { max, counts: Arc::default() }
    }

    /// Counts one more, unless the client has its number already.
    pub(crate) fn admit(&self, address: IpAddr) -> Option<Counted> {
        let mut counts = self.counts.lock();
        let count = counts.entry(address).or_default();
        if self.max > 0 && *count >= self.max {
            return None;
        }
        *count += 1;
        Some(Counted { clients: self.clone(), address })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        let mut counts = self.clients.counts.lock();
        if let Some(count) = counts.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                counts.remove(&self.address);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_gets_its_number_of_connections_back() {
        let clients = Clients::new(2);
        let address = IpAddr::from([127, 0, 0, 1]);
        let (first, second) = (clients.admit(address), clients.admit(address));
        assert!(first.is_some() && second.is_some() && clients.admit(address).is_none());
        assert!(clients.admit(IpAddr::from([127, 0, 0, 2])).is_some(), "others have their own");
        drop((first, second));
        assert!(clients.counts.lock().is_empty(), "nothing is kept of who is gone");
    }
}
