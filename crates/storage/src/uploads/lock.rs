//! One request at a time for each upload: a client whose connection broke off may come again before that was noticed.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use uuid::Uuid;

/// The uploads for which bytes are coming in here. What other processes do, the database decides.
#[derive(Debug, Clone, Default)]
pub(crate) struct Locks(Arc<Mutex<BTreeSet<Uuid>>>);

/// Gives the upload free when dropped.
#[derive(Debug)]
pub(crate) struct Lock {
    locks: Locks,
    upload: Uuid,
}

impl Locks {
    /// `None`: another request has it.
    pub fn take(&self, upload: Uuid) -> Option<Lock> {
        let free = self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(upload);
        free.then(|| Lock { locks: self.clone(), upload })
    }
}

impl Drop for Lock {
    fn drop(&mut self) {
        self.locks.0.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.upload);
    }
}
