//! oxbpf beside C libbpf and aya: `cargo xtask bench [NAME…] [--json]`.

mod generated;
mod libbpf;
mod measure;
mod pair;
mod process;
mod row;

use std::process::ExitCode;

use clap::Parser;

use measure::{MEASUREMENTS, Settings};

/// Compares oxbpf with C libbpf and aya; needs root.
#[derive(Debug, Parser)]
struct Args {
    /// Only the measurements whose name has one of these words in it
    names: Vec<String>,

    /// Print one JSON object a row
    #[arg(long)]
    json: bool,

    /// Multiply the number of rounds: more of them are slower and steadier
    #[arg(long, default_value_t = 1.0, value_name = "FACTOR")]
    rounds: f64,

    /// Print the names of the measurements
    #[arg(long)]
    list: bool,
}

fn main() -> ExitCode {
    let args = Args::parse();
    if args.list {
        MEASUREMENTS.iter().for_each(|measurement| println!("{}", measurement.name));
        return ExitCode::SUCCESS;
    }
    libbpf::silence();
    let wanted =
        |name: &str| args.names.is_empty() || args.names.iter().any(|word| name.contains(word.as_str()));
    if !MEASUREMENTS.iter().any(|measurement| wanted(measurement.name)) {
        eprintln!("bench: no measurement is named so; --list shows them");
        return ExitCode::from(2);
    }
    if !args.json {
        println!("{}", row::HEADER);
    }
    let settings = Settings { factor: args.rounds };
    let (mut missed, mut failed) = (0, 0);
    for measurement in MEASUREMENTS.iter().filter(|measurement| wanted(measurement.name)) {
        let rows = match (measurement.run)(&settings) {
            Ok(rows) => rows,
            Err(error) => {
                eprintln!("bench: {}: {error}", measurement.name);
                failed += 1;
                continue;
            }
        };
        for row in rows {
            missed += u32::from(row.met == Some(false));
            if args.json {
                println!("{}", serde_json::to_string(&row).expect("a row is plain data"));
            } else {
                println!("{row}");
            }
        }
    }
    if !args.json {
        println!("{missed} targets missed, {failed} measurements failed");
    }
    if missed + failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
