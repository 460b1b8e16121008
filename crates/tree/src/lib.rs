//! Files as a source holds them: a read-only view of a folder or of memory that nothing can leave.

pub mod view;

pub use view::{Entry, EntryKind, Folder, Limits, Memory, ReadError, Tree};
