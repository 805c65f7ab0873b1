//! `nself auth users`: one verb a variant; those that only name a user are here.

use clap::Subcommand;
use serde::Serialize;
use terminal::{Page, View};

use super::{Users, create, list};
use crate::commands::db::consent::Consent;
use crate::{Context, Outcome};

/// List, make, disable and delete users
#[derive(Debug, clap::Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  nself auth users list\n  nself auth users create ann@example.com --generate-password\n  \
                  nself auth users set-roles ann@example.com user editor"
)]
pub struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    #[command(alias = "ls")]
    List(list::Args),
    Create(create::Args),
    /// Disable a user: its sessions end
    #[command(after_help = "Examples:\n  nself auth users disable ann@example.com")]
    Disable(Named),
    /// Enable a disabled user
    #[command(after_help = "Examples:\n  nself auth users enable ann@example.com")]
    Enable(Named),
    /// Delete a user
    #[command(alias = "rm", after_help = "Examples:\n  nself auth users delete ann@example.com")]
    Delete(Deleted),
    /// Set which roles a user may take
    #[command(after_help = "Examples:\n  nself auth users set-roles ann@example.com user editor --default editor")]
    SetRoles(Roles),
}

#[derive(Debug, clap::Args)]
struct Named {
    /// Its e-mail address or id
    user: String,
}

#[derive(Debug, clap::Args)]
struct Deleted {
    /// Its e-mail address or id
    user: String,
    #[command(flatten)]
    consent: Consent,
}

#[derive(Debug, clap::Args)]
struct Roles {
    /// Its e-mail address or id
    user: String,
    #[arg(required = true)]
    roles: Vec<String>,
    /// The role of its requests that name none; the one it has, or the first
    #[arg(long = "default", value_name = "ROLE")]
    default_role: Option<String>,
}

#[derive(Debug, Serialize)]
struct UserReport {
    id: String,
    /// `disabled`, `enabled`, `deleted`, `changed`
    done: &'static str,
    #[serde(skip)]
    user: String,
}

impl View for UserReport {
    fn text(&self, page: &mut Page) {
        page.line(format!("{} is {}", self.user, self.done));
    }
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    match args.command {
        Command::List(args) => list::run(cx, args),
        Command::Create(args) => create::run(cx, args),
        Command::Disable(Named { user }) => disable(cx, user, true),
        Command::Enable(Named { user }) => disable(cx, user, false),
        Command::Delete(args) => delete(cx, args),
        Command::SetRoles(args) => set_roles(cx, args),
    }
}

fn disable(cx: &Context, user: String, disabled: bool) -> Outcome {
    let users = Users::open(cx)?;
    let id = users.wait(auth::admin::set_disabled(&users.pool, &user, disabled))?;
    let done = if disabled { "disabled" } else { "enabled" };
    Ok(Box::new(UserReport { id: id.to_string(), done, user }))
}

fn delete(cx: &Context, args: Deleted) -> Outcome {
    let users = Users::open(cx)?;
    let _allowed = args.consent.destructive(cx, &users.settings)?;
    let id = users.wait(auth::admin::delete(&users.pool, &args.user))?;
    Ok(Box::new(UserReport { id: id.to_string(), done: "deleted", user: args.user }))
}

fn set_roles(cx: &Context, args: Roles) -> Outcome {
    let users = Users::open(cx)?;
    let set = auth::admin::set_roles(&users.pool, &args.user, &args.roles, args.default_role.as_deref());
    let id = users.wait(set)?;
    Ok(Box::new(UserReport { id: id.to_string(), done: "changed", user: args.user }))
}
