//! What stands in for certificates where the feature is off: the same functions, which say so.

use super::{Outcome, fixed};
use crate::call::{Arguments, Function, Run, Type};
use crate::error::Error;

const S: Type = Type::String;
const I: Type = Type::Int;
const L: Type = Type::List;
const C: Type = Type::Object("sprig.certificate");

pub(super) const FUNCTIONS: &[Function] = &[
    fixed("genPrivateKey", &[S], absent),
    fixed("genCA", &[S, I], absent),
    fixed("genCAWithKey", &[S, I, S], absent),
    fixed("genSelfSignedCert", &[S, L, L, I], absent),
    fixed("genSelfSignedCertWithKey", &[S, L, L, I, S], absent),
    fixed("genSignedCert", &[S, L, L, I, C], absent),
    fixed("genSignedCertWithKey", &[S, L, L, I, C, S], absent),
    fixed("buildCustomCert", &[S, S], absent),
];

fn absent(_: &Run<'_>, _: &mut Arguments) -> Outcome {
    Err(Error::new("this build makes no keys and certificates (feature `certificates`)"))
}
