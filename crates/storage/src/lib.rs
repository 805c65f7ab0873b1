//! Files: the Nhost storage API (`/v1/storage`) over an object store, described by the table `storage.files`, for whom
//! GraphQL's permissions on that table let.
//!
//! It is not: a judge of who may do what (it asks a [`Gate`], which is the GraphQL engine), nor a place that holds bytes
//! in memory; everything streams.
//!
//! # A tour
//!
//! - [`store`]: the bytes. One [`Store`] over opendal: a folder, S3 (MinIO, B2), Google or Azure. An object appears
//!   whole under its key or not at all; a key is written once and never overwritten.
//! - [`files`]: what can be done with a file, for every protocol alike. [`Files::stage`] takes bytes in and gives
//!   [`Staged`] ones, which [`Files::insert`] makes a new file of, or [`Files::replace`] an old file's new content;
//!   [`Files::get`], [`Files::open`] and [`Files::remove`] do what they say, as a [`Caller`].
//! - `files::journal`: the table `storage.objects`, which says what each object is for. It is written before and after
//!   each step, so that what a crash has left behind is finished or removed at the next start (`files::sweep`).
//! - [`gate`]: what the service asks GraphQL. [`Failure`]: what a client is told.
//! - `http`: the Nhost endpoints. One table, [`ROUTES`], says who may call what. `presign` signs URLs, `form` reads
//!   multipart bodies, `conditional` the headers of caches.
//! - `s3`: the same files for clients of S3. `uploads`: uploads that come in pieces.
//! - `images`: pictures made smaller or into another format while they are downloaded.
//! - `schema`: the tables, as Nhost's own service makes them, so that its databases are taken over as they are.
//!
//! The order of an upload: a journal row, the bytes under a new key, a row in `storage.files` that is not uploaded yet
//! (inserted as the caller, which is the permission), then, in one transaction, the row that is uploaded and the journal
//! row that is kept. A replacement writes its bytes under another key; the moment in which the row's `etag` changes is
//! the moment in which the file has its new content.
//!
//! Key types: [`Options`] → [`Service`] → [`Handle`] → [`Error`].
//!
//! ```no_run
//! # async fn example(pool: postgres::Pool, gate: std::sync::Arc<dyn storage::Gate>) -> Result<(), storage::Error> {
//! let store = storage::Store::open(&storage::Backend::folder("/srv/shop/storage"))?;
//! let key = project::Secret::new("a-long-random-text".to_owned());
//! let handle = storage::Service::start(storage::Options::new(pool, store, gate, key)).await?;
//! let _router: axum::Router = handle.router();
//! # Ok(())
//! # }
//! ```

mod error;
mod failure;
pub mod files;
pub mod gate;
mod http;
mod images;
mod mime;
mod presign;
mod s3;
mod scan;
mod schema;
mod service;
pub mod store;
mod uploads;

pub use error::{CODES, Error};
pub use failure::Failure;
pub use files::{File, Files, Staged, Staging};
pub use gate::{Caller, Gate, Refusal};
pub use http::{Policy, ROUTES, Route};
pub use s3::S3Keys;
pub use scan::Scanner;
pub use service::{Handle, Options, Service};
pub use store::{Backend, Store};
