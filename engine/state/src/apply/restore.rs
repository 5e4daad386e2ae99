//! Replacing the whole state by an archived one.

use super::{Done, Txn};
use crate::codec::{self, ALL_TABLES};
use crate::{Applied, RestoreState, StateError};

impl Txn {
    /// The archive's rows with this command's index: whatever somebody saw before, there is something newer now.
    pub(super) fn restore_state(&mut self, request: &RestoreState) -> Done {
        let tables = codec::decode_compressed_tables(&request.image)
            .map_err(|error| StateError::Refused(format!("cannot restore: {}", drover_base::error::chain(&error))))?;
        self.t = tables;
        self.restored = true;
        ALL_TABLES.iter().for_each(|table| self.touch(*table));
        Ok(Applied::Done)
    }
}
