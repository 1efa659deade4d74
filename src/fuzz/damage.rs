//! Small damages to sound bytes, without libFuzzer.

/// How many inputs a test tries.
pub(crate) fn inputs() -> usize {
    std::env::var("CAZ_FUZZ_INPUTS").ok().and_then(|count| count.parse().ok()).unwrap_or(5_000)
}

/// A small generator: the same seed makes the same inputs.
pub(crate) struct Bits(pub(crate) u64);

impl Bits {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound.max(1) as u64) as usize
    }

    /// One to four changes of a seed: bits, bytes that matter to the formats, cuts, repeats, pieces of others.
    pub(crate) fn damage(&mut self, seeds: &[Vec<u8>]) -> Vec<u8> {
        const TELLING: [&[u8]; 14] = [
            b"\x00",
            b"\x01",
            b"\x02",
            b"\x7f",
            b"\x80",
            b"\xff",
            b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
            b"\xfe\xff\xff\xff\x0f",
            b"{",
            b"[",
            b"\"",
            b"null",
            b"1e400",
            b"\\ud800",
        ];
        let mut bytes = seeds[self.below(seeds.len())].clone();
        for _ in 0..=self.below(4) {
            let at = self.below(bytes.len() + 1);
            match self.below(6) {
                0 if at < bytes.len() => bytes[at] ^= 1 << self.below(8),
                1 => drop(bytes.splice(at..at, TELLING[self.below(TELLING.len())].iter().copied())),
                2 if at < bytes.len() => bytes[at] = TELLING[self.below(7)][0],
                3 => bytes.truncate(at),
                4 => {
                    let end = (at + self.below(8)).min(bytes.len());
                    let piece = bytes[at..end].to_vec();
                    drop(bytes.splice(at..at, piece));
                }
                _ => {
                    let other = &seeds[self.below(seeds.len())];
                    bytes.truncate(at);
                    bytes.extend_from_slice(&other[self.below(other.len() + 1)..]);
                }
            }
        }
        bytes
    }
}
