//! `instructions.txt`, the counts that a change is held to: one that makes something cost 10 % more has to say so, and one
//! that makes it cost 10 % less lowers the count. `INSTRUCTIONS=overwrite` in the environment writes what was measured.

use std::collections::BTreeMap;
use std::env;
use std::error::Error;
use std::fs;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/instructions.txt");

/// Holds what was measured to the file, or writes it there. Returns what is wrong, a line for each count.
pub(crate) fn check(measured: &[(String, f64)]) -> Result<Vec<String>, Box<dyn Error>> {
    let mut counts = parse(&fs::read_to_string(FILE)?)?;
    if env::var_os("INSTRUCTIONS").is_some_and(|wish| wish == "overwrite") {
        counts.extend(measured.iter().map(|(name, count)| (name.clone(), count.round())));
        let lines = counts.iter().map(|(name, count)| format!("{name} {count}\n"));
        fs::write(FILE, lines.collect::<String>())?;
        return Ok(Vec::new());
    }
    Ok(measured.iter().filter_map(|(name, count)| complaint(name, *count, counts.get(name))).collect())
}

/// Each line is a name and its count.
fn parse(text: &str) -> Result<BTreeMap<String, f64>, Box<dyn Error>> {
    let count_of = |line: &str| {
        let (name, count) = line.rsplit_once(' ').ok_or_else(|| format!("`{line}` has no count"))?;
        Ok((name.to_owned(), count.parse()?))
    };
    text.lines().map(count_of).collect()
}

fn complaint(name: &str, count: f64, committed: Option<&f64>) -> Option<String> {
    let what = match committed {
        None => "and none are committed".to_owned(),
        // Less than one instruction is what the process does besides.
        Some(committed) if (count - committed).abs() <= (committed / 10.0).max(1.0) => return None,
        Some(committed) if count > *committed => format!("over 10 % more than the {committed} committed"),
        Some(committed) => format!("over 10 % less than the {committed} committed, which should be lowered"),
    };
    Some(format!(
        "{name}: {count:.0} instructions, {what}; to write it into instructions.txt, run the benchmark with \
         INSTRUCTIONS=overwrite"
    ))
}
