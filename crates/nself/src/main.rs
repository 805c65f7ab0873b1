//! The `nself` program: parse, dispatch, exit code.

fn main() -> std::process::ExitCode {
    cli::main()
}
