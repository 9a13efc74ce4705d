//! Dispatches that are killed, or end without finishing: what they had to tell arrives with the next one.
//! A binary of its own, because its hundreds of processes would disturb the seconds that the fault matrix measures.
#![expect(clippy::unwrap_used, reason = "what cannot be unwrapped here has failed the test")]

mod alone;
mod at_any_moment;
mod charm;
mod together;
