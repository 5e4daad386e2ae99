//! The types that the consensus core is instantiated with.

use openraft::{AnyError, ErrorSubject, ErrorVerb, StorageError, StorageIOError};
use serde::de::{Error as _, SeqAccess, Visitor};
use serde::ser::{Error as _, SerializeSeq};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::any::Any;
use std::fmt;
use std::io::Cursor;
use std::sync::Arc;

openraft::declare_raft_types!(
    pub Types:
        D = Payload,
        R = Outcomes,
);

pub(crate) type Raft = openraft::Raft<Types>;

pub(crate) fn storage_error(subject: ErrorSubject<u64>, verb: ErrorVerb, source: AnyError) -> StorageError<u64> {
    StorageIOError::new(subject, verb, source).into()
}

/// Commands that travel in one log entry.
#[derive(Clone, Debug, Default)]
pub struct Payload {
    pub(crate) items: Vec<Item>,
}

/// One command: as bytes when there is a disk, and as it is while it stays in this process.
#[derive(Clone)]
pub(crate) struct Item {
    pub bytes: Arc<[u8]>,
    pub live: Option<Arc<dyn Any + Send + Sync>>,
}

impl Item {
    /// The command itself, when it was proposed by this process.
    pub(crate) fn live<T: 'static>(&self) -> Option<&T> {
        self.live.as_ref()?.downcast_ref()
    }
}

impl fmt::Debug for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Item({} bytes)", self.bytes.len())
    }
}

struct Bytes<'a>(&'a [u8]);

impl Serialize for Bytes<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(self.0)
    }
}

impl Serialize for Payload {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut list = serializer.serialize_seq(Some(self.items.len()))?;
        for item in &self.items {
            list.serialize_element(&Bytes(&item.bytes))?;
        }
        list.end()
    }
}

struct OwnedBytes(Vec<u8>);

impl<'de> Deserialize<'de> for OwnedBytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct BytesVisitor;
        impl Visitor<'_> for BytesVisitor {
            type Value = OwnedBytes;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("bytes")
            }
            fn visit_bytes<E>(self, bytes: &[u8]) -> Result<OwnedBytes, E> {
                Ok(OwnedBytes(bytes.to_vec()))
            }
            fn visit_byte_buf<E>(self, bytes: Vec<u8>) -> Result<OwnedBytes, E> {
                Ok(OwnedBytes(bytes))
            }
        }
        deserializer.deserialize_byte_buf(BytesVisitor)
    }
}

impl<'de> Deserialize<'de> for Payload {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ListVisitor;
        impl<'de> Visitor<'de> for ListVisitor {
            type Value = Payload;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of commands")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Payload, A::Error> {
                let mut items = Vec::with_capacity(list.size_hint().unwrap_or(0));
                while let Some(OwnedBytes(bytes)) = list.next_element()? {
                    items.push(Item { bytes: bytes.into(), live: None });
                }
                Ok(Payload { items })
            }
        }
        deserializer.deserialize_seq(ListVisitor)
    }
}

/// What became of the commands of an entry, in order. Stays in the process that proposed them.
#[derive(Default)]
pub struct Outcomes(pub(crate) Vec<Box<dyn Any + Send + Sync>>);

impl fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Outcomes({})", self.0.len())
    }
}

impl Serialize for Outcomes {
    fn serialize<S: Serializer>(&self, _serializer: S) -> Result<S::Ok, S::Error> {
        Err(S::Error::custom("outcomes never leave the process"))
    }
}

impl<'de> Deserialize<'de> for Outcomes {
    fn deserialize<D: Deserializer<'de>>(_deserializer: D) -> Result<Self, D::Error> {
        Err(D::Error::custom("outcomes never leave the process"))
    }
}
