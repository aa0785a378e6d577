// Light or dark: as the system, or as it was chosen.
import { keep, kept } from '../model/kept';

export type Theme = 'system' | 'light' | 'dark';

const isDark = matchMedia('(prefers-color-scheme: dark)');

function apply(): void {
  const theme = chosenTheme();
  const dark = theme === 'dark' || (theme === 'system' && isDark.matches);
  document.documentElement.dataset.theme = dark ? 'dark' : 'light';
}

export const chosenTheme = () => kept<Theme>('theme', 'system');

export function startTheme(): void {
  isDark.addEventListener('change', apply);
  apply();
}

export function setTheme(theme: Theme): void {
  keep('theme', theme);
  apply();
}
