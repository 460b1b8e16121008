//! Semantic versions.

use std::any::Any;
use std::borrow::Cow;
use std::rc::Rc;

use sluice_version::{Constraint, Version};

use super::fixed;
use crate::call::{Arguments, Function, Run, Signature, Type};
use crate::error::Error;
use crate::value::{IntKind, Object, UintKind, Value};

const S: Type = Type::String;
const NAME: &str = "*semver.Version";

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("semver", &[S], |_, a| {
        let version = Version::parse(&a.lossy(0)).map_err(|error| Error::new(error.to_string()))?;
        Ok(Value::object(VersionObject(version)))
    }),
    fixed("semverCompare", &[S, S], |_, a| {
        let constraint = Constraint::parse(&a.lossy(0)).map_err(|error| Error::new(error.to_string()))?;
        let version = Version::parse(&a.lossy(1)).map_err(|error| Error::new(error.to_string()))?;
        Ok(constraint.check(&version).into())
    }),
];

struct VersionObject(Version);

impl Object for VersionObject {
    fn type_name(&self) -> Cow<'static, str> {
        NAME.into()
    }

    fn kind(&self) -> &'static str {
        "ptr"
    }

    fn as_any(&self) -> &dyn Any {
        self
    }

    fn text(&self) -> Option<String> {
        Some(self.0.to_string())
    }

    fn fields(&self) -> Vec<(&'static str, Value)> {
        let number = |number| Value::Uint(UintKind::Uint64, number);
        vec![
            ("major", number(self.0.major())),
            ("minor", number(self.0.minor())),
            ("patch", number(self.0.patch())),
            ("pre", self.0.prerelease().into()),
            ("metadata", self.0.metadata().into()),
            ("original", self.0.original().into()),
        ]
    }

    /// The reference copies the fields that it can see, which are none.
    fn deep_copied(&self) -> Option<Value> {
        Some(Value::object(VersionObject(Version::default())))
    }

    fn marshal(&self) -> Option<Value> {
        self.text().map(Value::from)
    }

    fn method(&self, name: &str) -> Option<Signature> {
        let parameters: &'static [Type] = match name {
            "Major" | "Minor" | "Patch" | "Prerelease" | "Metadata" | "Original" | "String" | "IncMajor"
            | "IncMinor" | "IncPatch" => &[],
            "SetPrerelease" | "SetMetadata" => &[S],
            "Compare" | "Equal" | "LessThan" | "GreaterThan" | "LessThanEqual" | "GreaterThanEqual" => {
                &[Type::Object(NAME)]
            }
            _ => return None,
        };
        Some(Signature { parameters, variadic: false })
    }

    fn call(&self, _: &Run<'_>, name: &str, arguments: &mut Arguments) -> Result<Value, Error> {
        let version = &self.0;
        let number = |number: u64| Ok(Value::Uint(UintKind::Uint64, number));
        let object = |version: Version| Ok(Value::object(VersionObject(version)));
        match name {
            "Major" => return number(version.major()),
            "Minor" => return number(version.minor()),
            "Patch" => return number(version.patch()),
            "Prerelease" => return Ok(version.prerelease().into()),
            "Metadata" => return Ok(version.metadata().into()),
            "Original" => return Ok(version.original().into()),
            "String" => return Ok(version.to_string().into()),
            "IncMajor" => return object(version.increment_major()),
            "IncMinor" => return object(version.increment_minor()),
            "IncPatch" => return object(version.increment_patch()),
            "SetPrerelease" | "SetMetadata" => {
                let text = arguments.lossy(0);
                let changed = if name == "SetMetadata" {
                    version.with_metadata(&text)
                } else {
                    version.with_prerelease(&text)
                };
                return object(changed.map_err(|error| Error::new(error.to_string()))?);
            }
            _ => {}
        }
        let Value::Object(other) = arguments.take(0) else {
            return Err(crate::funcs::lists::nil_dereference());
        };
        let other: Rc<dyn Object> = other;
        let Some(VersionObject(other)) = other.as_any().downcast_ref::<VersionObject>() else {
            return Err(crate::funcs::lists::nil_dereference());
        };
        let order = version.cmp(other);
        Ok(match name {
            "Compare" => Value::Int(IntKind::Int, order as i64),
            "Equal" => order.is_eq().into(),
            "LessThan" => order.is_lt().into(),
            "GreaterThan" => order.is_gt().into(),
            "LessThanEqual" => order.is_le().into(),
            _ => order.is_ge().into(),
        })
    }
}
