//! A throw-away PostgreSQL for tests that are not written in Rust.
//!
//! Without an argument: starts one, prints `HOST:PORT`, and ends it when its
//! standard input does. With one of `createdb`, `dropdb` or `psql`: runs that
//! program with the arguments that follow, whatever folder it is in.

#[cfg(unix)]
fn main() -> std::process::ExitCode {
    use std::process::{Command, ExitCode};

    use postgres_here::{Installed, Throwaway};

    let mut arguments = std::env::args().skip(1);
    let Some(program) = arguments.next() else {
        let postgres = Throwaway::start();
        println!("{}", postgres.cluster().address());
        std::io::copy(&mut std::io::stdin(), &mut std::io::sink()).ok();
        return ExitCode::SUCCESS;
    };
    let installed = match Installed::find() {
        Ok(installed) => installed,
        Err(none) => {
            eprintln!("{none}");
            return ExitCode::FAILURE;
        }
    };
    let mut command: Command = installed.command(&program);
    match command.args(arguments).status() {
        Ok(status) if status.success() => ExitCode::SUCCESS,
        Ok(_) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("{program}: {error}");
            ExitCode::FAILURE
        }
    }
}

#[cfg(not(unix))]
fn main() {
    panic!("the tests' PostgreSQL needs a Unix");
}
