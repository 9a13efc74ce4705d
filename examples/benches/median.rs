//! The one number that the benchmarks print for many measurements.

/// The middle one, which a busy machine moves least.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
