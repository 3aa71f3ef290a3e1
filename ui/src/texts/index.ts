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

/// A day, as people of that language write it. Not every browser knows Belarusian months.
export const day = (rfc3339: string, language: Language): string => {
  const { dates } = all[language];
  const date = new Date(rfc3339);
  return dates.day(String(date.getDate()), dates.months[date.getMonth()] ?? "", String(date.getFullYear()));
};

/// A day and the time of it.
export const moment = (rfc3339: string, language: Language): string => {
  const date = new Date(rfc3339);
  const [hours, minutes] = [date.getHours(), date.getMinutes()].map((part) => String(part).padStart(2, "0"));
  return `${day(rfc3339, language)}, ${hours}:${minutes}`;
};
