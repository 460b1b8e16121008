//! Exact decimal arithmetic for sprig's float functions; division rounds to sixteen places.

use crate::error::Error;

/// Digits (least significant first) times a power of ten.
#[derive(Debug, Clone)]
pub(crate) struct Decimal {
    negative: bool,
    digits: Vec<u8>,
    exponent: i64,
}

/// Places that a division keeps.
const PRECISION: i64 = 16;

/// The most digits an operation may make.
const MAX_DIGITS: usize = 100_000;

fn trim(digits: &mut Vec<u8>) {
    while digits.last() == Some(&0) {
        digits.pop();
    }
}

fn compare(left: &[u8], right: &[u8]) -> std::cmp::Ordering {
    left.len().cmp(&right.len()).then_with(|| left.iter().rev().cmp(right.iter().rev()))
}

fn add_digits(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(left.len().max(right.len()) + 1);
    let mut carry = 0;
    for index in 0..left.len().max(right.len()) {
        let sum = left.get(index).unwrap_or(&0) + right.get(index).unwrap_or(&0) + carry;
        out.push(sum % 10);
        carry = sum / 10;
    }
    if carry > 0 {
        out.push(carry);
    }
    out
}

/// `left` is not smaller than `right`.
fn sub_digits(left: &[u8], right: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(left.len());
    let mut borrow = 0;
    for (index, digit) in left.iter().enumerate() {
        let take = right.get(index).unwrap_or(&0) + borrow;
        borrow = u8::from(*digit < take);
        out.push(digit + borrow * 10 - take);
    }
    trim(&mut out);
    out
}

fn shift(digits: &[u8], places: i64) -> Result<Vec<u8>, Error> {
    let places = usize::try_from(places).unwrap_or(0);
    if digits.is_empty() {
        return Ok(Vec::new());
    }
    if places + digits.len() > MAX_DIGITS {
        return Err(Error::new("overflow in decimal"));
    }
    let mut out = vec![0; places];
    out.extend_from_slice(digits);
    Ok(out)
}

impl Decimal {
    pub(crate) fn from_float(value: f64) -> Result<Self, Error> {
        if !value.is_finite() {
            let text = crate::float::format_float(value, b'g', -1);
            return Err(Error::new(format!("Cannot create a Decimal from {text}")));
        }
        let text = format!("{:e}", value.abs());
        let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len()) as i64;
        let mut digits: Vec<u8> =
            mantissa.bytes().rev().filter(u8::is_ascii_digit).map(|b| b - b'0').collect();
        trim(&mut digits);
        let exponent = if digits.is_empty() { 0 } else { exponent.parse().unwrap_or(0) - fraction };
        Ok(Self { negative: value < 0.0, digits, exponent })
    }

    pub(crate) fn to_float(&self) -> f64 {
        let digits: String = self.digits.iter().rev().map(|digit| char::from(b'0' + digit)).collect();
        let sign = if self.negative { "-" } else { "" };
        if digits.is_empty() {
            return 0.0;
        }
        format!("{sign}{digits}e{}", self.exponent).parse().unwrap_or(f64::INFINITY)
    }

    fn aligned(&self, other: &Self) -> Result<(Vec<u8>, Vec<u8>, i64), Error> {
        let exponent = self.exponent.min(other.exponent);
        Ok((
            shift(&self.digits, self.exponent - exponent)?,
            shift(&other.digits, other.exponent - exponent)?,
            exponent,
        ))
    }

    pub(crate) fn add(&self, other: &Self) -> Result<Self, Error> {
        let (left, right, exponent) = self.aligned(other)?;
        if self.negative == other.negative {
            return Ok(Self { negative: self.negative, digits: add_digits(&left, &right), exponent });
        }
        Ok(if compare(&left, &right).is_lt() {
            Self { negative: other.negative, digits: sub_digits(&right, &left), exponent }
        } else {
            Self { negative: self.negative, digits: sub_digits(&left, &right), exponent }
        })
    }

    pub(crate) fn sub(&self, other: &Self) -> Result<Self, Error> {
        self.add(&Self { negative: !other.negative, ..other.clone() })
    }

    pub(crate) fn mul(&self, other: &Self) -> Result<Self, Error> {
        if self.digits.len() + other.digits.len() > 10_000 {
            return Err(Error::new("overflow in decimal"));
        }
        let mut wide = vec![0_u32; self.digits.len() + other.digits.len()];
        for (place, digit) in self.digits.iter().enumerate() {
            for (offset, other) in other.digits.iter().enumerate() {
                wide[place + offset] += u32::from(*digit) * u32::from(*other);
            }
        }
        let mut carry = 0;
        let mut digits: Vec<u8> = Vec::with_capacity(wide.len() + 1);
        for value in wide {
            let sum = value + carry;
            digits.push((sum % 10) as u8);
            carry = sum / 10;
        }
        trim(&mut digits);
        Ok(Self {
            negative: self.negative != other.negative,
            digits,
            exponent: self.exponent + other.exponent,
        })
    }

    pub(crate) fn div(&self, other: &Self) -> Result<Self, Error> {
        if other.digits.is_empty() {
            return Err(Error::new("decimal division by 0"));
        }
        let places = self.exponent - other.exponent + PRECISION;
        let dividend = shift(&self.digits, places.max(0))?;
        let divisor = shift(&other.digits, (-places).max(0))?;
        if dividend.len().saturating_mul(divisor.len()) > 10_000_000 {
            return Err(Error::new("overflow in decimal QuoRem"));
        }
        let mut quotient = Vec::with_capacity(dividend.len());
        let mut rest: Vec<u8> = Vec::new();
        for digit in dividend.iter().rev() {
            rest.insert(0, *digit);
            trim(&mut rest);
            let mut count = 0;
            while !compare(&rest, &divisor).is_lt() {
                rest = sub_digits(&rest, &divisor);
                count += 1;
            }
            quotient.push(count);
        }
        quotient.reverse();
        trim(&mut quotient);
        let negative = self.negative != other.negative;
        if !compare(&add_digits(&rest, &rest), &divisor).is_lt() {
            quotient = add_digits(&quotient, &[1]);
        }
        Ok(Self { negative, digits: quotient, exponent: -PRECISION })
    }
}
