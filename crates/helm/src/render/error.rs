//! Errors of a render as Helm tells them: the message of `fail` and `required` alone, every other as the chain of places.

use sluice_gotmpl::Error;

/// Why a chart could not be rendered.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A template is no template.
    #[error("{0}")]
    Parse(String),
    /// A template ended in an error.
    #[error("{0}")]
    Execute(String),
    /// A limit ended the run.
    #[error("{0}")]
    Limit(String),
}

const START: &str = "HELM_ERR_START";
const END: &str = "HELM_ERR_END";
/// How a level of a chain begins.
const BEGIN: &str = "template: ";

impl RenderError {
    pub(super) fn from_parsing(name: &str, error: &Error) -> Self {
        let text = error.to_string();
        if error.is_limit() {
            return Self::Limit(text);
        }
        let tokens: Vec<&str> = text.split(": ").collect();
        Self::Parse(match tokens.as_slice() {
            [_] | [] => format!("parse error in ({name}): {text}"),
            [_, place, .., last] => format!("parse error at ({place}): {last}"),
            [_, place] => format!("parse error at ({place}): {place}"),
        })
    }

    pub(super) fn from_execution(name: &str, error: Error) -> Self {
        let text = error.to_string();
        if error.is_limit() {
            return Self::Limit(text);
        }
        Self::Execute(reformat(name, &text, &error))
    }
}

fn reformat(name: &str, text: &str, error: &Error) -> String {
    let mut tokens = text.splitn(3, ": ");
    let (Some(_), Some(place), Some(rest)) = (tokens.next(), tokens.next(), tokens.next()) else {
        return format!("execution error in ({name}): {text}");
    };
    if let (Some(start), Some(end)) = (rest.find(START), rest.rfind(END))
        && let Some(message) = rest.get(start + START.len()..end)
    {
        return format!("execution error at ({place}): {message}");
    }
    // A chain is as long as templates nest, and each level tells all that are within: no more are told than have to be.
    if error.levels().any(|level| level.says().len() >= BEGIN.len() && !level.says().starts_with(BEGIN)) {
        return text.to_owned();
    }
    let mut places: Vec<Place> = Vec::new();
    for level in error.levels() {
        let Some(found) = Place::read(&level.to_string()) else { return text.to_owned() };
        if places.last() != Some(&found) {
            places.push(found);
        }
    }
    places.iter().map(Place::show).collect::<String>().trim().to_owned()
}

/// One level of a chain.
#[derive(Debug, PartialEq, Eq, Default)]
struct Place {
    location: String,
    executed: String,
    message: String,
}

impl Place {
    fn read(text: &str) -> Option<Self> {
        let rest = text.strip_prefix(BEGIN)?;
        if rest.starts_with("no template ") {
            return Some(Self { message: text.to_owned(), ..Self::default() });
        }
        Self::executing(rest).or_else(|| Self::simple(rest))
    }

    fn executing(text: &str) -> Option<Self> {
        let (location, after) = text.split_once(": executing ")?;
        let after = after.strip_prefix('"')?;
        let (function, after) = after.split_once('"')?;
        let after = after.strip_prefix(" at <")?;
        let (node, message) = after.split_once(">: ")?;
        Some(Self {
            location: location.to_owned(),
            executed: format!("executing \"{function}\" at <{node}>:"),
            message: cut(message),
        })
    }

    fn simple(text: &str) -> Option<Self> {
        let (location, message) = text.rsplit_once(": ")?;
        Some(Self { location: location.to_owned(), executed: String::new(), message: cut(message) })
    }

    fn show(&self) -> String {
        let mut out = String::new();
        if !self.location.is_empty() {
            out.push_str(&format!("{}\n  ", self.location));
        }
        if !self.executed.is_empty() {
            out.push_str(&format!("{}\n    ", self.executed));
        }
        if !self.message.is_empty() {
            out.push_str(&format!("{}\n", self.message));
        }
        out
    }
}

/// A message without the next error of the chain.
fn cut(message: &str) -> String {
    message.split(" template:").next().unwrap_or(message).to_owned()
}
