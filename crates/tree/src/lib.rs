//! Files as a source holds them: a read-only view of a folder or of memory that nothing can leave, what an artifact
//! packs and leaves out, its digest, its bounded unpacking, and what changed between two of them.

pub mod changed;
pub mod digest;
mod glob;
pub mod ignore;
pub mod layout;
pub mod pack;
pub mod unpack;
mod ustar;
pub mod view;

pub use changed::{Fingerprints, changed};
pub use digest::{Algorithm, Digest, to_hex};
pub use ignore::Ignore;
pub use layout::{Layout, Node};
pub use view::{Entry, EntryKind, Folder, Limits, Memory, ReadError, Tree};
