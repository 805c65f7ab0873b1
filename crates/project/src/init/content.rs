//! What stands in the files of a new project.

use std::path::{Path, PathBuf};

use super::{Existing, Options, Planned};
use crate::{EnvName, Error, Settings, catalogue, dotenv, files, secrets};

include!(concat!(env!("OUT_DIR"), "/demo.rs"));

/// Settings of the demo, merged into its `.env` and not written as a file.
const DEMO_SETTINGS: &str = "settings.env";

macro_rules! basic {
    ($name:literal) => {
        include_str!(concat!("../../../../assets/starters/basic/", $name))
    };
}

/// The files of a project in the order of writing.
pub(super) struct Plan {
    pub project: String,
    pub files: Vec<Planned>,
    pub secrets: Vec<String>,
}

pub(super) fn plan(root: &Path, options: &Options) -> Result<Plan, Error> {
    let ignored = files::read_optional(&root.join(".gitignore"))?.unwrap_or_default();
    // The ignore file comes first, so that no secret ever lies where git would take it.
    let mut planned = vec![extend(".gitignore", &merge_ignored(&ignored))];
    planned.push(keep(".env.example", &catalogue::example()));
    planned.push(keep(crate::toml::FILE, basic!("nself.toml")));
    if options.full {
        planned.push(keep(".env.dev", basic!("env-dev.env")));
        planned.push(keep(".env.staging", basic!("env-staging.env")));
        planned.push(keep(".env.prod", basic!("env-prod.env")));
        planned.push(keep("schema.dbml", basic!("schema.dbml")));
    }
    if options.demo {
        let files = DEMO.iter().filter(|(name, _)| *name != DEMO_SETTINGS);
        planned.extend(files.map(|(name, content)| Planned {
            path: PathBuf::from(name),
            content: content.to_vec(),
            mode: files::PUBLIC,
            existing: Existing::Keep,
        }));
    }
    if options.full {
        planned.push(Planned { mode: files::PRIVATE, ..keep(".env.secrets", basic!("env-secrets.env")) });
    }
    let existing = files::read_optional(&root.join(".env"))?;
    let (text, project, secrets) = match existing {
        Some(text) if !options.force => {
            let name = last(&text, "PROJECT_NAME").unwrap_or_else(|| default_name(root));
            (text, name, Vec::new())
        }
        old => environment(root, options, &old.unwrap_or_default())?,
    };
    planned.push(Planned { mode: files::PRIVATE, ..keep(".env", &text) });
    Ok(Plan { project, files: planned, secrets })
}

/// The text of `.env`, the project's name and the names of the secrets made for it. Secrets of the `.env` that was there
/// go on: the database knows them.
fn environment(root: &Path, options: &Options, old: &str) -> Result<(String, String, Vec<String>), Error> {
    let mut text = basic!("env.env").to_owned();
    let demo = DEMO.iter().find(|(name, _)| *name == DEMO_SETTINGS).filter(|_| options.demo);
    match demo {
        Some((_, settings)) => {
            text.push('\n');
            text.push_str(&String::from_utf8_lossy(settings));
        }
        None => {
            text = dotenv::set(&text, "PROJECT_NAME", &default_name(root));
            text = dotenv::set(&text, "BASE_DOMAIN", "localhost");
        }
    }
    for (name, value) in &options.settings {
        if let Some(setting) = catalogue::find(name).filter(|_| !value.is_empty()) {
            let wrong = |reason| Error::WrongValue { name: name.clone(), reason };
            setting.kind.check(value).map_err(wrong)?;
        }
        text = dotenv::set(&text, name, value);
    }
    let pairs = pairs(&text);
    let project = pairs.iter().rev().find(|(name, _)| name == "PROJECT_NAME").map(|(_, value)| value.clone());
    let settings = Settings::from_pairs(EnvName::dev(), pairs)?;
    let before = dotenv::parse(old).entries;
    let mut made = Vec::new();
    text.push_str("\n# Made by nself init for this machine alone.\n");
    for status in secrets::list(&settings).into_iter().filter(|status| status.state == secrets::State::Missing) {
        let carried = before.iter().rev().find(|entry| catalogue::canonical(&entry.name) == status.name);
        if let Some(entry) = carried.filter(|entry| !entry.value.is_empty()) {
            text = dotenv::set_source(&text, &status.name, &dotenv::source(&entry.value));
        } else {
            text = dotenv::set(&text, &status.name, secrets::generate()?.expose());
            made.push(status.name);
        }
    }
    Ok((text, project.unwrap_or_else(|| default_name(root)), made))
}

fn pairs(text: &str) -> Vec<(String, String)> {
    let entries = dotenv::parse(text).entries;
    entries.into_iter().map(|entry| (entry.name, dotenv::plain(&entry.value))).collect()
}

fn last(text: &str, name: &str) -> Option<String> {
    pairs(text).into_iter().rev().find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value)
}

/// The folder's name as a project's name; `myproject` when nothing of it can be used.
pub fn default_name(root: &Path) -> String {
    let folder = root.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
    let clean: String = folder.chars().map(|c| if c.is_ascii_alphanumeric() || c == '_' { c } else { '-' }).collect();
    let name: String = clean.trim_matches(['-', '_']).chars().take(40).collect();
    let name = name.trim_end_matches(['-', '_']);
    if name.is_empty() { "myproject".to_owned() } else { name.to_owned() }
}

/// The lines that are there, and ours that are missing.
fn merge_ignored(existing: &str) -> String {
    let have: Vec<&str> = existing.lines().map(str::trim).collect();
    let missing: Vec<&str> = basic!("gitignore").lines().filter(|line| !have.contains(line)).collect();
    let mut merged = existing.to_owned();
    if missing.is_empty() {
        return merged;
    }
    if !merged.is_empty() {
        if !merged.ends_with('\n') {
            merged.push('\n');
        }
        merged.push('\n');
    }
    merged.push_str("# nself\n");
    for line in missing {
        merged.push_str(line);
        merged.push('\n');
    }
    merged
}

fn keep(path: &str, content: &str) -> Planned {
    Planned { path: PathBuf::from(path), content: content.into(), mode: files::PUBLIC, existing: Existing::Keep }
}

fn extend(path: &str, content: &str) -> Planned {
    Planned { existing: Existing::Extend, ..keep(path, content) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_become_names() {
        for (folder, name) in [
            ("/x/My Shop", "my-shop"),
            ("/x/shop_2", "shop_2"),
            ("/x/..-", "myproject"),
            ("/", "myproject"),
            ("/x/日本", "myproject"),
            ("/x/-a-", "a"),
        ] {
            assert_eq!(default_name(Path::new(folder)), name);
            assert!(crate::value::is_name(name));
        }
    }

    #[test]
    fn ignored_lines_are_added_once() {
        let first = merge_ignored("target/\n.env");
        assert!(first.starts_with("target/\n.env\n\n# nself\n.env.local\n"), "{first}");
        assert_eq!(merge_ignored(&first), first);
    }

    #[test]
    fn the_demo_holds_no_secret() {
        for (name, content) in DEMO {
            let text = String::from_utf8_lossy(content);
            if name.ends_with(".env") {
                let secret = dotenv::parse(&text).entries.into_iter().find(|entry| crate::is_secret(&entry.name));
                assert_eq!(secret, None, "{name}");
            }
        }
    }
}
