//! One file a task.

pub mod plane;
pub mod traces;
pub mod trial;
