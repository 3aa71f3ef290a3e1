/// Every screen and state: what the program showed of each in its own tests, and where the holder goes from there.

import type { Failure, Language, Snapshot } from "../src/backend";
import be from "../src/samples/be.json";
import en from "../src/samples/en.json";
import ru from "../src/samples/ru.json";

interface Samples {
  readonly failures: readonly Failure[];
  readonly states: Readonly<Record<string, Snapshot>>;
}

// Written by the program's tests from the types that `backend.ts` describes.
const samples = { be, ru, en } as unknown as Readonly<Record<Language, Samples>>;

export const languages: readonly Language[] = ["be", "ru", "en"];

export interface State {
  readonly name: string;
  /// The sample it begins with.
  readonly sample: string;
  /// What is pressed there, by `data-action`.
  readonly presses: readonly string[];
}

const state = (name: string, sample: string, ...presses: readonly string[]): State => ({ name, sample, presses });

/// Where a sample's screen is, if it is not the first one.
const ways: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^doctor-/, ["section-check"]],
  [/^documents-/, ["section-documents"]],
  [/^settings/, ["section-settings"]],
  [/^guest-(off|failed)$/, ["section-help", "guest"]],
];

const ofSamples: readonly State[] = Object.keys(samples.en.states).map((name) =>
  state(name, name, ...(ways.find(([names]) => names.test(name))?.[1] ?? [])),
);

const within: readonly State[] = [
  state("task-read", "card-usable", "read"),
  state("task-change-pin", "card-usable", "change-pin"),
  state("task-deactivate-with-pin", "card-usable", "deactivate-with-pin"),
  state("task-deactivate-with-puk", "card-usable", "deactivate-with-pin", "with-puk"),
  state("task-forgot-pin", "card-usable", "unblock-with-new-pin"),
  state("task-read-suspended", "card-suspended", "read"),
  state("task-unblock-with-new-pin", "card-blocked", "unblock-with-new-pin"),
  state("task-unblock-pin", "card-blocked", "unblock-pin"),
  state("task-activate-pin", "card-deactivated", "activate-pin"),
  state("card-contents", "card-read", "contents"),
  state("lost-card", "home-without-card", "lost"),
  state("no-reader", "home-without-reader", "no-reader"),
  state("check-up", "home", "section-check"),
  state("documents", "home", "section-documents"),
  state("help", "home", "section-help"),
  state("first-steps", "home", "section-help", "first-steps"),
  state("about", "home", "section-help", "about"),
  state("settings-language", "settings", "section-settings", "settings-language"),
  state("settings-theme", "settings", "section-settings", "settings-theme"),
  state("settings-starting", "settings", "section-settings", "settings-starting"),
  state("settings-pin-pad", "settings", "section-settings", "settings-pin-pad"),
  state("settings-sites", "settings", "section-settings", "settings-sites"),
  state("settings-sites-managed", "settings-managed", "section-settings", "settings-sites"),
  state("settings-proxy", "settings", "section-settings", "settings-proxy"),
  state("settings-proxy-managed", "settings-managed", "section-settings", "settings-proxy"),
  state("settings-language-managed", "settings-managed", "section-settings", "settings-language"),
  state("settings-starting-managed", "settings-managed", "section-settings", "settings-starting"),
  state("settings-history-off", "settings", "section-settings", "settings-history"),
  state("settings-history-on", "settings-history", "section-settings", "settings-history"),
  state("failed-pin-blocked-unblock", "failed-pin-blocked", "mend"),
];

export const states: readonly State[] = [...ofSamples, ...within];

export const sample = (name: string, language: Language): Snapshot => {
  const snapshot = samples[language].states[name];
  if (!snapshot) throw new Error(`there is no sample ${name} in ${language}`);
  return snapshot;
};

export const failures = (language: Language): readonly Failure[] => samples[language].failures;

/// A request that failed of that.
export const failed = (failure: Failure, language: Language): Snapshot => {
  const like = sample("failed-card-removed", language);
  const [request] = like.requests;
  if (!request) throw new Error("the sample has no request");
  return { ...like, requests: [{ ...request, phase: { name: "failed", failure } }] };
};
