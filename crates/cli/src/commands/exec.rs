use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Command;

use project::Settings;
use stack::{Kind, Plan, Run};
use terminal::Failure;

use crate::{Context, Error, Outcome};

/// Run a program with a service's environment and in its folder; psql for postgres
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  nself exec postgres\n  nself exec postgres psql -c 'select 1'\n  nself exec api -- npm test"
)]
pub struct Args {
    /// The service
    service: String,
    /// The program and its arguments; psql for postgres, a shell elsewhere
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    command: Vec<String>,
    /// Folder to work in, relative to the service's own
    #[arg(short = 'w', long, value_name = "FOLDER")]
    workdir: Option<PathBuf>,
    /// Further environment variables
    #[arg(short = 'e', long = "set-env", value_name = "NAME=VALUE")]
    environment: Vec<String>,
    #[command(flatten)]
    accepted: super::accepted::Exec,
}

pub fn run(cx: &Context, args: Args) -> Outcome {
    let project = cx.project()?;
    let settings = cx.settings()?;
    let plan = Plan::new(&settings)?;
    let Some(service) = plan.service(&args.service) else {
        let known = plan.services.iter().map(|service| service.name.clone()).collect();
        return Err(runtimes::Error::UnknownService { name: args.service, known }.into());
    };
    let (program, arguments) = program(&args, service.kind);
    let mut command = if service.kind == Kind::Postgres {
        postgres_command(&settings, &program)?
    } else {
        let mut command = Command::new(&program);
        command.envs(service.resolve_environment(&settings));
        command
    };
    let folder = match &service.run {
        Run::Command { directory, .. } => project.root().join(directory),
        _ => project.root().to_owned(),
    };
    command.args(arguments).current_dir(args.workdir.map_or(folder.clone(), |inner| folder.join(inner)));
    for pair in &args.environment {
        let Some((name, value)) = pair.split_once('=') else {
            return Err(Error::Usage {
                message: format!("--set-env {pair} has no value"),
                fix: "write it as NAME=VALUE".to_owned(),
            }
            .into());
        };
        command.env(name, value);
    }
    // The program takes our place: its exit code, its terminal, its signals.
    let source = command.exec();
    Err(Error::Program { program, source }.into())
}

fn program(args: &Args, kind: Kind) -> (String, Vec<String>) {
    match args.command.split_first() {
        Some((program, rest)) => (program.clone(), rest.to_vec()),
        None if kind == Kind::Postgres => ("psql".to_owned(), Vec::new()),
        None => (std::env::var("SHELL").unwrap_or_else(|_| "/bin/sh".to_owned()), Vec::new()),
    }
}

/// A client program of PostgreSQL, told where the database is by its environment: the password stays out of argv.
fn postgres_command(settings: &Settings, program: &str) -> Result<Command, Failure> {
    let found = postgres::find(&postgres::Wanted::from_settings(settings))?;
    let own = found.client_bin.join(program);
    let mut command = Command::new(if own.is_file() { own } else { PathBuf::from(program) });
    command
        .env("PGHOST", crate::context::host(settings))
        .env("PGPORT", settings.port("POSTGRES_PORT").unwrap_or(5432).to_string())
        .env("PGUSER", settings.text("POSTGRES_USER").unwrap_or("postgres"))
        .env("PGDATABASE", settings.text("POSTGRES_DB").unwrap_or("nhost"));
    if let Some(password) = settings.secret("POSTGRES_PASSWORD") {
        command.env("PGPASSWORD", password.expose());
    }
    Ok(command)
}
