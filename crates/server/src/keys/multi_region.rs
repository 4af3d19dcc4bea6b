//! Multi-Region keys: one key id and one material in several Regions, each copy a key of its own, one of them the primary.
//!
//! Rule: "Multi-Region keys in AWS KMS" of the developer guide. Not here: carrying material across (the keeper's), and who
//! may ask for it.
//! Invariants: every copy of a set says the same of the set and of what is shared, because one transaction changes all of
//! them; the primary alone is in the schedule of rotations; material crosses only sealed, and imported material not at all.

use std::{collections::BTreeSet, sync::Arc};

use kanuki_store::Transaction;
use kanuki_types::{KeyArn, KeyState, MaterialId, Origin, Random, Region, Timestamp};
use serde::{Deserialize, Serialize};

use super::{
    Keys,
    entry::{KeyEntry, sealed_material},
    import::{Imported, settle_state},
    record::{Deletions, KeyRecord, Material, SealedBlob, key_key},
    rotation::{Rotated, RotationSchedule},
};
use crate::{
    authz::Proof,
    error::{ApiError, ErrorCode},
    operation::ServiceEvent,
};

/// The set that a multi-Region key belongs to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MultiRegion {
    /// The Region of the primary key.
    pub primary: Region,
    /// The Regions of the replica keys.
    #[serde(default)]
    pub replicas: BTreeSet<Region>,
}

/// What a copy is in its set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Role {
    /// The one whose shared properties can be changed.
    #[serde(rename = "PRIMARY")]
    Primary,
    /// One that follows it.
    #[serde(rename = "REPLICA")]
    Replica,
}

impl Role {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Primary => "PRIMARY",
            Self::Replica => "REPLICA",
        }
    }
}

impl MultiRegion {
    /// The set of a key that was just made: it alone.
    #[must_use]
    pub fn of_new_key(arn: &KeyArn) -> Option<Self> {
        arn.key_id.is_multi_region().then(|| Self { primary: arn.region.clone(), replicas: BTreeSet::new() })
    }

    /// What the copy in a Region is.
    #[must_use]
    pub fn role(&self, region: &Region) -> Role {
        if self.primary == *region { Role::Primary } else { Role::Replica }
    }

    /// The Regions of every copy, the primary's first.
    pub fn regions(&self) -> impl Iterator<Item = &Region> {
        std::iter::once(&self.primary).chain(&self.replicas)
    }

    /// The set with one more replica.
    #[must_use]
    pub fn with(&self, replica: &Region) -> Self {
        let mut set = self.clone();
        set.replicas.insert(replica.clone());
        set
    }

    /// The set with one replica less.
    #[must_use]
    pub fn without(&self, replica: &Region) -> Self {
        let mut set = self.clone();
        set.replicas.remove(replica);
        set
    }

    /// The set with one of its replicas in the primary's place.
    #[must_use]
    pub fn led_from(&self, replica: &Region) -> Self {
        let mut replicas = self.replicas.clone();
        replicas.remove(replica);
        replicas.insert(self.primary.clone());
        Self { primary: replica.clone(), replicas }
    }
}

impl KeyRecord {
    /// What the copy with that ARN is in its set; none of a single-Region key.
    #[must_use]
    pub fn role(&self, arn: &KeyArn) -> Option<Role> {
        self.multi_region.as_ref().map(|set| set.role(&arn.region))
    }
}

