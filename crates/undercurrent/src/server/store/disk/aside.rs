//! What was laid aside, for who wants to look at it: so many bytes of it, of which the oldest go.

use super::{META, StoreError, batch::Range, errors::of_redb};
use redb::{ReadableTable, Table, TableDefinition, WriteTransaction};

/// By the key of a row and its checksum: what is the same is there once, however often it is laid
/// aside.
pub(super) const ASIDE: TableDefinition<'_, &[u8], &[u8]> = TableDefinition::new("aside");
/// In the order in which they were laid aside: how many bytes, and under which key.
pub(super) const ORDER: TableDefinition<'_, u64, (u64, &[u8])> =
    TableDefinition::new("aside-order");
/// In the table of what is known of the file.
const BYTES: &str = "aside-bytes";

/// Lays aside what the tables have in a range.
pub(super) fn lay(
    to: &WriteTransaction,
    (first, end): &Range,
    tables: [&Table<'_, &'static [u8], &'static [u8]>; 2],
    max_bytes: u64,
) -> Result<(), StoreError> {
    let mut aside = to.open_table(ASIDE).map_err(of_redb)?;
    let mut order = to.open_table(ORDER).map_err(of_redb)?;
    let mut meta = to.open_table(META).map_err(of_redb)?;
    let known = meta.get(BYTES).map_err(of_redb)?;
    let mut bytes = known.map_or(0, |bytes| bytes.value());
    let last = order.last().map_err(of_redb)?;
    let mut last = last.map_or(0, |(nth, _)| nth.value());
    for table in tables {
        let rows = table.range(first.as_slice()..end.as_slice());
        for row in rows.map_err(of_redb)? {
            let (key, value) = row.map_err(of_redb)?;
            let sum = crc32fast::hash(value.value()).to_be_bytes();
            let key = [key.value(), sum.as_slice()].concat();
            let before = aside.insert(key.as_slice(), value.value());
            if before.map_err(of_redb)?.is_none() {
                last += 1;
                let own = (key.len() + value.value().len()) as u64;
                bytes += own;
                let put = order.insert(last, (own, key.as_slice()));
                put.map_err(of_redb)?;
            }
        }
    }
    while bytes > max_bytes {
        let oldest = order.pop_first().map_err(of_redb)?;
        let Some(oldest) = oldest else {
            bytes = 0;
            break;
        };
        let (own, key) = oldest.1.value();
        bytes = bytes.saturating_sub(own);
        aside.remove(key).map_err(of_redb)?;
    }
    meta.insert(BYTES, bytes).map(drop).map_err(of_redb)
}
