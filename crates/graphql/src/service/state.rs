//! What is served, and from what its model is built.

use std::sync::Arc;

use metadata::Metadata;
use postgres::catalog::Catalog;

use crate::api::Auto;
use crate::cache::PlanCache;
use crate::foreign::Introspections;
use crate::http::Surface;
use crate::model::{AutoTrack, Extras, Inconsistency, Model, Table};
use crate::store::{Damage, Enums};
use crate::{Options, checks};

/// What one catalog and one version of the metadata give. A request keeps the one it began with.
#[derive(Debug, Default)]
pub(crate) struct State {
    /// Every schema that is not the system's.
    pub catalog: Arc<Catalog>,
    pub metadata: Arc<Metadata>,
    pub resource_version: i64,
    pub auto: Auto,
    pub damage: Arc<Damage>,
    /// What the enum tables hold.
    pub enums: Arc<Enums>,
    /// What the remote schemas said of themselves.
    pub introspections: Arc<Introspections>,
    pub model: Arc<Model>,
    pub surface: Arc<Surface>,
    pub cache: PlanCache,
}

impl State {
    /// What it was built from.
    pub fn basis(&self) -> Basis {
        Basis {
            catalog: Arc::clone(&self.catalog),
            metadata: Arc::clone(&self.metadata),
            auto: self.auto.clone(),
            damage: Arc::clone(&self.damage),
            enums: Arc::clone(&self.enums),
            introspections: Arc::clone(&self.introspections),
        }
    }
}

impl State {
    /// Tables that are tracked by themselves and give way to another with their name.
    pub fn renamed(&self) -> impl Iterator<Item = &Table> {
        let named = self.metadata.source(crate::api::SOURCE);
        let is_named = move |table: &Table| named.is_some_and(|source| source.table(&table.qualified()).is_some());
        self.model.tables.iter().map(AsRef::as_ref).filter(move |table| table.given && !is_named(table))
    }
}

/// What a model is built from.
#[derive(Debug, Clone)]
pub(crate) struct Basis {
    pub catalog: Arc<Catalog>,
    pub metadata: Arc<Metadata>,
    pub auto: Auto,
    pub damage: Arc<Damage>,
    pub enums: Arc<Enums>,
    pub introspections: Arc<Introspections>,
}

impl Basis {
    /// The model, as [`Model::following`] builds it from the one `before`.
    pub fn build(&self, before: Option<&Model>, options: &Options) -> Model {
        let auto = &self.auto;
        let extras = Extras {
            auto: auto.on.then(|| AutoTrack { schemas: options.schemas.clone(), hidden: auto.hidden.clone() }),
            enums: Enums::clone(&self.enums),
            stringify_numeric: options.stringify_numeric,
            infer_function_permissions: options.infer_function_permissions,
            remote_schema_permissions: options.remote_schema_permissions,
            introspections: Introspections::clone(&self.introspections),
            naming_convention: options.naming_convention,
        };
        let model = Arc::new(Model::following(before, &self.catalog, &self.metadata, extras));
        let found = checks::find(&self.metadata, &model);
        let mut model = Arc::into_inner(model).expect("the schema that was checked with is gone");
        model.inconsistencies.extend(found);
        model.inconsistencies.extend(self.damage.parts().map(Inconsistency::of_unreadable));
        model
    }

    /// What is served of `model`, which was built from this.
    pub fn state(self, model: Arc<Model>, resource_version: i64) -> State {
        let Self { catalog, metadata, auto, damage, enums, introspections } = self;
        let (surface, cache) = (Arc::new(Surface::new(&metadata)), PlanCache::default());
        State { catalog, metadata, resource_version, auto, damage, enums, introspections, model, surface, cache }
    }
}
