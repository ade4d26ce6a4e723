//! What the built-in upstream does wrong on purpose, so that tests and people
//! can see each failure of an upstream when they want it.

use std::{collections::BTreeMap, str::FromStr};

use super::builtin::PRODUCT_COUNT;

/// One way in which an answer goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// `400` to `599`: that status, with a JSON message.
    Status(u16),
    /// `notjson`: a page of HTML with status 200.
    NotJson,
    /// `notproduct`: a JSON object that has no title.
    NotProduct,
    /// `huge`: a product of 2 MiB, sent without telling its length.
    Huge,
    /// `timeout`: no answer at all, on a connection that stays open.
    Timeout,
    /// `slowbody`: the right product, one byte every 100 ms. That takes more
    /// than fifteen seconds, so that the default time-out cuts it.
    SlowBody,
    /// `close`: the connection ends in the middle of the body.
    Close,
    /// `redirect`: a 302 to the same path on the same server.
    Redirect,
}

/// The faults by product. It is read from a text such as
/// `3=500,7=notjson,9=timeout*1`: products with what they do, after a comma.
/// `*1` after a fault limits it to the first attempt, `*2` to the first two,
/// and so on; the product is served after that.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Faults(BTreeMap<u32, Rule>);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Rule {
    fault: Fault,
    /// How many attempts it lasts.
    attempts: u32,
}

impl Faults {
    /// What goes wrong with this attempt, counted from 0, at this product.
    pub fn at(&self, id: u32, attempt: u32) -> Option<Fault> {
        self.0
            .get(&id)
            .filter(|rule| attempt < rule.attempts)
            .map(|rule| rule.fault)
    }

    /// What goes wrong anywhere.
    pub(crate) fn kinds(&self) -> impl Iterator<Item = Fault> {
        self.0.values().map(|rule| rule.fault)
    }
}

impl FromStr for Faults {
    /// A sentence that quotes the part which cannot be read.
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let mut faults = BTreeMap::new();
        for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            let (id, rule) = entry
                .split_once('=')
                .ok_or_else(|| format!("{entry:?} is not of the form ID=FAULT"))?;
            let id = id
                .trim()
                .parse()
                .ok()
                .filter(|id| (1..=PRODUCT_COUNT).contains(id))
                .ok_or_else(|| {
                    format!("{entry:?} does not begin with a product from 1 to {PRODUCT_COUNT}")
                })?;
            if faults.insert(id, rule_from(entry, rule)?).is_some() {
                return Err(format!("product {id} has two faults"));
            }
        }
        Ok(Self(faults))
    }
}

fn rule_from(entry: &str, text: &str) -> Result<Rule, String> {
    let (name, attempts) = match text.split_once('*') {
        None => (text, u32::MAX),
        Some((name, count)) => {
            let count = count.trim().parse().ok().filter(|count| *count > 0);
            let count =
                count.ok_or_else(|| format!("{entry:?} needs a number of attempts after its *"))?;
            (name, count)
        }
    };
    let fault = fault_from(name.trim()).ok_or_else(|| {
        format!(
            "{entry:?} names no fault; known are a status from 400 to 599, notjson, \
             notproduct, huge, timeout, slowbody, close and redirect"
        )
    })?;
    Ok(Rule { fault, attempts })
}

fn fault_from(name: &str) -> Option<Fault> {
    Some(match name {
        "notjson" => Fault::NotJson,
        "notproduct" => Fault::NotProduct,
        "huge" => Fault::Huge,
        "timeout" => Fault::Timeout,
        "slowbody" => Fault::SlowBody,
        "close" => Fault::Close,
        "redirect" => Fault::Redirect,
        status => Fault::Status(
            status
                .parse()
                .ok()
                .filter(|code| (400..=599).contains(code))?,
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_read() {
        let text = "1=503, 2=close,3=500 ,4=slowbody,5=404,6=redirect,7=notjson,8=huge,\
                    9=timeout,10=notproduct,";
        let faults: Faults = text.parse().unwrap();
        for (id, fault) in [
            (1, Fault::Status(503)),
            (2, Fault::Close),
            (3, Fault::Status(500)),
            (4, Fault::SlowBody),
            (5, Fault::Status(404)),
            (6, Fault::Redirect),
            (7, Fault::NotJson),
            (8, Fault::Huge),
            (9, Fault::Timeout),
            (10, Fault::NotProduct),
        ] {
            assert_eq!(faults.at(id, 0), Some(fault));
            assert_eq!(faults.at(id, 1_000), Some(fault));
        }
        assert_eq!(faults.at(11, 0), None);
        assert_eq!("".parse(), Ok(Faults::default()));
    }

    #[test]
    fn a_count_ends_a_fault() {
        let faults: Faults = "3=500*2".parse().unwrap();
        assert_eq!(faults.at(3, 1), Some(Fault::Status(500)));
        assert_eq!(faults.at(3, 2), None);
    }

    #[test]
    fn unreadable_parts_are_quoted() {
        for (text, message) in [
            ("3", "\"3\" is not of the form ID=FAULT"),
            (
                "0=500",
                "\"0=500\" does not begin with a product from 1 to 100",
            ),
            (
                "x=500",
                "\"x=500\" does not begin with a product from 1 to 100",
            ),
            (
                "3=500*0",
                "\"3=500*0\" needs a number of attempts after its *",
            ),
            ("3=500,3=404", "product 3 has two faults"),
        ] {
            assert_eq!(text.parse::<Faults>(), Err(message.to_owned()));
        }
        for text in ["3=200", "3=600", "3=hugs", "3="] {
            let error = text.parse::<Faults>().unwrap_err();
            assert!(error.contains("names no fault; known are"), "{error}");
        }
    }
}
