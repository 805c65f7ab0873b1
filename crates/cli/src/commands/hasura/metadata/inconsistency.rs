use clap::Subcommand;
use serde::Serialize;
use serde_json::{Value, json};
use terminal::{Page, Style, View};

use crate::commands::db::consent::Consent;
use crate::commands::db::count;
use crate::commands::hasura::engine::{Engine, Which};
use crate::{Context, Outcome};

/// List or drop what in the metadata fits the database no more
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself hasura metadata inconsistency list\n  nself hasura metadata inconsistency drop"
)]
pub struct Args {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    List(ListArgs),
    Drop(DropArgs),
}

/// List what the engine has left out, and why
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata inconsistency list\n  nself hasura metadata inconsistency list --json"
)]
struct ListArgs {
    #[command(flatten)]
    which: Which,
}

/// Take what the engine has left out out of the metadata too
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself hasura metadata inconsistency drop\n  nself hasura metadata inconsistency drop --confirm shop --i-know-this-is-production"
)]
struct DropArgs {
    #[command(flatten)]
    consent: Consent,
    #[command(flatten)]
    which: Which,
}

/// What the engine says of its metadata.
#[derive(Debug, Serialize)]
pub struct Inconsistencies {
    pub is_consistent: bool,
    #[serde(rename = "inconsistent_objects")]
    pub objects: Vec<Value>,
}

impl View for Inconsistencies {
    fn text(&self, page: &mut Page) {
        if self.is_consistent {
            page.styled(Style::Good, "The metadata is consistent.");
            return;
        }
        for object in &self.objects {
            let text = |key: &str| object[key].as_str().unwrap_or_default().to_owned();
            // The engine's names begin with the kind.
            let (kind, name) = (text("type"), text("name"));
            let name = name.strip_prefix(&kind).map_or(&*name, str::trim_start);
            page.line(format!("{} {name}", page.paint(Style::Bad, &kind)));
            page.line(format!("    {}", text("reason")));
        }
        page.blank();
        let verb = if self.objects.len() == 1 { "is" } else { "are" };
        page.line(format!("{} of the metadata {verb} left out of the API.", count(self.objects.len(), "object")));
        page.next(&[
            ("look again once it is mended", "nself hasura metadata reload"),
            ("or forget these objects", "nself hasura metadata inconsistency drop"),
        ]);
    }

    fn exit(&self) -> project::Exit {
        if self.is_consistent { project::Exit::Ok } else { project::Exit::Unhealthy }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.verb {
        Verb::List(args) => {
            let engine = Engine::new(cx, &args.which)?;
            Ok(Box::new(super::apply::of(&engine.metadata("get_inconsistent_metadata", &json!({}))?)))
        }
        Verb::Drop(args) => {
            let settings = cx.settings()?;
            args.consent.destructive(cx, &settings)?;
            let engine = Engine::new(cx, &args.which)?;
            engine.metadata("drop_inconsistent_metadata", &json!({}))?;
            Ok(Box::new(super::apply::of(&engine.metadata("get_inconsistent_metadata", &json!({}))?)))
        }
    }
}
