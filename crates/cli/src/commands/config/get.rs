use project::{Exit, Origin, catalogue};
use serde::Serialize;
use terminal::{Page, View};

use crate::{Context, Error, Outcome};

/// Print one value
///
/// The value alone, for scripts. A setting that has none prints nothing and ends with exit code 1.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself config get POSTGRES_PORT\n  nself config get HASURA_GRAPHQL_ADMIN_SECRET --reveal\n  nself config get BASE_DOMAIN --env prod"
)]
pub struct Args {
    name: String,
    /// Print a secret
    #[arg(long)]
    reveal: bool,
}

#[derive(Debug, Serialize)]
struct GetReport {
    name: String,
    value: Option<String>,
    origin: Option<Origin>,
}

impl View for GetReport {
    fn text(&self, page: &mut Page) {
        if let Some(value) = &self.value {
            page.line(value);
        }
    }

    fn exit(&self) -> Exit {
        if self.value.is_some() { Exit::Ok } else { Exit::Failed }
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let settings = cx.project()?.inspect(cx.env.as_deref())?.settings;
    let name = catalogue::canonical(&args.name).to_owned();
    let known = catalogue::find(&name).is_some();
    let own = settings.set_values().find(|(own, value, _)| *own == name && (!known || !value.is_empty()));
    let (value, origin) = match own {
        Some((_, value, origin)) => (Some(value.to_owned()), Some(origin.clone())),
        None if known => (settings.text(&name).map(str::to_owned), Some(Origin::Default)),
        None => {
            let suggestion = catalogue::suggest(&args.name).map(str::to_owned);
            return Err(project::Error::UnknownSetting { name: args.name, suggestion }.into());
        }
    };
    if !args.reveal && value.as_ref().is_some_and(|value| settings.shown(&name, value) != *value) {
        let holds = if project::is_secret(&name) { "is" } else { "holds" };
        return Err(Error::Usage {
            message: format!("{} {holds} a secret", args.name),
            fix: format!("nself config get {} --reveal", args.name),
        }
        .into());
    }
    Ok(Box::new(GetReport { name: args.name, origin: origin.filter(|_| value.is_some()), value }))
}
