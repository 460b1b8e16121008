//! One file a task.

pub mod plane;
