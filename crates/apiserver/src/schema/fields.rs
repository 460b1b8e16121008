//! The fields of a map, found by their names.

use super::Schema;

/// Fields in the order of the lengths of their names, by which alone most are told apart.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Fields {
    names: Vec<Box<str>>,
    schemas: Vec<Schema>,
}

impl Fields {
    fn find(&self, name: &str) -> Result<usize, usize> {
        let order = |known: &str| known.len().cmp(&name.len()).then_with(|| known.cmp(name));
        self.names.binary_search_by(|known| order(known))
    }

    pub fn get(&self, name: &str) -> Option<&Schema> {
        self.find(name).ok().map(|at| &self.schemas[at])
    }

    pub fn insert(&mut self, name: &str, schema: Schema) {
        match self.find(name) {
            Ok(at) => self.schemas[at] = schema,
            Err(at) => {
                self.names.insert(at, name.into());
                self.schemas.insert(at, schema);
            }
        }
    }

    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &Schema)> {
        self.names.iter().map(|name| &**name).zip(&self.schemas)
    }
}

impl<'a> FromIterator<(&'a str, Schema)> for Fields {
    fn from_iter<I: IntoIterator<Item = (&'a str, Schema)>>(fields: I) -> Self {
        let mut out = Fields::default();
        for (name, schema) in fields {
            out.insert(name, schema);
        }
        out.names.shrink_to_fit();
        out.schemas.shrink_to_fit();
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_found_by_name() {
        let schema = |format: &str| Schema { format: format.to_owned(), ..Schema::default() };
        let names = ["name", "kind", "a", "metadata", "", "namespace", "b", "kind"];
        let fields: Fields = names.iter().map(|name| (*name, schema(name))).collect();
        for name in names {
            assert_eq!(fields.get(name).map(|found| found.format.as_str()), Some(name));
        }
        assert!(fields.get("names").is_none() && fields.get("c").is_none());
        assert_eq!(fields.iter().count(), 7, "one that comes twice is there once");
    }
}
