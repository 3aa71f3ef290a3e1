import type { Language } from "../backend";
import { be } from "./be";
import { en, type Texts } from "./en";
import { ru } from "./ru";

export type { Step, Texts } from "./en";

const all: Readonly<Record<Language, Texts>> = { be, ru, en };

export const textsIn = (language: Language): Texts => all[language];

/// Every language under its own name, in the order in which they are offered.
export const languages: readonly (readonly [Language, string])[] = (["be", "ru", "en"] as const).map((language) => [
  language,
  all[language].languageName,
]);

/// A day, as people of that language write it.
export const day = (rfc3339: string, language: Language): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date(rfc3339));

/// A day and the time of it.
export const moment = (rfc3339: string, language: Language): string =>
  new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" }).format(new Date(rfc3339));
