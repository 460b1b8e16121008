//! The Go types of the built-in kinds, as `types.txt` has them.
//!
//! One line a kind, `K apiVersion/Kind type`, then one line a type, `T field=type+flags ...`, in the order of their
//! numbers. A type is `s`tring, `b`ool, `i`nt32, `l`ong, `q`uantity, `x` int or string, b`y`tes, `r`aw JSON, `t`ime,
//! `u` microseconds, or a number; flags are `*` pointer, `[` list, `{` map, `?` omitempty, `!` omitzero, and `+` with
//! no name before it is inlined.

use std::collections::BTreeMap;
use std::sync::LazyLock;

/// All kinds and types.
pub struct Table {
    kinds: BTreeMap<&'static str, usize>,
    types: Vec<Vec<Field>>,
}

/// What a value is, without what is around it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Type {
    Text,
    Bool,
    Int32,
    Int64,
    Quantity,
    IntOrString,
    Bytes,
    Raw,
    Time,
    MicroTime,
    Struct(usize),
}

/// What is around a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    Plain,
    Pointer,
    List,
    Map,
    MapOfLists,
}

/// A field of a struct.
pub struct Field {
    /// Its JSON name; empty if it is inlined.
    pub name: &'static str,
    pub of: Type,
    pub shape: Shape,
    pub omit_empty: bool,
    pub omit_zero: bool,
}

static TABLE: LazyLock<Table> = LazyLock::new(|| Table::parse(include_str!("types.txt")));

impl Table {
    pub fn get() -> &'static Table {
        &TABLE
    }

    /// The type of a kind.
    pub fn kind(&self, api_version: &str, kind: &str) -> Option<usize> {
        self.kinds.get(format!("{api_version}/{kind}").as_str()).copied()
    }

    /// The fields of a type.
    pub fn fields(&self, of: usize) -> &[Field] {
        &self.types[of]
    }

    fn parse(text: &'static str) -> Table {
        let mut table = Table { kinds: BTreeMap::new(), types: Vec::new() };
        for line in text.lines() {
            let mut words = line.split(' ');
            match words.next() {
                Some("K") => {
                    let kind = words.next().expect("a kind has a name");
                    let of = words.next().and_then(|number| number.parse().ok()).expect("a kind has a type");
                    table.kinds.insert(kind, of);
                }
                Some("T") => table.types.push(words.map(parse_field).collect()),
                _ => {}
            }
        }
        table
    }
}

fn parse_field(word: &'static str) -> Field {
    let (name, rest) = word.split_once(['=', '+']).expect("a field has a type");
    let end = rest.find(['*', '[', '{', '?', '!']).unwrap_or(rest.len());
    let (of, flags) = rest.split_at(end);
    let of = match of {
        "s" => Type::Text,
        "b" => Type::Bool,
        "i" => Type::Int32,
        "l" => Type::Int64,
        "q" => Type::Quantity,
        "x" => Type::IntOrString,
        "y" => Type::Bytes,
        "r" => Type::Raw,
        "t" => Type::Time,
        "u" => Type::MicroTime,
        number => Type::Struct(number.parse().expect("the table names types by number")),
    };
    let has = |flag| flags.contains(flag);
    let shape = match (has('*'), has('['), has('{')) {
        (_, true, true) => Shape::MapOfLists,
        (_, true, _) => Shape::List,
        (_, _, true) => Shape::Map,
        (true, ..) => Shape::Pointer,
        _ => Shape::Plain,
    };
    Field { name, of, shape, omit_empty: has('?'), omit_zero: has('!') }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_that_is_named_is_there() {
        let table = Table::get();
        assert!(table.kinds.len() > 150, "{} kinds", table.kinds.len());
        let named = table.types.iter().flatten().filter_map(|field| match field.of {
            Type::Struct(of) => Some(of),
            _ => None,
        });
        assert!(named.chain(table.kinds.values().copied()).all(|of| of < table.types.len()));
    }
}
