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

export function timeText(time: number): string {
  return new Intl.DateTimeFormat(current, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(time);
}

export function dayText(time: number): string {
  const sameYear = new Date(time).getFullYear() === new Date().getFullYear();
  const locale = current === 'en' ? 'en-GB' : current;
  return new Intl.DateTimeFormat(locale, {
    weekday: 'long', day: 'numeric', month: 'long', ...(sameYear ? {} : { year: 'numeric' }),
  }).format(time);
}
