//! Pictures of traces without the parts that are different in every run.

/// Returns the name of each span of a picture, indented as it is there, and behind one blank the error.
#[must_use]
pub fn without_durations(picture: &str) -> String {
    let lasting = |line: &str| {
        let (name, error) = line.split_once('✗').unwrap_or((line, ""));
        let indent = name.len() - name.trim_start().len();
        // Names have no two blanks in a row, and the columns are at least two apart.
        let end = name[indent..].find("  ").map_or(name.len(), |end| indent + end);
        format!("{}{error}", &name[..end])
    };
    picture.lines().fold(String::new(), |text, line| text + lasting(line).trim_end() + "\n")
}

#[test]
fn the_names_and_the_errors_are_left() {
    let drawn = "  app/0: start event           12.3 ms  ████\n    method call: MyCharm.handle  11.8 ms   ██   ✗ no such unit\n";
    assert_eq!(
        without_durations(drawn),
        "  app/0: start event\n    method call: MyCharm.handle no such unit\n"
    );
}
