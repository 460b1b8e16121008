//! The order of keys on output: letters by code point, numbers by value (`a2` before `a10`).

use std::cmp::Ordering;

use super::letters::{DIGITS, LETTERS};

/// How Go's yaml packages order string keys of a map.
pub fn natural_order(left: &str, right: &str) -> Ordering {
    if left == right {
        return Ordering::Equal;
    }
    let common = left.bytes().zip(right.bytes()).take_while(|(a, b)| a == b).count();
    // Letters alone decide most pairs.
    if let (Some(&a), Some(&b)) = (left.as_bytes().get(common), right.as_bytes().get(common))
        && a.is_ascii_alphabetic()
        && b.is_ascii_alphabetic()
    {
        return a.cmp(&b);
    }
    let mut common = common;
    while !left.is_char_boundary(common) {
        common -= 1;
    }
    compare_from(left, right, common)
}

/// `common`: both are the same up to there, and differ in the character after.
fn compare_from(left: &str, right: &str, common: usize) -> Ordering {
    let (rest_left, rest_right) = (&left[common..], &right[common..]);
    let (Some(a), Some(b)) = (rest_left.chars().next(), rest_right.chars().next()) else {
        return rest_left.len().cmp(&rest_right.len());
    };
    match (is_letter(a), is_letter(b)) {
        (true, true) => return a.cmp(&b),
        (true, false) => return Ordering::Greater,
        (false, true) => return Ordering::Less,
        (false, false) => {}
    }
    let (mut value_left, mut value_right) = (0i64, 0i64);
    if a == '0' || b == '0' {
        let before = left[..common].chars().rev().take_while(|character| is_digit(*character));
        if before.into_iter().any(|digit| digit != '0') {
            value_left = 1;
            value_right = 1;
        }
    }
    let count_left = read_digits(rest_left, &mut value_left);
    let count_right = read_digits(rest_right, &mut value_right);
    value_left.cmp(&value_right).then(count_left.cmp(&count_right)).then(a.cmp(&b))
}

/// Sorts by `natural_order`. That order runs in circles for some keys (`1a`, `9`, `10`), which the standard sorts
/// may answer with a panic; a merge sort does not mind.
pub fn sort_naturally<T: Copy>(items: &mut [T], key: impl Fn(&T) -> &str + Copy) {
    if items.len() <= 16 {
        for at in 1..items.len() {
            let mut place = at;
            while place > 0 && natural_order(key(&items[place]), key(&items[place - 1])) == Ordering::Less {
                items.swap(place, place - 1);
                place -= 1;
            }
        }
        return;
    }
    let (left, right) = items.split_at_mut(items.len() / 2);
    sort_naturally(left, key);
    sort_naturally(right, key);
    let mut merged = Vec::with_capacity(left.len() + right.len());
    let (mut from_left, mut from_right) = (left.iter().peekable(), right.iter().peekable());
    while let (Some(a), Some(b)) = (from_left.peek(), from_right.peek()) {
        let next =
            if natural_order(key(b), key(a)) == Ordering::Less { &mut from_right } else { &mut from_left };
        merged.extend(next.next().copied());
    }
    merged.extend(from_left.copied());
    merged.extend(from_right.copied());
    items.copy_from_slice(&merged);
}

fn read_digits(text: &str, value: &mut i64) -> usize {
    let mut count = 0;
    for digit in text.chars().take_while(|character| is_digit(*character)) {
        *value = value.wrapping_mul(10).wrapping_add(i64::from(digit as u32) - i64::from(b'0'));
        count += 1;
    }
    count
}

fn is_letter(character: char) -> bool {
    character.is_ascii_alphabetic() || (!character.is_ascii() && within(&LETTERS, character))
}

fn is_digit(character: char) -> bool {
    character.is_ascii_digit() || (!character.is_ascii() && within(&DIGITS, character))
}

fn within(ranges: &[(u32, u32)], character: char) -> bool {
    let code = character as u32;
    let after = ranges.partition_point(|(first, _)| *first <= code);
    after > 0 && code <= ranges[after - 1].1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_count_by_value() {
        let mut keys = vec!["a10", "a2", "b", "a", "A", "10", "9", "a-b", "a_b", "ab", "a01", "a1", "", "é"];
        sort_naturally(&mut keys, |key| key);
        assert_eq!(keys, ["", "9", "10", "A", "a", "a-b", "a_b", "a1", "a01", "a2", "a10", "ab", "b", "é"]);
    }
}
