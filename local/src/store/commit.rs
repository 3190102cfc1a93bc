//! The thread that writes: whatever waits shares one commit, and so one wait for the disk.

use std::fs;
use std::sync::PoisonError;
use std::thread;

use redb::WriteTransaction;
use tokio::sync::{mpsc, oneshot};

use super::error::{Broken, StoreError};
use super::file;
use super::handle::{Place, Shared, Tables};

/// The most writes of one commit. It bounds the wait of the first among them.
const BATCH_MAX: usize = 512;

/// From this size of the file on, in bytes, each commit also stores what a repair after a crash needs. Such a commit
/// waits twice for the disk. A repair without it reads the whole file: about a second for each of these.
const QUICK_REPAIR_FROM: u64 = 512 * 1024 * 1024;

/// A write that waits for its commit.
pub(super) trait Job: Send {
    fn run(&mut self, transaction: &WriteTransaction) -> Result<(), Broken>;

    /// The commit is on the disk, or nothing of it is.
    fn finish(self: Box<Self>, committed: Result<(), StoreError>);
}

impl std::fmt::Debug for dyn Job {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Job")
    }
}

/// A write with a result.
pub(super) struct Work<T, F> {
    /// `None` once it has run.
    run: Option<F>,
    made: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Work<T, F> {
    pub(super) fn new(work: F, reply: oneshot::Sender<Result<T, StoreError>>) -> Self {
        Work { run: Some(work), made: None, reply }
    }
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&WriteTransaction) -> Result<T, Broken> + Send,
{
    fn run(&mut self, transaction: &WriteTransaction) -> Result<(), Broken> {
        if let Some(work) = self.run.take() {
            self.made = Some(work(transaction)?);
        }
        Ok(())
    }

    fn finish(self: Box<Self>, committed: Result<(), StoreError>) {
        let Work { made, reply, .. } = *self;
        // Who asked may have left.
        _ = reply.send(committed.and_then(|()| made.ok_or_else(StoreError::closed)));
    }
}

/// Starts the thread. `end` is told when the file is closed.
pub(super) fn start(
    database: Shared,
    place: Place,
    tables: Tables,
    mut waiting: mpsc::Receiver<Box<dyn Job>>,
    end: oneshot::Sender<()>,
) -> Result<(), StoreError> {
    let work = move || {
        let mut jobs = Vec::new();
        while waiting.blocking_recv_many(&mut jobs, BATCH_MAX) > 0 {
            let committed = commit(&database, &place, &mut jobs);
            let committed = committed.map_err(|error| {
                reopen(&database, &place, tables);
                StoreError::not_written(&error)
            });
            for job in jobs.drain(..) {
                job.finish(committed.clone());
            }
        }
        drop(database.write().unwrap_or_else(PoisonError::into_inner).take());
        _ = end.send(());
    };
    let started = thread::Builder::new().name("store".to_owned()).spawn(work);
    started.map(drop).map_err(|error| StoreError::new(format!("the store's thread cannot start: {error}")))
}

fn commit(database: &Shared, place: &Place, jobs: &mut [Box<dyn Job>]) -> Result<(), Broken> {
    let database = database.read().unwrap_or_else(PoisonError::into_inner);
    let Some(database) = &*database else { return Err(redb::Error::PreviousIo.into()) };
    let mut transaction = database.begin_write()?;
    transaction.set_quick_repair(is_large(place));
    for job in jobs {
        job.run(&transaction)?;
    }
    Ok(transaction.commit()?)
}

fn is_large(place: &Place) -> bool {
    match place {
        Place::File(file) => fs::metadata(file).is_ok_and(|metadata| metadata.len() >= QUICK_REPAIR_FROM),
        Place::Memory => false,
    }
}

/// Opens the file again: after a fault the database takes no more writes. If this fails too, the next write tries.
fn reopen(database: &Shared, place: &Place, tables: Tables) {
    let mut database = database.write().unwrap_or_else(PoisonError::into_inner);
    if let Place::File(_) = place {
        *database = None;
        *database = file::open(place, tables).ok();
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use redb::{ReadableTableMetadata, TableDefinition};
    use testkit::Folder;

    use super::*;
    use crate::store::Store;

    const NUMBERS: TableDefinition<'_, u64, u64> = TableDefinition::new("numbers");

    fn tables(transaction: &WriteTransaction) -> Result<(), Broken> {
        transaction.open_table(NUMBERS)?;
        Ok(())
    }

    fn open(folder: &Folder) -> (Store, PathBuf) {
        let file = folder.path().join("store.redb");
        (Store::open(Place::File(file.clone()), tables).unwrap(), file)
    }

    fn count(store: &Store) -> u64 {
        store.read(|read| Ok(read.open_table(NUMBERS)?.len()?)).unwrap()
    }

    #[tokio::test]
    async fn what_is_acknowledged_is_there_after_the_next_start() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        let writes = (0..100_u64).map(|number| {
            store.write(move |write| {
                write.open_table(NUMBERS)?.insert(number, number)?;
                Ok(number)
            })
        });
        let mut all = Vec::new();
        for write in writes {
            all.push(write.await.unwrap());
        }
        assert_eq!(all, (0..100).collect::<Vec<_>>());
        store.close().await;
        assert!(store.write(|_| Ok(())).await.is_err(), "it is closed");
        assert_eq!(count(&open(&folder).0), 100);
    }

    #[tokio::test]
    async fn a_commit_that_fails_leaves_nothing_and_the_next_one_succeeds() {
        let folder = Folder::new();
        let (store, _) = open(&folder);
        let failed = store.write(|write| -> Result<(), Broken> {
            write.open_table(NUMBERS)?.insert(1, 1)?;
            Err(redb::Error::Io(std::io::ErrorKind::StorageFull.into()).into())
        });
        let error = failed.await.unwrap_err().to_string();
        assert_eq!(error, "the disk of the store is full; nothing was stored");
        assert_eq!(count(&store), 0);
        store.write(|write| Ok(write.open_table(NUMBERS)?.insert(2, 2)?.is_none())).await.unwrap();
        assert_eq!(count(&store), 1);
        store.close().await;
    }
}
