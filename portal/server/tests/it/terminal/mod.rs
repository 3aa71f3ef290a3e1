//! The terminal, as back ends of portals and operators meet it.

mod attacks;
mod authority_answers;
mod card_renewal;
mod configuration;
mod credentials;
mod deployed_card;
mod flows;
mod orders;
mod own_keys;
mod personal_data;
mod processes;
mod records;
mod register;
mod renewal;
mod renewal_over_http;
mod requests;
mod sealing;
pub(crate) mod tickets;
pub(crate) mod world;
