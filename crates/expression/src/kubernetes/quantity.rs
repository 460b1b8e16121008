//! `quantity`: amounts as Kubernetes writes them.

use std::cmp::Ordering;

use cel::Env;
use cel::common::types::{CelDouble, INT_TYPE, STRING_TYPE};
use cel::common::value::CowVal;

use super::{Added, Arguments, failed, kind, number, own, text, truth, whole};
use crate::amount::{BINARY, DECIMAL};

const FORM: &str =
    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";
const SUFFIX: &str = "unable to parse quantity's suffix";
const NUMBER: &str = "unable to parse numeric part of quantity";
/// Digits of a number that is kept as a whole one.
const SMALL_DIGITS: usize = 18;
/// Digits of any number, and the largest exponent: what is beyond is no amount of anything.
const DIGITS: usize = 28;
const NANO: i32 = -9;

/// An amount: a number times a power of ten. What was written with few digits is `small`, as whole numbers are told by it.
#[derive(Debug, Clone)]
struct Quantity {
    value: i128,
    scale: i32,
    is_small: bool,
}

kind!(Quantity, QUANTITY, "kubernetes.Quantity");

impl PartialEq for Quantity {
    fn eq(&self, other: &Self) -> bool {
        self.compare(other).is_eq()
    }
}

impl Quantity {
    fn parse(text: &str) -> Result<Self, &'static str> {
        let (is_negative, rest) = match text.as_bytes().first().ok_or(FORM)? {
            b'-' => (true, &text[1..]),
            b'+' => (false, &text[1..]),
            _ => (false, text),
        };
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (whole, rest) = rest.split_at(digits(rest));
        let (fraction, suffix) = match rest.strip_prefix('.') {
            Some(rest) => rest.split_at(digits(rest)),
            None => ("", rest),
        };
        let letters = suffix.bytes().take_while(|byte| b"eEinumkKMGTP".contains(byte)).count();
        let power = &suffix[letters..];
        if !power.strip_prefix(['+', '-']).unwrap_or(power).bytes().all(|byte| byte.is_ascii_digit()) {
            return Err(FORM);
        }
        let binary = BINARY.iter().find(|(name, _)| *name == suffix).map(|(_, bits)| *bits);
        let exponent =
            match (DECIMAL.iter().find(|(name, _)| *name == suffix), suffix.strip_prefix(['e', 'E'])) {
                (Some((_, power)), _) => Some(*power),
                (None, Some(power)) => power.parse::<i32>().ok(),
                (None, None) => None,
            };
        if binary.is_none() && exponent.is_none() {
            return Err(SUFFIX);
        }
        let whole = whole.trim_start_matches('0');
        if whole.is_empty() && fraction.is_empty() {
            return Ok(Self::small(0));
        }
        if whole.len() + fraction.len() > DIGITS || exponent.unwrap_or(0).abs() > 10_000 {
            return Err(NUMBER);
        }
        let value: i128 = format!("0{whole}{fraction}").parse().map_err(|_| NUMBER)?;
        let value = if is_negative { -value } else { value };
        let scale = exponent.unwrap_or(0) - fraction.len() as i32;
        let value = value.saturating_mul(1 << binary.unwrap_or(0));
        let is_small = whole.len() + fraction.len() <= SMALL_DIGITS
            && (binary.is_none() || fraction.is_empty())
            && i64::try_from(value).is_ok();
        Ok(Self { value, scale, is_small }.rounded())
    }

    fn small(value: i64) -> Self {
        Self { value: value.into(), scale: 0, is_small: true }
    }

    /// Nothing is told apart below a billionth; what is there is rounded away from zero.
    fn rounded(self) -> Self {
        if self.scale >= NANO {
            return self;
        }
        let divisor = power_of_ten((NANO - self.scale).unsigned_abs());
        let (whole, rest) = (self.value / divisor, self.value % divisor);
        Self { value: whole + if rest == 0 { 0 } else { rest.signum() }, scale: NANO, is_small: false }
    }

    /// Both values at the same power of ten, which saturate.
    fn aligned(&self, other: &Self) -> (i128, i128, i32) {
        let scale = self.scale.min(other.scale);
        let at = |one: &Self| one.value.saturating_mul(power_of_ten((one.scale - scale).unsigned_abs()));
        (at(self), at(other), scale)
    }

    fn compare(&self, other: &Self) -> Ordering {
        let (one, two, _) = self.aligned(other);
        one.cmp(&two)
    }

    fn plus(&self, other: &Self, sign: i128) -> Self {
        if other.value == 0 {
            return self.clone();
        }
        let (one, two, scale) = self.aligned(other);
        let value = one.saturating_add(two.saturating_mul(sign));
        let is_small = self.is_small && other.is_small && i64::try_from(value).is_ok();
        if is_small && self.value == 0 {
            return Self { value: other.value * sign, scale: other.scale, is_small };
        }
        Self { value, scale, is_small }
    }

    fn whole(&self) -> Option<i64> {
        if !self.is_small || self.scale < 0 {
            return None;
        }
        i64::try_from(self.value.saturating_mul(power_of_ten(self.scale.unsigned_abs()))).ok()
    }
}

