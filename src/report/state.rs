//! What the report is made of: a cell for each product, and the sections.

use reports::{Counts, Stage, TITLES, go_on};
use undercurrent::prelude::*;
use upstream::sales::{Listed, figures::Figures};

/// So many products a shop has at most.
pub const PRODUCTS: usize = 40;
/// So many are asked for at once, at most.
pub const AT_ONCE: u32 = 16;
/// The time between some words and the next.
pub const PACE: Millis = Millis(40);

/// The state of the page.
#[derive(State, Clone, Debug)]
pub struct Report {
    /// In the order of the shop's list.
    pub cells: List<Cell>,
    /// What is written of them.
    pub sections: List<Section>,
    /// So many products are asked for at once.
    pub at_once: u32,
    /// All cells are settled, and all of the report is written.
    pub is_whole: bool,
}

/// A product.
#[derive(State, Clone, Debug, Default)]
pub struct Cell {
    /// Its number at the shop.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub stage: Stage,
}

/// A part of the report.
#[derive(State, Clone, Debug, Default)]
pub struct Section {
    /// What it is about.
    pub title: String,
    /// Markdown.
    pub text: Text,
}

impl Default for Report {
    fn default() -> Self {
        Report {
            cells: List::new(),
            sections: List::new(),
            at_once: 4,
            is_whole: false,
        }
    }
}

impl Report {
    /// A report was begun and is not whole: there is something to go on with.
    pub fn is_open(&self) -> bool {
        !self.cells.is_empty() && !self.is_whole
    }

    /// Drops what is here.
    pub fn clear(&mut self) {
        self.cells.clear();
        self.sections.clear();
        self.is_whole = false;
    }

    /// Begins anew.
    pub fn begin(&mut self, listed: Vec<Listed>) {
        self.clear();
        let cell = |Listed { id, name }| Cell {
            id,
            name,
            stage: Stage::Waiting,
        };
        self.cells.extend(listed.into_iter().map(cell));
        let section = |title: &str| Section {
            title: title.to_owned(),
            text: Text::new(),
        };
        self.sections.extend(TITLES.into_iter().map(section));
    }

    /// What was asked for by a task that is no more waits again.
    pub fn put_back(&mut self) {
        while let Some(cell) = self.cells.find_mut(|cell| cell.stage == Stage::Asked) {
            cell.stage = Stage::Waiting;
        }
    }

    /// The products that are not settled. None of them is under way.
    pub fn take_up(&mut self) -> Vec<u32> {
        self.put_back();
        let open = self.cells.iter().filter(|cell| !cell.stage.is_settled());
        open.map(|cell| cell.id).collect()
    }

    fn cell(&mut self, id: u32) -> Option<&mut Cell> {
        self.cells.find_mut(|cell| cell.id == id)
    }

    /// The shop is asked for a product.
    pub fn ask(&mut self, id: u32) {
        if let Some(cell) = self.cell(id) {
            cell.stage = Stage::Asked;
        }
    }

    /// A product came, or why it did not. Returns how many are settled, of how many.
    pub fn settle(&mut self, id: u32, came: Result<Figures, String>) -> (usize, usize) {
        if let Some(cell) = self.cell(id) {
            cell.stage = match came {
                Ok(figures) => Stage::Done(figures),
                Err(why) => Stage::Failed(why),
            };
        }
        let counts = counts(&self.cells);
        (counts.settled(), counts.of)
    }

    /// As [`settle`](Self::settle), for one that had failed. Of a report that was begun anew
    /// meanwhile it is no part.
    pub fn settle_again(&mut self, id: u32, came: Result<Figures, String>) {
        if let Some(Stage::Failed(_)) = self.cell(id).map(|cell| &cell.stage) {
            self.settle(id, came);
        }
    }

    /// Writes the next words of the report: those at the first place where it is not what the
    /// cells say. `false` when there is no such place, or when not all cells are settled.
    ///
    /// Where it goes on is seen from the text itself: after a crash, and beside another who writes,
    /// too. What a retry has changed is written anew, from the line on in which it differs.
    pub fn write_on(&mut self) -> bool {
        if !self.cells.iter().all(|cell| cell.stage.is_settled()) {
            return false;
        }
        let wanted = sections(&self.cells);
        let differs = |(section, wanted): (&Section, &String)| *section.text != **wanted;
        let at = self.sections.iter().zip(&wanted).position(differs);
        self.is_whole = at.is_none() && !self.sections.is_empty();
        let section = at.and_then(|at| Some((self.sections.get_mut(at)?, &wanted[at])));
        if let Some((section, wanted)) = section {
            let (kept, next) = go_on(&section.text, wanted);
            section.text.truncate(kept);
            section.text.push_str(next);
        }
        at.is_some()
    }
}

/// How many are where.
pub fn counts(cells: &List<Cell>) -> Counts {
    Counts::of(cells.iter().map(|cell| &cell.stage))
}

/// What is to be written of them.
pub fn sections(cells: &List<Cell>) -> [String; 4] {
    let products = cells.iter();
    reports::sections(products.map(|cell| (cell.name.as_str(), cell.stage.figures())))
}

/// Sets how many products are asked for at once. It holds from the next product on.
#[event]
pub fn set_at_once(report: &mut Report, at_once: u32) -> Result<(), ForVisitor> {
    if !(1..=AT_ONCE).contains(&at_once) {
        return Err(ForVisitor::new(
            "From 1 to 16 products are asked for at once.",
        ));
    }
    report.at_once = at_once;
    Ok(())
}
