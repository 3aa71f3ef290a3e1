//! The wording of the page in three languages.

use super::Language;

pub(super) struct Texts {
    pub(super) nobody_signed_in: &'static str,
    pub(super) how_to_sign_in: &'static str,
    pub(super) signed_in: &'static str,
    pub(super) holder: &'static str,
    pub(super) personal_number: &'static str,
    pub(super) assurance: &'static str,
    pub(super) assurance_low: &'static str,
    pub(super) assurance_substantial: &'static str,
    pub(super) assurance_high: &'static str,
    pub(super) signed_in_at: &'static str,
    pub(super) expires_at: &'static str,
    pub(super) sign_out: &'static str,
    pub(super) refused: &'static str,
    pub(super) try_later: &'static str,
    pub(super) go_back: &'static str,
    pub(super) code: &'static str,
    pub(super) back: &'static str,
}

impl Texts {
    pub(super) const fn of(language: Language) -> &'static Self {
        match language {
            Language::Belarusian => &BELARUSIAN,
            Language::Russian => &RUSSIAN,
            Language::English => &ENGLISH,
        }
    }
}

const BELARUSIAN: Texts = Texts {
    nobody_signed_in: "Вы не ўвайшлі",
    how_to_sign_in: "Каб увайсці з ID-карткай, устаўце яе ў счытвальнік і выканайце на сваім камп'ютары каманду:",
    signed_in: "Вы ўвайшлі",
    holder: "Імя",
    personal_number: "Ідэнтыфікацыйны нумар",
    assurance: "Узровень даверу",
    assurance_low: "нізкі",
    assurance_substantial: "значны",
    assurance_high: "высокі",
    signed_in_at: "Час уваходу",
    expires_at: "Сеанс дзейнічае да",
    sign_out: "Выйсці",
    refused: "Не атрымалася",
    try_later: "Служба часова недаступная. Паспрабуйце яшчэ раз праз некалькі хвілін.",
    go_back: "Вярніцеся на галоўную старонку і паспрабуйце яшчэ раз.",
    code: "Код",
    back: "На галоўную старонку",
};

const RUSSIAN: Texts = Texts {
    nobody_signed_in: "Вы не вошли",
    how_to_sign_in: "Чтобы войти с ID-картой, вставьте её в считыватель и выполните на своём компьютере команду:",
    signed_in: "Вы вошли",
    holder: "Имя",
    personal_number: "Идентификационный номер",
    assurance: "Уровень доверия",
    assurance_low: "низкий",
    assurance_substantial: "значительный",
    assurance_high: "высокий",
    signed_in_at: "Время входа",
    expires_at: "Сеанс действует до",
    sign_out: "Выйти",
    refused: "Не получилось",
    try_later: "Служба временно недоступна. Попробуйте ещё раз через несколько минут.",
    go_back: "Вернитесь на главную страницу и попробуйте ещё раз.",
    code: "Код",
    back: "На главную страницу",
};

const ENGLISH: Texts = Texts {
    nobody_signed_in: "You are not signed in",
    how_to_sign_in: "To sign in with your ID card, put it into the reader and run this command on your computer:",
    signed_in: "You are signed in",
    holder: "Name",
    personal_number: "Identification number",
    assurance: "Assurance level",
    assurance_low: "low",
    assurance_substantial: "substantial",
    assurance_high: "high",
    signed_in_at: "Signed in at",
    expires_at: "The session ends at",
    sign_out: "Sign out",
    refused: "That did not work",
    try_later: "The service is not available for now. Try again in a few minutes.",
    go_back: "Go back to the main page and try again.",
    code: "Code",
    back: "To the main page",
};
