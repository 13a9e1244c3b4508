//! A disk in memory that can hold its breath, and fail.

use std::io;
use std::sync::{Arc, Condvar, Mutex};

use redb::StorageBackend;

/// The disk. Clones are ways to the same bytes.
#[derive(Clone, Default, Debug)]
pub struct TestDisk {
    inner: Arc<(Mutex<State>, Condvar)>,
}

#[derive(Default, Debug)]
struct State {
    bytes: Vec<u8>,
    /// Syncs wait while this is set.
    held: bool,
    /// Writes and syncs fail while this is set.
    failing: bool,
    syncs: u64,
    failures: u64,
}

impl TestDisk {
    pub fn hold(&self, held: bool) {
        self.inner.0.lock().unwrap().held = held;
        self.inner.1.notify_all();
    }

    pub fn fail(&self, failing: bool) {
        self.inner.0.lock().unwrap().failing = failing;
    }

    pub fn syncs(&self) -> u64 {
        self.inner.0.lock().unwrap().syncs
    }

    pub fn failures(&self) -> u64 {
        self.inner.0.lock().unwrap().failures
    }

    fn changing<T>(&self, act: impl FnOnce(&mut State) -> T) -> io::Result<T> {
        let mut state = self.inner.0.lock().unwrap();
        if state.failing {
            state.failures += 1;
            return Err(io::ErrorKind::StorageFull.into());
        }
        Ok(act(&mut state))
    }
}

impl StorageBackend for TestDisk {
    fn len(&self) -> io::Result<u64> {
        Ok(self.inner.0.lock().unwrap().bytes.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let state = self.inner.0.lock().unwrap();
        let start = usize::try_from(offset).unwrap();
        let bytes = state.bytes.get(start..start + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(bytes);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.changing(|state| state.bytes.resize(usize::try_from(len).unwrap(), 0))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.changing(|state| state.syncs += 1)?;
        let state = self.inner.0.lock().unwrap();
        drop(self.inner.1.wait_while(state, |state| state.held).unwrap());
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        let start = usize::try_from(offset).unwrap();
        self.changing(|state| state.bytes[start..start + data.len()].copy_from_slice(data))
    }
}
