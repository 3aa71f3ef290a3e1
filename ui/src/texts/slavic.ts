/// How Belarusian and Russian count: alike. Not every browser knows how Belarusian does, so this is not left to it.

type Form = "one" | "few" | "many";

export const form = (count: number): Form => {
  const [last, lastTwo] = [count % 10, count % 100];
  if (last === 1 && lastTwo !== 11) return "one";
  return last >= 2 && last <= 4 && (lastTwo < 12 || lastTwo > 14) ? "few" : "many";
};

export const counted = (count: number, one: string, few: string, many: string): string => {
  const words: Readonly<Record<Form, string>> = { one, few, many };
  return `${count} ${words[form(count)]}`;
};
