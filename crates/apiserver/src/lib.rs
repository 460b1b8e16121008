//! A Kubernetes API server in memory: discovery, objects, watches, patches, server-side apply, CRDs, RBAC.
//!
//! It shares the YAML reader and the algebra of field sets with its clients and no algorithm above them. What it does
//! not offer it refuses by name. Nothing is kept when it ends.

mod accept;
mod act;
mod admit;
mod again;
mod auth;
mod beginning;
mod call;
mod certificate;
mod connection;
mod core;
mod custom;
mod decode;
mod defaults;
mod delete;
mod escalate;
mod facts;
mod flow;
mod json;
mod keep;
mod life;
mod managed;
mod openapi;
mod patch;
mod path;
mod print;
mod protobuf;
mod quantity;
mod read;
mod registry;
mod repoll;
mod rights;
mod rules;
mod same;
mod schema;
mod selector;
mod serve;
mod status;
mod store;
mod table;
mod text;
mod time;
mod token;
mod typed;
mod validate;
mod watch;
mod write;

pub use self::connection::Limits;
pub use self::core::Clock;
pub use self::serve::{ServeError, Server};
