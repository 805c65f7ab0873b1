use std::path::PathBuf;

use serde::Serialize;

use super::{Seeds, files::number};
use crate::{
    Error,
    migrate::{Created, names, slug, write_new},
};

/// The folders that `seed init` made; those that were there are left out.
#[derive(Debug, Clone, Serialize)]
pub struct Initialised {
    pub created: Vec<PathBuf>,
}

/// Creates the seed folders: `common` and one for each environment. Safe to repeat.
pub fn init(seeds: &Seeds) -> Result<Initialised, Error> {
    let mut created = Vec::new();
    for name in ["common", "local", "staging", "production"] {
        let folder = seeds.directory().join(name);
        if folder.is_dir() {
            continue;
        }
        std::fs::create_dir_all(&folder).map_err(|source| Error::Io { file: folder.clone(), source })?;
        // git keeps no empty folder.
        write_new(&folder.join(".gitkeep"), "")?;
        created.push(folder);
    }
    Ok(Initialised { created })
}

/// Writes a seed file to fill in, `NNN_name.sql` with the folder's next number: in `common/`, or in the environment's own
/// folder.
pub fn create(seeds: &Seeds, name: &str, common: bool) -> Result<Created, Error> {
    let name = slug(name)?;
    let file = next_file(seeds, &name, common)?;
    write_new(&file, &include_str!("template.sql").replace("{title}", &name.replace('_', " ")))?;
    Ok(Created { file })
}

/// Writes a seed that was made: as [`create`] where there is no `output`, which must not exist.
pub fn save(seeds: &Seeds, name: &str, common: bool, output: Option<PathBuf>, sql: &str) -> Result<Created, Error> {
    let file = match output {
        Some(file) => file,
        None => next_file(seeds, &slug(name)?, common)?,
    };
    write_new(&file, sql)?;
    Ok(Created { file })
}

/// `NNN_name.sql` with the folder's next number.
fn next_file(seeds: &Seeds, name: &str, common: bool) -> Result<PathBuf, Error> {
    let folder = if common { seeds.directory().join("common") } else { seeds.own_folder() };
    std::fs::create_dir_all(&folder).map_err(|source| Error::Io { file: folder.clone(), source })?;
    let last = names(&folder)?.iter().filter_map(|name| number(name)).max().unwrap_or(0);
    Ok(folder.join(format!("{:03}_{name}.sql", last + 1)))
}
