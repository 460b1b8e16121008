//! One binary for all tests of controllers: one link, one control plane, a namespace for each test.
#![allow(clippy::disallowed_methods, reason = "tests of whole programs")]
#![allow(clippy::unwrap_used, clippy::panic, reason = "every function here is part of a test")]

mod admission;
mod aggregated;
mod applying;
mod arriving;
mod away;
mod bombs;
mod bootstrapped;
mod budget;
mod careful;
mod comparison;
mod dev;
mod drift;
mod edited;
mod elsewhere;
mod faults;
mod flagged;
mod full;
mod gadgets;
mod gone;
mod ground;
mod health;
mod hostile;
mod hostile_source;
mod killed;
mod large;
mod least;
mod leaving;
mod lifecycle;
mod order;
mod paused;
mod releases;
mod remote;
mod sharded;
mod simulated;
mod story;
mod swap;
mod tenant;
mod traces;
mod waits;
