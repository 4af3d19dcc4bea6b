//! A reader that follows a writer sees every record once, in order, and into new segments.

use std::thread;

use kanuki_trail::{ReadFrom, read};

use crate::format::{append, id, open, payload};

#[test]
fn follows_into_new_segments() {
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    let mut all = read(directory.path(), ReadFrom::Start).unwrap();
    let mut coming = read(directory.path(), ReadFrom::Last(0)).unwrap();
    let mut later = read(directory.path(), ReadFrom::Sequence(5)).unwrap();
    assert!(all.poll_next().unwrap().is_none());
    for round in 0..12 {
        let positions = append(&trail, &[900, 10, 2000]);
        for position in positions {
            let (found, event_id, record) = all.poll_next().unwrap().unwrap();
            assert_eq!((found, event_id), (position, id(position.sequence)));
            assert_eq!(record, payload(position.sequence, record.len()));
            assert_eq!(coming.poll_next().unwrap().unwrap().0, position);
            if position.sequence >= 5 {
                assert_eq!(later.poll_next().unwrap().unwrap().0, position);
            }
        }
        for reader in [&mut all, &mut coming, &mut later] {
            assert!(reader.poll_next().unwrap().is_none(), "round {round}");
            assert!(reader.next().is_none());
        }
    }
    let mut late = read(directory.path(), ReadFrom::Last(2)).unwrap();
    assert_eq!(late.next().unwrap().unwrap().0.sequence, 35);
}

#[test]
fn waits_for_a_trail_that_has_not_begun() {
    let directory = tempfile::tempdir().unwrap();
    let mut reader = read(directory.path(), ReadFrom::Last(3)).unwrap();
    assert!(reader.poll_next().unwrap().is_none());
    let trail = open(directory.path());
    append(&trail, &[5]);
    assert_eq!(reader.poll_next().unwrap().unwrap().0.sequence, 1);
    assert!(read(&directory.path().join("nowhere"), ReadFrom::Start).is_err());
}

/// The reader looks at places that are being written at the same moment.
#[test]
fn keeps_up_with_a_busy_writer() {
    const RECORDS: u64 = 3000;
    let directory = tempfile::tempdir().unwrap();
    let trail = open(directory.path());
    let reading = {
        let directory = directory.path().to_owned();
        thread::spawn(move || {
            let mut reader = read(&directory, ReadFrom::Start).unwrap();
            let mut seen = 0;
            while seen < RECORDS {
                match reader.poll_next().unwrap() {
                    Some((position, event_id, record)) => {
                        seen += 1;
                        assert_eq!((position.sequence, event_id), (seen, id(seen)));
                        assert_eq!(record, payload(seen, record.len()));
                    }
                    None => thread::yield_now(),
                }
            }
        })
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut number = 0;
        while number < RECORDS {
            let burst = 1 + number as usize % 40;
            let pending: Vec<_> = (0..burst.min((RECORDS - number) as usize))
                .map(|_| {
                    number += 1;
                    trail.append_nowait(id(number), payload(number, 1 + (number as usize * 7) % 1500)).unwrap()
                })
                .collect();
            for one in pending {
                one.await.unwrap();
            }
        }
    });
    reading.join().unwrap();
}
