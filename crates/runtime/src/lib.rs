//! What every controller is run by: the loop, the draft of one run, the verdict's way into status and events.
//!
//! A controller tells a story (`controller::Controller`); everything that must not be forgotten around it is here.

pub mod clock;
pub mod controller;
pub mod draft;
pub mod driver;
pub mod engine;
pub mod event;
pub mod failure;
pub mod flags;
pub mod lease;
pub mod log;
pub mod memory;
pub mod metrics;
pub mod post;
pub mod serve;
pub mod settle;
pub mod store;
pub mod task;
pub mod writer;

pub use controller::{Context, Controller};
pub use draft::Draft;
pub use driver::{Cause, Pace, Waker, Wakes};
pub use engine::Engines;
pub use event::Recorder;
pub use failure::{Done, Failure, Next, OrFail, Told};
pub use flags::CommonFlags;
pub use memory::Memory;
pub use metrics::Metrics;
pub use settle::Rules;
pub use store::{Key, Store};
