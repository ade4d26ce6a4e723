//! Numbers that look random and are the same in every run.

/// A linear congruential generator with Knuth's constants.
#[derive(Debug)]
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random(seed ^ 0x9e37_79b9_7f4a_7c15);
        random.below(2);
        random
    }

    /// A number below `n`, or 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((self.0 >> 33) as usize) % n.max(1)
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
