//! Items of lists, by their index.

use std::cell::RefCell;
use std::rc::Rc;

use super::super::graph::{List, Node, new_table};
use super::{Found, MAX_INDEX, MAX_LISTS, MAX_SLOTS, Parser, Step, Stop, fail, wrong_type};

impl Parser<'_> {
    pub(super) fn index(&mut self) -> Step<i64> {
        let (text, last) = self.until(&[']']);
        if last.is_none() {
            return Err(Stop::End);
        }
        text.parse().map_err(|_| {
            let digits = text.strip_prefix(['-', '+']).unwrap_or(&text);
            let fits = digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit());
            let reason = if fits { "invalid syntax" } else { "value out of range" };
            Stop::Failed(format!("error parsing index: strconv.Atoi: parsing {text:?}: {reason}"))
        })
    }

    /// Puts what follows `[index]` into the list; gives the list back, which may be a longer copy.
    pub(super) fn item(&mut self, list: List, index: i64, names: usize, lists: usize) -> (List, Step<()>) {
        if index < 0 {
            return (list, fail(format!("negative {index} index not allowed")));
        }
        if lists > MAX_LISTS {
            return (list, fail(format!("lists are nested deeper than {MAX_LISTS}")));
        }
        let (text, last) = self.until(&['[', '.', '=']);
        if !text.is_empty() {
            let shown: Vec<String> = text.chars().map(|character| format!("{character:?}")).collect();
            return (list, fail(format!("unexpected data at end of array index: [{}]", shown.join(" "))));
        }
        let existing = usize::try_from(index).ok().and_then(|index| list.borrow().get(index).cloned());
        let node = match last {
            None => return (list, Err(Stop::End)),
            Some('=') => match self.value() {
                Ok(Found::Value(node)) => node,
                Ok(Found::Nothing) => Node::Text("".into()),
                Err(stop) => return (list, Err(stop)),
            },
            Some('[') => {
                let next = match self.index() {
                    Ok(next) => next,
                    Err(stop) => return (list, Err(stop)),
                };
                let inner = match existing {
                    None | Some(Node::Null) => List::default(),
                    Some(Node::List(inner)) => inner,
                    Some(other) => return (list, wrong_type(&other, "[]interface {}")),
                };
                match self.item(inner, next, names, lists + 1) {
                    (inner, Ok(())) => Node::List(inner),
                    (_, stop) => return (list, stop),
                }
            }
            Some(_) => {
                let inner = match existing {
                    Some(Node::Table(inner)) => inner,
                    None => new_table(),
                    Some(_) => {
                        // Helm puts an empty map there first, and it stays if the rest fails.
                        let inner = new_table();
                        list.borrow_mut()[index as usize] = Node::Table(inner.clone());
                        inner
                    }
                };
                if let Err(stop) = self.key(&inner, names) {
                    return (list, Err(stop));
                }
                Node::Table(inner)
            }
        };
        self.put_index(list, index, node)
    }

    fn put_index(&mut self, list: List, index: i64, node: Node) -> (List, Step<()>) {
        if index > MAX_INDEX {
            let text = format!("index of {index} is greater than maximum supported index of {MAX_INDEX}");
            return (list, fail(text));
        }
        let index = index as usize;
        if index < list.borrow().len() {
            list.borrow_mut()[index] = node;
            return (list, Ok(()));
        }
        self.slots += index + 1;
        if self.slots > MAX_SLOTS {
            return (list, fail(format!("lists of more than {MAX_SLOTS} entries in all")));
        }
        let mut longer = list.borrow().clone();
        longer.resize(index, Node::Null);
        longer.push(node);
        (Rc::new(RefCell::new(longer)), Ok(()))
    }
}
