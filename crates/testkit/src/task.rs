//! One file a task.

pub mod bench;
pub mod plane;
pub mod traces;
pub mod trial;
