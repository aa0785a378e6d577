// Completion of names with Tab, and the ranking of the switcher.
import { keyOf } from '../irc/names';

export interface Completion {
  text: string;
  caret: number;
}

/** All that the word before the caret may become, those who spoke last first; in turn with Tab. */
export function completionsOf(text: string, caret: number, names: string[]): Completion[] {
  const before = text.slice(0, caret);
  const word = before.match(/\S*$/u)![0];
  const at = word.startsWith('@') ? '@' : '';
  const stem = keyOf(word.slice(at.length));
  if (stem === '' && at === '') return [];
  const start = caret - word.length;
  return names
    .filter((name) => keyOf(name).startsWith(stem))
    .map((name) => {
      const end = start === 0 && at === '' ? ': ' : ' ';
      const made = before.slice(0, start) + at + name + end;
      return { text: made + text.slice(caret).replace(/^ /, ''), caret: made.length };
    });
}

/** How well `query` fits `name`, letters in order; the less the better; null: not at all. */
export function rank(query: string, name: string): number | null {
  const wanted = keyOf(query.trim().replace(/^[#@]/, '')).toLowerCase();
  const text = keyOf(name.replace(/^#/, '')).toLowerCase();
  if (wanted === '') return 0;
  const at = text.indexOf(wanted);
  if (at >= 0) return at + text.length / 1000;
  let from = 0;
  let cost = 100;
  for (const letter of wanted) {
    const found = text.indexOf(letter, from);
    if (found < 0) return null;
    cost += found - from;
    from = found + 1;
  }
  return cost;
}
