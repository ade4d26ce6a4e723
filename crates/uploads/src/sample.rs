//! Files that are made up: orders of a shop, about one in a hundred wrong, and files that are wrong
//! as a whole. The same name makes the same bytes.

use crate::{
    incoming::Cut,
    limits::{FILE_BYTES, LINE_BYTES},
    records::write_record,
};
use axum::body::Body;
use futures_util::stream;
use std::{fmt::Write, iter};

/// What a sample is made of, piece by piece.
pub(crate) type Chunks = Box<dyn Iterator<Item = Result<Vec<u8>, Cut>> + Send + Sync>;

/// Which file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sample {
    /// So many orders.
    Orders(u32),
    /// A picture.
    Binary,
    /// Orders in Latin-1.
    Latin1,
    /// Orders with fields too many and too few.
    Ragged,
    /// Nothing.
    Empty,
    /// Orders without a first line that names the columns.
    NoHeader,
    /// A byte too many.
    TooLarge,
    /// A first line, and a second of 40 MB.
    OneLine,
    /// Orders that come to a megabyte, and no further.
    Cut,
}

/// The most orders that one asks for: they have less than 50 MB.
const MOST: u32 = 500_000;
/// Orders that are made at once.
const AT_ONCE: u32 = 500;

const HEADER: &[u8] = b"order,date,e-mail,product,quantity,price\n";
const FIRST: [&str; 12] = [
    "ada", "bob", "chiara", "dmitri", "emre", "fatou", "greta", "hana", "ivan", "jun", "klara",
    "luis",
];
const LAST: [&str; 12] = [
    "abel", "brand", "costa", "dubois", "eriksen", "fontana", "gruber", "horvat", "ito", "jansen",
    "kowal", "lopez",
];
const HOSTS: [&str; 4] = [
    "example.com",
    "example.org",
    "mail.example.net",
    "post.example.eu",
];
const MADE_OF: [&str; 8] = [
    "Oak",
    "Linen",
    "Copper",
    "Enamel",
    "Glass",
    "Wool",
    "Walnut",
    "Stoneware",
];
const THINGS: [&str; 10] = [
    "tray",
    "apron",
    "kettle",
    "mug, blue",
    "carafe",
    "blanket",
    "board",
    "crème brûlée dish",
    "ladle",
    "clock 12\" wide",
];

impl Sample {
    /// The sample that a page calls so: a number of orders, or what is wrong.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "binary" => Sample::Binary,
            "latin-1" => Sample::Latin1,
            "ragged" => Sample::Ragged,
            "empty" => Sample::Empty,
            "no-header" => Sample::NoHeader,
            "too-large" => Sample::TooLarge,
            "one-line" => Sample::OneLine,
            "cut" => Sample::Cut,
            rows => Sample::Orders(rows.parse().ok().filter(|rows| (1..=MOST).contains(rows))?),
        })
    }

    /// What it is called when it is saved.
    pub fn file_name(&self) -> String {
        match self {
            Sample::Orders(rows) => format!("orders-{rows}.csv"),
            Sample::Binary => "picture.png".to_owned(),
            Sample::Latin1 => "latin-1.csv".to_owned(),
            Sample::Ragged => "ragged.csv".to_owned(),
            Sample::Empty => "empty.csv".to_owned(),
            Sample::NoHeader => "no-header.csv".to_owned(),
            Sample::TooLarge => "too-large.csv".to_owned(),
            Sample::OneLine => "one-line.csv".to_owned(),
            Sample::Cut => "cut.csv".to_owned(),
        }
    }

    /// Its bytes as the body of an answer, made while they are sent.
    pub fn body(self) -> Body {
        let whole = self.chunks().map_while(Result::ok);
        Body::from_stream(stream::iter(whole.map(Ok::<_, std::convert::Infallible>)))
    }

    pub(crate) fn chunks(self) -> Chunks {
        let header = || iter::once(Ok(HEADER.to_vec()));
        match self {
            Sample::Orders(rows) => Box::new(header().chain(orders(rows).map(Ok))),
            Sample::Binary => {
                let picture = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\x01\0\0\0\x01\0\x08\x06\0\0\0";
                Box::new(iter::once(Ok(picture.to_vec())))
            }
            Sample::Latin1 => {
                let mut bytes = HEADER.to_vec();
                bytes.extend(b"A-100001,2024-05-02,ada.abel1@example.com,Oak tray,1,20.00\n");
                bytes.extend(b"A-100002,2024-05-02,bob.brand2@example.com,Caf\xE9 mug,2,9.50\n");
                Box::new(iter::once(Ok(bytes)))
            }
            Sample::Ragged => {
                let rows = [
                    "A-100001,2024-05-02,ada.abel1@example.com,Oak tray,1,20.00",
                    "A-100002,2024-05-02,bob.brand2@example.com,Oak tray,1",
                    "A-100003,2024-05-02,chiara.costa3@example.com,Oak tray,1,20.00,gift,wrapped",
                    "A-100004,2024-05-03,dmitri.dubois4@example.com,Wool blanket,1,80.00",
                ];
                Box::new(header().chain(iter::once(Ok(rows.join("\n").into_bytes()))))
            }
            Sample::Empty => Box::new(iter::empty()),
            Sample::NoHeader => Box::new(orders(20).map(Ok)),
            Sample::TooLarge => {
                let line = [&[b'x'; 99][..], b"\n"].concat().repeat(10_000);
                let times = FILE_BYTES as usize / line.len() + 1;
                Box::new(header().chain(iter::repeat_n(line, times).map(Ok)))
            }
            Sample::OneLine => {
                let piece = vec![b'x'; LINE_BYTES];
                let times = 40_000_000 / LINE_BYTES;
                Box::new(header().chain(iter::repeat_n(piece, times).map(Ok)))
            }
            Sample::Cut => {
                let mut bytes = 0;
                let whole = orders(MOST)
                    .map(Ok)
                    .map_while(move |chunk: Result<Vec<u8>, Cut>| {
                        bytes += chunk.as_ref().map_or(0, Vec::len);
                        (bytes < 1_000_000).then_some(chunk)
                    });
                Box::new(header().chain(whole).chain(iter::once(Err(Cut))))
            }
        }
    }
}

