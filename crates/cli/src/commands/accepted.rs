//! Flags of the Bash tool that mean nothing without Docker. They are accepted, so that scripts keep working, and a
//! warning says that they did nothing.

use terminal::Terminal;

macro_rules! accepted {
    ($(#[$doc:meta])* $name:ident { $($field:ident = $flag:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, clap::Args)]
        pub struct $name {
            $(#[arg(long = $flag, hide = true)] $field: bool,)+
        }

        impl $name {
            /// Warns of each flag that was given.
            pub fn warn(&self, terminal: &Terminal) {
                $(if self.$field {
                    terminal.warn(concat!("--", $flag, " has no effect here: it is about Docker containers"));
                })+
            }
        }
    };
}

accepted!(
    /// Of `stop`.
    Stop { rmi = "rmi", remove_orphans = "remove-orphans" }
);
accepted!(
    /// Of `start`.
    Start { clean_start = "clean-start" }
);

/// Asks for more words, of `start` and `restart`: the logs have them all.
#[derive(Debug, Default, clap::Args)]
pub struct Words {
    #[arg(short, long, hide = true)]
    verbose: bool,
    #[arg(short, long, hide = true)]
    debug: bool,
}

/// Of `status`: it is fast and asks each service anyway.
#[derive(Debug, Default, clap::Args)]
pub struct Status {
    #[arg(long, hide = true)]
    fast: bool,
    #[arg(long, hide = true)]
    all_envs: bool,
    #[arg(long, hide = true)]
    no_resources: bool,
    #[arg(long, hide = true)]
    no_health: bool,
    #[arg(short, long, hide = true)]
    verbose: bool,
    #[arg(short, long, hide = true, value_name = "SECONDS")]
    interval: Option<u64>,
}

/// Of `exec`: a program takes the terminal it is given, or does without.
#[derive(Debug, Default, clap::Args)]
pub struct Exec {
    #[arg(short = 'T', long, hide = true)]
    no_tty: bool,
    #[arg(short = 'i', hide = true)]
    interactive: bool,
    #[arg(short = 't', hide = true)]
    tty: bool,
}
