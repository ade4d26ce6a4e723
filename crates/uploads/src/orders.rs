//! What a row must be: an order of a shop, as the samples have them.

use crate::Refusal;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// The columns that are looked for.
pub const COLUMNS: [&str; 6] = ["order", "date", "email", "product", "quantity", "price"];

/// Where a column is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Column {
    /// The visitor is asked.
    Asked,
    /// So many columns stand before it.
    At(usize),
    /// Nowhere: rows are taken in without it.
    LeftOut,
}

/// Where each of [`COLUMNS`] is found in a first line. What it does not name is asked for.
///
/// # Errors
///
/// [`Refusal::NoHeader`]: it names none.
pub fn find(header: &[String]) -> Result<Vec<Column>, Refusal> {
    let find = |column: &&str| {
        let mut names = header.iter();
        let place = names.position(|name| name.eq_ignore_ascii_case(column));
        place.map_or(Column::Asked, Column::At)
    };
    let columns: Vec<Column> = COLUMNS.iter().map(find).collect();
    match columns.iter().all(|column| *column == Column::Asked) {
        true => Err(Refusal::NoHeader),
        false => Ok(columns),
    }
}

/// The first of the columns that nobody has found.
pub fn asked(columns: &[Column]) -> Option<usize> {
    columns.iter().position(|column| *column == Column::Asked)
}

/// What can be said of the column that is asked for: the places of a first line that are free, each
/// by its number, from 1, and by its name.
pub fn free(header: &[String], columns: &[Column]) -> Vec<(usize, String)> {
    let named = header.iter().enumerate();
    let free = named.filter(|(at, _)| !columns.contains(&Column::At(*at)));
    let place = |(at, name): (usize, &String)| match name.as_str() {
        "" => (at + 1, format!("Column {}", at + 1)),
        name => (at + 1, name.to_owned()),
    };
    free.map(place).collect()
}

/// What it means to say a place, as [`free`] has them, or 0 for nowhere, of a column. `None` if that
/// is not asked, or the place is none that can be said.
pub fn answer(
    header: &[String],
    columns: &[Column],
    column: usize,
    place: usize,
) -> Option<Column> {
    let is_free = |place| free(header, columns).iter().any(|(free, _)| *free == place);
    match place {
        _ if asked(columns) != Some(column) => None,
        0 => Some(Column::LeftOut),
        place => is_free(place).then_some(Column::At(place - 1)),
    }
}

/// The rule of each.
const RULES: [fn(&str) -> Option<&'static str>; 6] = [text, date, email, text, quantity, price];

/// The values of a row, in the order of [`COLUMNS`]; or what is wrong with the first that is not
/// as it should be.
pub fn check(columns: &[Column], fields: &[Cow<'_, str>]) -> Result<Vec<String>, String> {
    let value = |(at, column): (usize, &Column)| {
        let Column::At(place) = column else {
            return Ok(String::new());
        };
        let value = fields.get(*place).map_or("", |field| field.trim());
        match RULES[at](value) {
            None => Ok(value.to_owned()),
            Some(why) if value.is_empty() => Err(format!("Its {} {why}.", COLUMNS[at])),
            Some(why) => {
                let shown: String = value.chars().take(40).collect();
                Err(format!("Its {} “{shown}” {why}.", COLUMNS[at]))
            }
        }
    };
    columns.iter().enumerate().map(value).collect()
}

fn text(value: &str) -> Option<&'static str> {
    match value.chars().count() {
        0 => Some("is empty"),
        1..=120 => None,
        _ => Some("has more than 120 letters"),
    }
}

fn date(value: &str) -> Option<&'static str> {
    let mut parts = value.split('-').map(|part| (part.len(), number(part)));
    let (Some((4, Some(year))), Some((2, Some(month))), Some((2, Some(day))), None) =
        (parts.next(), parts.next(), parts.next(), parts.next())
    else {
        return Some("is not written as 2024-05-31");
    };
    let is_leap = year.is_multiple_of(if year.is_multiple_of(100) { 400 } else { 4 });
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + u32::from(is_leap),
        1..=12 => 31,
        _ => 0,
    };
    (!(1..=days).contains(&day)).then_some("is no day")
}

fn email(value: &str) -> Option<&'static str> {
    let is_address = value.split_once('@').is_some_and(|(name, host)| {
        let is_odd = |letter: char| letter.is_whitespace() || letter == '@';
        let has_dot = host.split('.').filter(|part| !part.is_empty()).count() > 1;
        !name.is_empty() && has_dot && !value.replacen('@', "", 1).contains(is_odd)
    });
    // The longest that mail knows.
    let is_address = is_address && value.len() <= 254;
    (!is_address).then_some("is no address")
}

fn quantity(value: &str) -> Option<&'static str> {
    let count = number(value).filter(|_| value.len() <= 5);
    (!(1..=10_000).contains(&count.unwrap_or_default())).then_some("is no number from 1 to 10,000")
}

fn price(value: &str) -> Option<&'static str> {
    let (whole, cents) = value.split_once('.').unwrap_or((value, "0"));
    let is_price = [(whole, 7), (cents, 2)]
        .into_iter()
        .all(|(digits, most)| number(digits).is_some() && digits.len() <= most);
    (!is_price).then_some("is not written as 12.50")
}

/// A number of digits alone.
fn number(digits: &str) -> Option<u32> {
    let is_number = digits.bytes().all(|digit| digit.is_ascii_digit());
    digits.parse().ok().filter(|_| is_number)
}
