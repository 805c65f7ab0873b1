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
    Stop { rmi = "rmi", remove_orphans = "remove-orphans", verbose = "verbose" }
);
accepted!(
    /// Of `status`.
    Status { fast = "fast", all_envs = "all-envs", no_resources = "no-resources", no_health = "no-health" }
);
accepted!(
    /// Of `start`.
    Start { verbose = "verbose", debug = "debug", clean_start = "clean-start" }
);
accepted!(
    /// Of `exec`.
    Exec { no_tty = "no-tty", interactive = "it" }
);
