//! Artifacts: kept in a folder, served over HTTP, fetched and checked by those who use them.
//!
//! An artifact is written beside its place and renamed into it, so that nobody ever sees half of one. The folder can be
//! lost at any time: sources then build what is missing again.

mod disk;
pub mod fetch;
pub mod serve;
pub mod store;

pub use disk::{Disk, RealDisk};
pub use fetch::{Downloaded, Fetcher};
pub use serve::serve;
pub use store::{Place, Retention, Store, StoreError, advertised_address};
