//! The program, as a process of its own.

mod collect;
mod damaged;
mod doctor;
mod export;
mod fixture;
mod guide;
mod help;
mod page;
mod run;
mod send;
mod show;
