use std::path::PathBuf;

use project::{Diagnostic, Exit};

use super::Direction;

/// What can go wrong with migrations beyond their SQL.
#[derive(Debug, thiserror::Error)]
pub enum MigrationError {
    #[error("{file}:{line} was interrupted, and nothing shows whether it took effect")]
    Unclear { id: String, file: PathBuf, line: usize },
    #[error("{file}:{line} {problem}")]
    Block { file: PathBuf, line: usize, problem: &'static str },
    #[error("migration {id} was interrupted while it was {}", .direction.doing())]
    OtherWay { id: String, direction: Direction },
    #[error("{file}:{line} took effect in other words, and was edited since")]
    Rewritten { id: String, file: PathBuf, line: usize },
    #[error("the data was not saved, so nothing was changed")]
    Backup { problem: String },
    #[error("these migrations cannot become one")]
    Squash { problem: String },
    #[error("this database has only a part of what {id} replaces")]
    PartlyReplaced { id: String, file: PathBuf, has: Vec<String>, lacks: Vec<String> },
    #[error("the schema cannot be written as a first migration")]
    Baseline { problem: String },
}

impl Diagnostic for MigrationError {
    fn code(&self) -> &'static str {
        match self {
            Self::Unclear { .. } => "NS-DB-030",
            Self::Block { .. } => "NS-DB-031",
            Self::OtherWay { .. } => "NS-DB-032",
            Self::Rewritten { .. } => "NS-DB-033",
            Self::Backup { .. } => "NS-DB-034",
            Self::Squash { .. } => "NS-DB-035",
            Self::PartlyReplaced { .. } => "NS-DB-036",
            Self::Baseline { .. } => "NS-DB-037",
        }
    }

    fn why(&self) -> Option<String> {
        Some(match self {
            Self::Unclear { .. } => {
                "it runs outside a transaction, and the process ended before its end was noted".to_owned()
            }
            Self::Block { .. } => {
                "a file that runs outside a transaction may hold blocks from BEGIN to COMMIT, each complete".to_owned()
            }
            Self::OtherWay { direction, .. } => {
                format!("it runs outside a transaction, and some of its statements are {}", direction.done())
            }
            Self::Rewritten { .. } => {
                "the migration stopped half-way; statements that took effect cannot be changed any more".to_owned()
            }
            Self::Backup { problem } | Self::Squash { problem } | Self::Baseline { problem } => problem.clone(),
            Self::PartlyReplaced { has, lacks, .. } => {
                format!("it has {}, it lacks {}", has.join(", "), lacks.join(", "))
            }
        })
    }

    fn fix(&self) -> Option<String> {
        Some(match self {
            Self::Unclear { id, .. } => format!(
                "look into the database; when it took effect: nself db migrate:repair {id} --done\nwhen it did not: nself \
                 db migrate:repair {id} --again\nthen run the same command again"
            ),
            Self::Block { .. } => {
                "put BEGIN before and COMMIT behind what belongs together, or leave both out".to_owned()
            }
            Self::OtherWay { direction: Direction::Up, .. } => "finish it first: nself db migrate".to_owned(),
            Self::OtherWay { direction: Direction::Down, .. } => {
                "finish it first: nself db migrate:rollback".to_owned()
            }
            Self::Rewritten { id, file, .. } => format!(
                "bring the statement back as it was in {}; only those behind it can still change\nor finish by hand and \
                 say so: nself db migrate:repair {id} --applied",
                file.display()
            ),
            Self::Backup { .. } => "mend that, or go on without a copy: --no-backup".to_owned(),
            Self::Squash { .. } => "nself db migrate:status shows the migrations and their versions".to_owned(),
            Self::PartlyReplaced { lacks, .. } => format!(
                "bring back the files of {} (git log --diff-filter=D), apply them, then take the squashed one again",
                lacks.join(", ")
            ),
            Self::Baseline { .. } => {
                "record the migrations that are there: nself db migrate:baseline\nnself doctor shows which PostgreSQL is found"
                    .to_owned()
            }
        })
    }

    fn exit(&self) -> Exit {
        match self {
            Self::Squash { .. } => Exit::Usage,
            _ => Exit::Failed,
        }
    }
}

/// One of each, for the test that holds codes and pages together.
#[cfg(test)]
pub(crate) fn samples() -> Vec<MigrationError> {
    let (id, file, problem) = (|| "001_a".to_owned(), || PathBuf::from("001_a.sql"), || "no".to_owned());
    vec![
        MigrationError::Unclear { id: id(), file: file(), line: 1 },
        MigrationError::Block { file: file(), line: 1, problem: "ends nothing" },
        MigrationError::OtherWay { id: id(), direction: Direction::Down },
        MigrationError::Rewritten { id: id(), file: file(), line: 1 },
        MigrationError::Backup { problem: problem() },
        MigrationError::Squash { problem: problem() },
        MigrationError::PartlyReplaced { id: id(), file: file(), has: vec![id()], lacks: vec![id()] },
        MigrationError::Baseline { problem: problem() },
    ]
}
