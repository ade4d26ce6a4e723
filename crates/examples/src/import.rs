//! An import: a thread reads, a task takes what it read into the state, 500 rows an update; what it
//! can't know it asks the visitor.

use serde::{Deserialize, Serialize};
use std::sync::Arc;
use undercurrent::prelude::*;

/// How far the import is.
#[derive(State, Clone, Debug, Default)]
pub struct Import {
    /// Lines that were read.
    pub read: u32,
    /// What is to be paid for all of them.
    pub cents: u64,
    /// What is wrong with lines, with their numbers: the first ones.
    pub errors: List<Wrong>,
    /// A question that waits for the visitor.
    pub question: Option<Question>,
    /// Its answer.
    pub answer: Option<u32>,
}

/// A line that is left out.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wrong {
    /// Counted from 1.
    pub line: u32,
    /// What is said of it.
    pub why: String,
}

/// Which column holds the price?
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The columns that there are.
    pub columns: Vec<String>,
}

/// The file, as the server has it. An app reads it from disk.
#[derive(Debug)]
pub struct Lines(pub Arc<[String]>);

/// So many lines make an update.
pub const AT_ONCE: usize = 500;
/// So many errors are told of.
pub const ERRORS: usize = 1_000;

/// Imports the file. After a crash it goes on behind the last line that was taken.
#[background(overlap = reject, on_crash = resume)]
pub async fn import(cx: TaskContext<Import>) -> Result {
    let lines = cx.expect::<Lines>().0.clone();
    let column = price_column(&cx, &lines).await?;
    let from: u32 = cx.cursor()?.unwrap_or(1);
    let rest = lines.iter().enumerate().skip(from as usize);
    let rest: Vec<(usize, String)> = rest.map(|(at, line)| (at, line.clone())).collect();
    let all = u32::try_from(lines.len()).unwrap_or(u32::MAX);
    for chunk in rest.chunks(AT_ONCE) {
        let chunk = chunk.to_vec();
        // Computing goes to a thread of its own: the server answers meanwhile.
        let parsed = cx.blocking(move |_| parse(&chunk, column)).await?;
        let next = parsed.next;
        cx.update(|state| state.take(parsed))
            .checkpoint(next)
            .await?;
        cx.progress(next, all);
    }
    Ok(())
}

/// Finds the column of the price, or asks which it is.
async fn price_column(cx: &TaskContext<Import>, lines: &[String]) -> Result<usize> {
    let header = lines.first().ok_or("The file is empty.")?;
    let columns: Vec<String> = header.split(',').map(str::to_owned).collect();
    if let Some(place) = columns.iter().position(|column| column == "price") {
        return Ok(place);
    }
    cx.update(|state| state.question = Some(Question { columns }))
        .await?;
    let chosen = cx.until(|state| state.answer).await?;
    cx.update(|state| state.question = None).await?;
    Ok(chosen as usize)
}

/// Says which column it is.
#[event]
pub fn choose(state: &mut Import, column: u32) -> Result<(), ForVisitor> {
    let question = state.question.as_ref();
    let known = question.is_some_and(|question| (column as usize) < question.columns.len());
    if !known {
        return Err(ForVisitor::new("There is no such column."));
    }
    state.answer = Some(column);
    Ok(())
}

/// What a chunk of lines comes to.
struct Parsed {
    cents: u64,
    wrong: Vec<Wrong>,
    lines: u32,
    next: u32,
}

fn parse(lines: &[(usize, String)], column: usize) -> Parsed {
    let mut parsed = Parsed {
        cents: 0,
        wrong: Vec::new(),
        lines: 0,
        next: 0,
    };
    for (at, line) in lines {
        let number = u32::try_from(*at).unwrap_or(u32::MAX);
        parsed.lines += 1;
        parsed.next = number + 1;
        let field = line.split(',').nth(column);
        match field.map(|field| field.trim().parse::<u64>()) {
            Some(Ok(cents)) => parsed.cents += cents,
            Some(Err(_)) => parsed.wrong.push(Wrong {
                line: number + 1,
                why: "the price is no number".to_owned(),
            }),
            None => parsed.wrong.push(Wrong {
                line: number + 1,
                why: "it has too few columns".to_owned(),
            }),
        }
    }
    parsed
}

impl Import {
    fn take(&mut self, parsed: Parsed) {
        self.read += parsed.lines;
        self.cents += parsed.cents;
        let room = ERRORS.saturating_sub(self.errors.len());
        self.errors.extend(parsed.wrong.into_iter().take(room));
    }
}
