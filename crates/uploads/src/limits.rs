//! Every bound of an import, by name. What happens at each stands beside it.

/// Bytes of a file. A larger one is refused: by the page before it is sent, by the server when that
/// many have come.
pub const FILE_BYTES: u64 = 50_000_000;
/// Bytes of a line, and of a record, which may have several. The file is refused; what was taken in
/// before stays.
pub const LINE_BYTES: usize = 64 << 10;
/// Fields of a record. The file is refused.
pub const COLUMNS: usize = 64;
/// Rows of a file. The import ends there; what was taken in stays. A table of more would be higher
/// than browsers scroll: Firefox ends at 17.9 million pixels, and a row has 32.
pub const ROWS: u64 = 500_000;
/// Rows an update takes in.
pub const ROWS_AN_UPDATE: usize = 500;
/// The last rows that stand in the state. The oldest goes.
pub const LAST_ROWS: usize = 200;
/// Errors that stand in the state. Further ones are counted, and stand in the file of the rejected
/// rows.
pub const ERRORS: usize = 1_000;
/// Rows of one answer of the paged route. More are not given at once.
pub const ROWS_AN_ANSWER: usize = 200;
/// Rows between two places that the index of the accepted rows knows.
pub const INDEXED: u64 = 50;
/// Characters that are kept of a file's name, and of a column's.
pub const NAME_CHARS: usize = 80;
/// Visitors whose files are kept. One more is refused until another's session or import goes.
/// `files` in `[uploads]` of Leptos.toml sets another number.
pub const FILES: usize = 200;
/// Bytes that stay free on the disk. An upload that could leave fewer is refused.
pub const FREE_BYTES: u64 = 1_000_000_000;
/// Bytes of a form before its file begins. What comes before is kept in memory.
pub const HEAD_BYTES: u64 = 16 << 10;
/// Fields of a form before its file.
pub const FIELDS: usize = 16;
/// Milliseconds that an upload may bring nothing. Then its connection counts as lost.
pub const STALL_MS: u64 = 20_000;
/// Milliseconds that the answer to an upload waits until the page can tell how it ended. Then it goes
/// out without.
pub const TOLD_MS: u64 = 2_000;
/// Bytes of a refused file that are read and thrown away, since a browser reads an answer only when
/// it has sent everything. Behind them the connection is cut.
pub const THROWN_AWAY_BYTES: u64 = 2 * FILE_BYTES;
/// Seconds between two looks for files whose sessions have gone. `sweep-s` in `[uploads]` of
/// Leptos.toml sets another number.
pub const SWEEP_S: u64 = 600;
