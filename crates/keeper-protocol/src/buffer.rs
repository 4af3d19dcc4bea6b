//! A growing byte buffer that leaves no copy behind.
//!
//! Not a vector: it wipes what it held when it is cleared, cut, grown or dropped.
//! Invariant: memory beyond the length, and memory given back, holds no byte that was ever inside.

use zeroize::Zeroize as _;

/// Bytes of a message on their way.
#[derive(Default)]
pub(crate) struct WipedBuffer(Vec<u8>);

impl WipedBuffer {
    /// An empty buffer with room for so many bytes.
    pub(crate) fn with_capacity(capacity: usize) -> Self {
        Self(Vec::with_capacity(capacity))
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.0
    }

    pub(crate) fn as_mut_slice(&mut self) -> &mut [u8] {
        &mut self.0
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    pub(crate) fn extend(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.0.extend_from_slice(bytes);
    }

    /// Makes the buffer so long; new bytes are zero, cut ones are wiped.
    pub(crate) fn resize(&mut self, length: usize) {
        if let Some(tail) = self.0.get_mut(length..) {
            tail.zeroize();
        }
        self.reserve(length.saturating_sub(self.0.len()));
        self.0.resize(length, 0);
    }

    fn reserve(&mut self, more: usize) {
        let needed = self.0.len().saturating_add(more);
        if needed > self.0.capacity() {
            // The vector's own growth would free the old memory unwiped.
            let mut grown = Vec::with_capacity(needed.max(self.0.capacity().saturating_mul(2)));
            grown.extend_from_slice(&self.0);
            self.0.as_mut_slice().zeroize();
            self.0 = grown;
        }
    }
}

impl Drop for WipedBuffer {
    fn drop(&mut self) {
        self.0.as_mut_slice().zeroize();
    }
}

impl std::fmt::Debug for WipedBuffer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "[{} bytes]", self.0.len())
    }
}

impl postcard::ser_flavors::Flavor for &mut WipedBuffer {
    type Output = ();

    fn try_extend(&mut self, data: &[u8]) -> postcard::Result<()> {
        self.extend(data);
        Ok(())
    }

    fn try_push(&mut self, data: u8) -> postcard::Result<()> {
        self.extend(&[data]);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_keeps_and_cuts() {
        let mut buffer = WipedBuffer::default();
        for n in 0..100u8 {
            buffer.extend(&[n; 7]);
        }
        assert_eq!(buffer.len(), 700);
        assert!(buffer.as_slice().chunks(7).enumerate().all(|(n, chunk)| chunk.iter().all(|b| usize::from(*b) == n)));
        buffer.resize(3);
        buffer.resize(6);
        assert_eq!(buffer.as_slice(), [0; 6]);
    }
}
