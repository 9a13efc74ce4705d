//! Suggestions for an unknown argument.

/// Returns the accepted argument that the author may have meant by `key`, misspelt or in part; `None` if none is
/// similar. `accepted` has each argument in backquotes.
pub(crate) fn similar<'a>(key: &str, accepted: &'a str) -> Option<&'a str> {
    let names =
        accepted.split('`').skip(1).step_by(2).map(|form| form.split(['(', ' ']).next().unwrap_or(form));
    let letters = |name: &str| {
        let distance = distance(key, name);
        (distance <= name.len().div_ceil(3)).then_some(distance)
    };
    let rated = names.filter_map(|name| {
        let is_part = key.len() > 2 && (name.contains(key) || key.contains(name));
        let words = name.split('_').filter(|word| word.len() > 4);
        let distance = letters(name).or_else(|| words.filter_map(letters).min());
        if is_part { Some((1, name)) } else { Some((distance?, name)) }
    });
    rated.min_by_key(|(distance, _)| *distance).map(|(_, name)| name)
}

/// Counts the letters that have to be inserted, removed or replaced to turn one text into the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut diagonal = line;
        row[0] = line + 1;
        for (column, same) in other.chars().map(|another| another == letter).enumerate() {
            let replaced = diagonal + usize::from(!same);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_guessed_only_if_it_is_similar() {
        let accepted = "`tracing_endpoint`, `server_cert`, `buffer_max_events`, `only(...)`, `name`, `crate`";
        for (key, meant) in [
            ("nam", "name"),
            ("named", "name"),
            ("onyl", "only"),
            ("endpoint", "tracing_endpoint"),
            ("tracing_endpont", "tracing_endpoint"),
            ("endpont", "tracing_endpoint"),
            ("server_certificate", "server_cert"),
            ("buffer_max_event", "buffer_max_events"),
            ("crates", "crate"),
        ] {
            assert_eq!(similar(key, accepted), Some(meant), "{key}");
        }
        for key in ["level", "x", "skip_all", "timeout", "err"] {
            assert_eq!(similar(key, accepted), None, "{key}");
        }
    }

    #[test]
    fn the_distance_of_two_names_is_that_of_their_letters() {
        for (one, other, expected) in [
            ("", "", 0),
            ("abc", "abc", 0),
            ("abc", "abd", 1),
            ("abc", "", 3),
            ("kitten", "sitting", 3),
            ("äb", "ab", 1),
        ] {
            assert_eq!(distance(one, other), expected, "{one} {other}");
            assert_eq!(distance(other, one), expected, "{other} {one}");
        }
    }
}
