//! Numbers that look random and are the same in every run.

#[derive(Clone, Debug)]
pub(crate) struct Random(fastrand::Rng);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Random(fastrand::Rng::with_seed(seed))
    }

    /// Other numbers, which are the same in every run, too.
    pub(crate) fn fork(&mut self) -> Self {
        Random(self.0.fork())
    }

    /// A number below `n`, or 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        // Of 32 bits on both sides, so that a seed is the same program here and in a browser.
        let n = u32::try_from(n.max(1)).unwrap_or(u32::MAX);
        self.0.u32(..n) as usize
    }

    /// An index of something that has a length, or none.
    pub(crate) fn index(&mut self, len: usize) -> Option<usize> {
        (len > 0).then(|| self.below(len))
    }

    /// Two ordered places in something that has a length.
    pub(crate) fn range(&mut self, len: usize) -> std::ops::Range<usize> {
        let (a, b) = (self.below(len + 1), self.below(len + 1));
        a.min(b)..a.max(b)
    }

    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    /// A word, now and then one that is hard to write.
    pub(crate) fn word(&mut self) -> String {
        match self.below(12) {
            0 => "é\u{1F600}\u{0}\"\\\n".to_owned(),
            1 => "null".to_owned(),
            2 => String::new(),
            _ => format!("w{}", self.below(40)),
        }
    }
}