impl Keys {
    /// Every other copy of a key.
    ///
    /// A copy that is gone is left out: then the set has changed since the key was read, and a change that depends on the
    /// key as it was read will not be committed.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn other_copies(&self, key: &KeyEntry) -> Result<Vec<Arc<KeyEntry>>, ApiError> {
        let arn = key.arn();
        let regions = key.record().multi_region.iter().flat_map(MultiRegion::regions);
        let mut copies = Vec::new();
        for region in regions.filter(|region| **region != arn.region) {
            copies.extend(self.get(&KeyArn { region: region.clone(), ..arn.clone() }).await?);
        }
        Ok(copies)
    }

    /// The material of a primary key, as a new replica in a Region begins with it.
    ///
    /// # Errors
    /// If the key was not authorized, or if the keeper fails.
    pub async fn replicated_materials(
        &self,
        proof: &Proof,
        primary: &KeyEntry,
        region: &Region,
    ) -> Result<Vec<Material>, ApiError> {
        proof.covers(primary.arn())?;
        let mut materials = Vec::new();
        for material in &primary.record().materials {
            materials.push(self.material_for((primary.arn(), primary.record()), material, region).await?);
        }
        Ok(materials)
    }

    /// Brings what is shared in other copies in line with the changed record of the primary; answers whether anything
    /// was not.
    ///
    /// # Errors
    /// If store or keeper fail.
    pub async fn synchronise(
        &self,
        change: &mut Transaction,
        primary: (&KeyArn, &KeyRecord),
        copies: &[Arc<KeyEntry>],
    ) -> Result<bool, ApiError> {
        let mut any = false;
        for copy in copies {
            if Shared::of(primary.1) == Shared::of(copy.record()) {
                continue;
            }
            any = true;
            let record = self.following(primary, copy).await?;
            self.reschedule_expiries(change, copy, Some(&record)).await?;
            copy.update(change, &record);
        }
        Ok(any)
    }

    /// Brings the replicas in line with the changed record of a key, if that is a primary; answers the event that tells of
    /// it, if anything was to be copied.
    ///
    /// # Errors
    /// As [`Keys::synchronise`].
    pub async fn synchronise_replicas(
        &self,
        change: &mut Transaction,
        key: &KeyEntry,
        record: &KeyRecord,
        random: &dyn Random,
    ) -> Result<Option<ServiceEvent>, ApiError> {
        if record.role(key.arn()) != Some(Role::Primary) {
            return Ok(None);
        }
        let copies = self.other_copies(key).await?;
        let any = self.synchronise(change, (key.arn(), record), &copies).await?;
        Ok(any.then(|| synchronisation(key.arn(), random)))
    }

    /// Takes a replica that is being deleted out of its set. With the last one gone, a primary that waited for that begins
    /// its own waiting period.
    ///
    /// # Errors
    /// If store or keeper fail.
    pub async fn leave_set(
        &self,
        change: &mut Transaction,
        replica: &KeyEntry,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let Some(set) = replica.record().multi_region.as_ref() else { return Ok(()) };
        let copies = self.other_copies(replica).await?;
        let (primary, others): (Vec<_>, Vec<_>) = copies.into_iter().partition(|copy| copy.arn().region == set.primary);
        let [primary] = primary.as_slice() else { return Ok(()) };
        let left = set.without(&replica.arn().region);
        let mut record = primary.record().clone();
        if left.replicas.is_empty() && record.state == KeyState::PendingReplicaDeletion {
            let window_days = record.pending_window_days.take().unwrap_or_default();
            schedule_deletion(change, primary.arn(), &mut record, now.plus_seconds(window_days * SECONDS_PER_DAY));
        }
        record.multi_region = Some(left);
        primary.update(change, &record);
        self.synchronise(change, (primary.arn(), &record), &others).await?;
        Ok(())
    }

    /// Whether the imported material that waits for its rotation is in every copy of a key.
    ///
    /// # Errors
    /// If the store fails or refuses a record.
    pub async fn is_pending_everywhere(&self, key: &KeyEntry) -> Result<bool, ApiError> {
        let Some(id) = key.record().pending_material else { return Ok(false) };
        let copies = self.other_copies(key).await?;
        Ok(copies.iter().map(|copy| &**copy).chain([key]).all(|copy| copy.material(&id).is_some()))
    }

    /// A copy's record with everything shared as the primary's record has it.
    async fn following(&self, primary: (&KeyArn, &KeyRecord), copy: &KeyEntry) -> Result<KeyRecord, ApiError> {
        let source = primary.1;
        let mut record = copy.record().clone();
        record.multi_region.clone_from(&source.multi_region);
        record.rotation = source.rotation;
        record.on_demand_rotations = source.on_demand_rotations;
        record.current_material = source.current_material;
        record.pending_material = source.pending_material;
        let mut own = std::mem::take(&mut record.materials);
        for material in &source.materials {
            let held = own.iter().position(|held| held.id == material.id).map(|place| own.swap_remove(place));
            record.materials.push(match held {
                Some(held) => {
                    Material { rotated: material.rotated, imported: described(material, held.imported), ..held }
                }
                None => self.material_for(primary, material, &copy.arn().region).await?,
            });
        }
        settle_state(&mut record);
        Ok(record)
    }

    /// A version of the primary's material for a copy that does not have it: sealed for its Region, or, of an imported
    /// one, everything but the bytes, which have to be imported there.
    async fn material_for(
        &self,
        primary: (&KeyArn, &KeyRecord),
        material: &Material,
        region: &Region,
    ) -> Result<Material, ApiError> {
        let (arn, record) = primary;
        if record.origin == Origin::External {
            let imported = described(material, Some(Imported { description: None, valid_to: None }));
            return Ok(Material { sealed: None, public_key: None, imported, ..material.clone() });
        }
        let original = sealed_material(arn, record.spec, material);
        let original = original.ok_or_else(|| ApiError::internal(format!("{arn} lacks material of its own")))?;
        let sealed = Some(SealedBlob(self.keeper.reseal_material(original, region).await?));
        Ok(Material { sealed, ..material.clone() })
    }
}

