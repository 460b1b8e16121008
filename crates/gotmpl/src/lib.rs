//! Go's text/template, with the functions of sprig and Helm.
//!
//! Templates are parsed once and shared between threads; an execution belongs to one thread, is charged to a budget and
//! reads no clock, environment or network: time, randomness and answers come from its `Context`.

mod arena;
pub mod call;
mod decimal;
mod encode;
mod error;
mod exec;
pub mod float;
mod funcs;
mod json;
mod lex;
mod node;
pub mod number;
mod octets;
mod parse;
pub mod pattern;
pub mod print;
pub mod quote;
mod set;
pub mod text;
mod time;
mod toml;
pub mod trace;
pub mod value;

pub use call::{Arguments, Context, Hooks, Kept, NoHooks, Run, Shared, Signature, Type};
pub use error::Error;
pub use funcs::function_names;
pub use funcs::render::without_no_value;
pub use funcs::urls::{UrlParts, url_parts};
pub use octets::Octets;
pub use set::{Functions, MissingKey, ParsedText, Templates};
pub use text::Text;
pub use time::date_problem;
pub use value::{Elements, List, Map, MapType, Object, Value, take_lasting_change};
