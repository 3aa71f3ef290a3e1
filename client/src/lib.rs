//! The client program without a window, and its command line.

pub mod advice;
pub mod app;
pub mod command_line;
pub mod desk;
pub mod disclosure;
pub mod doctor;
pub mod documents;
pub mod guest;
pub mod hand_over;
pub mod history;
pub mod portal;
pub mod renewal;
pub mod service;
pub mod settings;
pub mod sign_in;
pub mod single_instance;
pub mod texts;
pub mod update;
pub mod wording;