fn power_of_ten(power: u32) -> i128 {
    10_i128.checked_pow(power).unwrap_or(i128::MAX)
}

fn both<'a>(all: &'a Arguments<'_, '_>) -> Result<(&'a Quantity, &'a Quantity), cel::ExecutionError> {
    Ok((own(all, 0)?, own(all, 1)?))
}

pub(super) fn extension(env: &mut Env) -> Added {
    env.add_type(QUANTITY.to_owned())?;
    let (own_type, other) = (|| QUANTITY.to_owned(), || vec![QUANTITY.to_owned()]);
    env.add_overload("isQuantity", "is_quantity_string", vec![STRING_TYPE], |all| {
        truth(Quantity::parse(text(&all, 0)?).is_ok())
    })?;
    env.add_overload("quantity", "string_to_quantity", vec![STRING_TYPE], |all| {
        Quantity::parse(text(&all, 0)?).map(CowVal::owned).map_err(failed)
    })?;
    env.add_overload("sign", "quantity_sign", other(), |all| {
        whole(own::<Quantity>(&all, 0)?.value.signum() as i64)
    })?;
    env.add_member_overload("isGreaterThan", "quantity_is_greater_than", own_type(), other(), |all| {
        let (one, two) = both(&all)?;
        truth(one.compare(two).is_gt())
    })?;
    env.add_member_overload("isLessThan", "quantity_is_less_than", own_type(), other(), |all| {
        let (one, two) = both(&all)?;
        truth(one.compare(two).is_lt())
    })?;
    env.add_member_overload("compareTo", "quantity_compare_to", own_type(), other(), |all| {
        let (one, two) = both(&all)?;
        whole(one.compare(two) as i64)
    })?;
    env.add_member_overload("asApproximateFloat", "quantity_get_float", own_type(), vec![], |all| {
        let one = own::<Quantity>(&all, 0)?;
        Ok(CowVal::owned(CelDouble::from(one.value as f64 * 10_f64.powi(one.scale))))
    })?;
    env.add_member_overload("isInteger", "quantity_is_integer", own_type(), vec![], |all| {
        truth(own::<Quantity>(&all, 0)?.whole().is_some())
    })?;
    env.add_member_overload("asInteger", "quantity_get_int", own_type(), vec![], |all| {
        let found = own::<Quantity>(&all, 0)?.whole();
        found.map_or_else(|| Err(failed("cannot convert value to integer")), whole)
    })?;
    env.add_member_overload("add", "quantity_add", own_type(), other(), |all| {
        let (one, two) = both(&all)?;
        Ok(CowVal::owned(one.plus(two, 1)))
    })?;
    env.add_member_overload("sub", "quantity_sub", own_type(), other(), |all| {
        let (one, two) = both(&all)?;
        Ok(CowVal::owned(one.plus(two, -1)))
    })?;
    env.add_member_overload("add", "quantity_add_int", own_type(), vec![INT_TYPE], |all| {
        Ok(CowVal::owned(own::<Quantity>(&all, 0)?.plus(&Quantity::small(number(&all, 1)?), 1)))
    })?;
    env.add_member_overload("sub", "quantity_sub_int", own_type(), vec![INT_TYPE], |all| {
        Ok(CowVal::owned(own::<Quantity>(&all, 0)?.plus(&Quantity::small(number(&all, 1)?), -1)))
    })
}
