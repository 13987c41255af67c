//! Random numbers that a seed brings back: SplitMix64.

pub struct Random(u64);

impl Random {
    /// The numbers of a seed, apart from those of the same seed for another purpose.
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self(seed);
        let start = random.next() ^ purpose.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        Self(start)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number from the first up to the last.
    pub fn within(&mut self, first: i64, last: i64) -> i64 {
        assert!(first <= last, "{first} to {last}");
        first + (self.next() % (last - first + 1).unsigned_abs()).cast_signed()
    }

    /// The same, but each order of magnitude of the distance from the first is as likely as any other.
    pub fn spread(&mut self, first: i64, last: i64) -> i64 {
        assert!(first <= last, "{first} to {last}");
        let digits = 64 - (last - first + 1).leading_zeros();
        let reach = self.within(0, i64::from(digits));
        self.within(first, first + ((1_i64 << reach) - 1).min(last - first))
    }

    /// Whether something of so many percent comes true.
    pub fn percent(&mut self, chance: i64) -> bool {
        self.within(1, 100) <= chance
    }

    pub fn pick<T: Copy>(&mut self, values: &[T]) -> T {
        values[self.within(0, values.len() as i64 - 1) as usize]
    }
}
