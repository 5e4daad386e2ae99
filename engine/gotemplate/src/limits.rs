//! What a template may use. They are far above what packs need; their purpose is that a hostile one ends soon.

/// Bytes of one template's source.
pub const MAX_SOURCE: usize = 8 << 20;
/// Nesting of parentheses and blocks in one template.
pub const MAX_NESTING: usize = 500;
/// Templates that call each other.
pub const MAX_CALLS: usize = 500;
/// Nodes that one execution walks over.
pub const MAX_STEPS: u64 = 20_000_000;
/// Bytes that one execution writes and its functions make.
pub const MAX_BYTES: u64 = 128 << 20;
/// Items of a list or characters of a repetition that one function makes.
pub const MAX_ITEMS: usize = 1 << 20;
