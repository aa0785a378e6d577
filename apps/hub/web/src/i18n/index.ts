// The page's texts in the reader's language: by the browser's choice, or by a switch.
import { en } from './en';
import { ko } from './ko';
import { keep, kept } from '../model/kept';

export type Language = 'en' | 'ko';
export type Key = keyof typeof en;

const texts: Record<Language, Record<Key, string>> = { en, ko };
let current: Language = 'en';

export function startLanguage(): void {
  const chosen = kept<Language | ''>('language', '');
  const first = navigator.languages.map((name) => name.slice(0, 2)).find((name) => name === 'ko' || name === 'en');
  current = chosen || (first as Language | undefined) || 'en';
  document.documentElement.lang = current;
}

export function setLanguage(language: Language): void {
  keep('language', language);
  current = language;
  document.documentElement.lang = language;
}

export const language = () => current;

export function t(key: Key, values: Record<string, string | number> = {}): string {
  return texts[current][key].replace(/\{(\w+)\}/g, (whole, name: string) => String(values[name] ?? whole));
}

// They are costly to make, and every message shows one.
const formats = new Map<string, Intl.DateTimeFormat>();
function format(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = name + current;
  let found = formats.get(key);
  if (!found) {
    found = new Intl.DateTimeFormat(current === 'en' ? 'en-GB' : current, options);
    formats.set(key, found);
  }
  return found;
}

export function timeText(time: number): string {
  return format('time', { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time);
}

export function dayText(time: number): string {
  const day: Intl.DateTimeFormatOptions = { weekday: 'long', day: 'numeric', month: 'long' };
  const sameYear = new Date(time).getFullYear() === new Date().getFullYear();
  return sameYear ? format('day', day).format(time) : format('date', { ...day, year: 'numeric' }).format(time);
}
