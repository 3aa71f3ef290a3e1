//! English.

use super::{States, Texts, offering, telling};

pub(super) const TEXTS: Texts = Texts {
    nobody_signed_in: "You are not signed in",
    welcome: "You need your ID card, a card reader, and the Latchkey program on this computer.",
    sign_in: "Sign in with ID card",
    cancel: "Cancel",
    other_ways: "Other ways to sign in",
    link_offer: "By link: it opens Latchkey, also when the browser does not let this page reach it.",
    link_ask: "Get a link",
    link_title: "Sign in by link",
    link_open: "Open the link on this computer. It starts Latchkey.",
    link_open_button: "Open Latchkey",
    link_compare: "If the request is yours, Latchkey shows the same code:",
    link_end: "Once you have agreed and entered your PIN in Latchkey, a new page opens in your browser and you are signed in \
               there. It must be the browser that shows you this page.",
    link_validity: "The link serves once. Do not send it to anybody. Minutes until it expires:",
    command_offer: "On the command line:",
    signed_in: "You are signed in",
    holder: "Name",
    personal_number: "Identification number",
    acting_for: "You act for",
    assurance: "Assurance level",
    assurance_low: "low",
    assurance_substantial: "substantial",
    assurance_high: "high",
    signed_in_at: "Signed in at",
    expires_at: "The session ends at",
    sign_out: "Sign out",
    ended: "You are signed out",
    ended_why: "The card was taken out of the reader, so the session has ended.",
    refused: "That did not work",
    nowhere: "There is no such page here.",
    nowhere_advice: "Check the address, or go to the main page.",
    try_later: "The service is not available for now. Try again in a few minutes.",
    code: "Code",
    back: "To the main page",
    site_sign_in: "Sign in for a site",
    site_asks: "This site asks who you are:",
    site_again: "You are signed in already. The site wants you to sign in anew or in a surer way.",
    age_asked: "The site also wants to know whether you are at least 18. Your card answers that with yes or no. Your date of birth is not read.",
    age_again: "You are signed in already, but your card was not asked that.",
    age_needs_script: "Only a page whose scripts run can have your card asked. Turn JavaScript on, or go back to the site.",
    site_back: "Back to the site without signing in",
    consent: "May the site know who you are?",
    consent_learns: "It would learn:",
    consent_same: "that it is you when you come again, by a number that no other site has",
    consent_level: "when you signed in, and how sure that is",
    consent_names: "your name, in every language of your card",
    consent_number: "your identification number",
    consent_acting: "that you act for the organisation",
    consent_acting_self: "that you act for yourself",
    consent_age: "whether you are at least 18, and not your date of birth",
    consent_allow: "Allow",
    consent_refuse: "Refuse",
    consent_kept: "If you allow it, you are not asked again about this site for the same data.",
    leaving: "Sign out?",
    leaving_asks: "This site asks to sign you out here:",
    leaving_effect: "When you sign out, no site can learn anything more about you here until you sign in again. \
                     Sites that you have visited may remember you themselves: sign out there too.",
    leaving_stay: "Stay signed in",
    cabinet_open: "To your cabinet",
    cabinet_sign_in: "Sign in to your cabinet",
    cabinet_needs_card: "Your cabinet opens with your ID card only.",
    cabinet_again: "You are signed in already, but your cabinet opens with your ID card only: sign in with it once more.",
    states: States {
        explain: offering(
            "Your browser may ask you something",
            "To sign you in, this page has to reach Latchkey on your computer. The browser may ask whether the page may \
             access other apps and services on this device. Choose “Allow”.",
            "Continue",
        ),
        connecting: telling("Looking for Latchkey", "This takes a moment."),
        permission_asked: telling(
            "Answer the browser's question",
            "It is at the top of the window, beside the address. Choose “Allow”. If you see no question, Latchkey is slow \
             to answer: wait a little.",
        ),
        waiting_in_line: telling("Latchkey is busy", "It finishes another request first. Yours is next."),
        asking_holder: telling(
            "Look at the Latchkey window",
            "It shows who asks you to sign in and what would be handed over. You decide there.",
        ),
        card: telling(
            "Go on in the Latchkey window",
            "It says when to insert the card and asks for your PIN. Never enter the PIN on a page like this one.",
        ),
        signing: telling("The card is signing", "Leave it in the reader."),
        reading: telling("The card is being read", "Leave it in the reader."),
        presenting: telling("The signature is being checked", "This takes a moment."),
        holder_refused: offering(
            "You refused to sign in",
            "Nothing was handed over. If you did not mean to refuse, sign in again.",
            "Sign in again",
        ),
        refused_today: offering(
            "You refused this site today",
            "Therefore Latchkey does not ask you about it again before tomorrow. If you have changed your mind, take the \
             site off the list in Latchkey's settings, and try again.",
            "Try again",
        ),
        site_forbidden: telling(
            "Signing in here is not allowed on this computer",
            "The administrator of this computer has decided so. Ask there if you need this portal.",
        ),
        holder_silent: offering(
            "Nothing happened in the Latchkey window",
            "After two minutes Latchkey stopped waiting. Nothing was handed over.",
            "Try again",
        ),
        client_refused: offering(
            "Latchkey could not sign you in",
            "The Latchkey window says what happened and what to do. Then try again.",
            "Try again",
        ),
        taken_back: offering("You cancelled the sign-in", "Nothing was handed over.", "Sign in again"),
        dismissed: offering(
            "The browser's question was closed",
            "Without your permission this page cannot reach Latchkey. Try again and choose “Allow”.",
            "Try again",
        ),
        denied: offering(
            "The browser does not let this page reach Latchkey",
            "Click the icon to the left of the address, open the settings of this site, set “Apps on device” (other apps \
             and services on this device) to “Allow”, and try again. Or sign in by link: it needs no such permission.",
            "Try again",
        ),
        not_running: offering(
            "Latchkey was not found",
            "Start Latchkey from the list of your programs and try again. If it is not installed, install it first. If the \
             browser asks for permission now, choose “Allow”.",
            "Try again",
        ),
        other_program: offering(
            "Latchkey cannot be understood",
            "Another program answers in its place, or this version of Latchkey is too old for this page. Install the \
             newest version, or sign in by link.",
            "Try again",
        ),
        no_answer: offering(
            "Latchkey does not answer",
            "Close Latchkey, start it again, and try again. Or sign in by link.",
            "Try again",
        ),
        connection_lost: offering(
            "Latchkey has stopped",
            "Nobody was signed in. Start Latchkey again and try again.",
            "Try again",
        ),
        portal_refused: offering(
            "The portal did not accept the sign-in",
            "Try again. If it happens again, tell the portal's operator the code.",
            "Try again",
        ),
        portal_unreachable: offering(
            "The portal cannot be reached",
            "Check your network connection and try again.",
            "Try again",
        ),
    },
};