/// What all copies of a key have in common. Rule: "Shared properties" of multi-Region keys in the developer guide.
#[derive(PartialEq)]
struct Shared<'a> {
    set: Option<&'a MultiRegion>,
    rotation: Option<RotationSchedule>,
    on_demand_rotations: u32,
    current: Option<MaterialId>,
    pending: Option<MaterialId>,
    materials: Vec<(MaterialId, Option<Rotated>, Option<&'a str>)>,
}

impl<'a> Shared<'a> {
    fn of(record: &'a KeyRecord) -> Self {
        let described = |material: &'a Material| material.imported.as_ref()?.description.as_deref();
        let materials = record.materials.iter();
        Self {
            set: record.multi_region.as_ref(),
            rotation: record.rotation,
            on_demand_rotations: record.on_demand_rotations,
            current: record.current_material,
            pending: record.pending_material,
            materials: materials.map(|material| (material.id, material.rotated, described(material))).collect(),
        }
    }
}

/// What a copy's imported material has, with the description that the primary's has.
fn described(primary: &Material, own: Option<Imported>) -> Option<Imported> {
    let description = primary.imported.as_ref().and_then(|imported| imported.description.clone());
    own.map(|own| Imported { description, ..own })
}

/// Begins the waiting period of a key that ends at an instant.
pub fn schedule_deletion(change: &mut Transaction, arn: &KeyArn, record: &mut KeyRecord, due: Timestamp) {
    let (account, region, key_id) = key_key(arn);
    record.state = KeyState::PendingDeletion;
    record.deletion_date = Some(due);
    change.create::<Deletions>(&(due, account, region, key_id), &());
}

/// The event of shared properties having been copied; it names the primary key alone.
///
/// Rule: "`SynchronizeMultiRegionKey`" of the developer guide's trail examples.
#[must_use]
pub fn synchronisation(primary: &KeyArn, random: &dyn Random) -> ServiceEvent {
    ServiceEvent::call("SynchronizeMultiRegionKey", primary.clone(), random)
}

/// Checks that a key is the primary key of a set.
///
/// # Errors
/// `UnsupportedOperationException`.
pub fn check_primary(key: &KeyEntry) -> Result<(), ApiError> {
    match key.record().role(key.arn()) {
        Some(Role::Primary) => Ok(()),
        Some(Role::Replica) | None => Err(not_primary(key.arn())),
    }
}

/// Checks that what is shared may be changed at a key: at every one but a replica.
///
/// # Errors
/// `UnsupportedOperationException`.
pub fn check_not_replica(key: &KeyEntry) -> Result<(), ApiError> {
    if key.record().role(key.arn()) == Some(Role::Replica) { Err(not_primary(key.arn())) } else { Ok(()) }
}

/// The refusal of what only a primary key does.
pub fn not_primary(arn: &KeyArn) -> ApiError {
    ApiError::new(ErrorCode::UnsupportedOperation, format!("{arn} is not a multi-region primary key."))
}

/// Most keys of a set: a change of all of them, with its records, must fit into one transaction.
pub const COPIES_MAX: usize = 32;
const SECONDS_PER_DAY: i64 = 86_400;
