//! Records of the store.

use kanuki_keeper_protocol::RECORDS_MAX;

use crate::playground::{options, ready, sealed};

fn pairs(count: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    (0..count).map(|n| (format!("keys/{n}").into_bytes(), vec![n.to_le_bytes()[0]; n % 300])).collect()
}

#[tokio::test]
async fn batches_round_trip_also_in_a_later_keeper() {
    let (client, keyring, folder) = ready().await;
    let later = sealed(options(folder.path())).await;
    later.unseal(keyring).await.unwrap();
    for count in [0, 1, 50, RECORDS_MAX + 10] {
        let pairs = pairs(count);
        let sealed = client.seal_records(pairs.clone()).await.unwrap();
        assert_eq!(sealed.len(), count);
        let places = pairs.iter().map(|(place, _)| place.clone()).zip(sealed).collect::<Vec<_>>();
        let plain: Vec<_> = pairs.into_iter().map(|(_, record)| Some(record)).collect();
        assert_eq!(client.open_records(places.clone()).await.unwrap(), plain);
        assert_eq!(later.open_records(places).await.unwrap(), plain);
    }
}

#[tokio::test]
async fn a_moved_or_edited_record_is_refused_alone() {
    let (client, _, _folder) = ready().await;
    let (stranger, _, _other_folder) = ready().await;
    let good = client.seal_records(vec![(b"keys/1/v1".to_vec(), b"record".to_vec())]).await.unwrap().remove(0);
    let foreign = stranger.seal_records(vec![(b"keys/1/v1".to_vec(), b"record".to_vec())]).await.unwrap().remove(0);
    let place = || b"keys/1/v1".to_vec();
    let mut batch = vec![
        (place(), good.clone()),
        (b"keys/1/v2".to_vec(), good.clone()),
        (b"keys/1/v".to_vec(), good.clone()),
        (b"".to_vec(), good.clone()),
        (place(), foreign),
        (place(), vec![]),
    ];
    for at in 0..good.len() {
        let mut changed = good.clone();
        changed[at] ^= 0x40;
        batch.push((place(), changed));
        batch.push((place(), good[..at].to_vec()));
    }
    batch.push((place(), good));
    let opened = client.open_records(batch).await.unwrap();
    assert_eq!(opened.first().unwrap().as_deref(), Some(b"record".as_slice()));
    assert_eq!(opened.last().unwrap().as_deref(), Some(b"record".as_slice()));
    assert_eq!(opened.iter().flatten().count(), 2);
}
