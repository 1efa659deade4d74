//! Events broken on purpose, in ways that no reader of Avro or JSON may take for an event.

use super::random::Random;

/// Breaks a share of payloads.
#[derive(Clone, Debug)]
pub(super) struct Faults {
    share: f64,
    random: Random,
}

impl Faults {
    /// `share` of all events, 0 to 1.
    pub(super) fn new(share: f64, seed: u64) -> Self {
        Self { share, random: Random::new(seed) }
    }

    /// What is published in the payload's place: none leaves it as it is, `Some(None)` is a record without a value.
    pub(super) fn strike(&mut self, payload: &[u8]) -> Option<Option<Vec<u8>>> {
        if self.share <= 0.0 || !self.random.chance(self.share) {
            return None;
        }
        Some(match self.random.below(10) {
            0 => None,
            1 => Some(Vec::new()),
            // Both formats know their own end: behind it nothing may stand, and before it nothing may be missing.
            2..=4 => Some([payload, b"}"].concat()),
            _ => {
                let length = self.random.below(payload.len() as u64);
                Some(payload[..usize::try_from(length).unwrap_or(0)].to_vec())
            }
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a failed expectation is a failed test")]
    use super::*;

    #[test]
    fn the_share_is_kept_and_every_struck_payload_differs() {
        let mut faults = Faults::new(0.25, 1);
        let struck: Vec<_> = (0..10_000).filter_map(|_| faults.strike(b"{\"a\":1}")).collect();
        assert!((2_300..2_700).contains(&struck.len()), "{}", struck.len());
        assert!(struck.iter().all(|payload| payload.as_deref() != Some(b"{\"a\":1}".as_slice())));
        assert!(struck.contains(&None) && struck.contains(&Some(Vec::new())));
    }

    #[test]
    fn no_share_strikes_nothing() {
        let mut faults = Faults::new(0.0, 1);
        assert!((0..1_000).all(|_| faults.strike(b"x").is_none()));
    }
}