fn orders(rows: u32) -> impl Iterator<Item = Vec<u8>> + Send + Sync {
    (0..rows).step_by(AT_ONCE as usize).map(move |from| {
        let mut chunk = Vec::with_capacity(100 * AT_ONCE as usize);
        for number in from..rows.min(from + AT_ONCE) {
            order(number, &mut chunk);
        }
        chunk
    })
}

/// An order. What is random of it comes from its number.
fn order(number: u32, to: &mut Vec<u8>) {
    let mut bits = mixed(number);
    let mut pick = |of: usize| {
        let picked = (bits % of as u64) as usize;
        bits = (bits / of as u64) ^ bits.rotate_left(23);
        picked
    };
    let mut date = String::new();
    let (day, month) = (pick(28) + 1, number / 60_000 % 12 + 1);
    let _ = write!(date, "2024-{month:02}-{day:02}");
    let (first, last, host) = (FIRST[pick(12)], LAST[pick(12)], HOSTS[pick(4)]);
    let mut mail = format!("{first}.{last}{}@{host}", pick(900) + 1);
    let mut product = format!("{} {}", MADE_OF[pick(8)], THINGS[pick(10)]);
    let (mut quantity, mut price) = (
        (pick(9) + 1).to_string(),
        format!("{}.{:02}", pick(180) + 4, pick(20) * 5),
    );
    let id = format!("A-{}", 100_001 + number);
    // One in a hundred, and not every hundredth.
    let wrong = mixed(number ^ 0x5EED)
        .is_multiple_of(100)
        .then(|| mixed(number ^ 0xBAD) % 7);
    match wrong {
        Some(0) => date = format!("2024-02-{}", 30 + number % 2),
        Some(1) => mail = mail.replace('@', " at "),
        Some(2) => quantity = "0".to_owned(),
        Some(3) => quantity = "two".to_owned(),
        Some(4) => price = price.replace('.', ","),
        Some(5) => product.clear(),
        _ => {}
    }
    let fields = [id, date, mail, product, quantity, price];
    let count = if wrong == Some(6) { 5 } else { 6 };
    write_record(&fields[..count], to);
}

/// A number from which nobody sees what it was made of: the end of SplitMix64.
fn mixed(number: u32) -> u64 {
    let mut bits = u64::from(number)
        .wrapping_add(1)
        .wrapping_mul(0x9E37_79B9_7F4A_7C15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    bits ^ (bits >> 31)
}
