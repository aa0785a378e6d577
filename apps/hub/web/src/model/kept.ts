// What the browser keeps for the page: settings, rooms, drafts, the secret of a guest.

const PREFIX = 'ieum.';

export function kept<T>(key: string, otherwise: T): T {
  try {
    const text = localStorage.getItem(PREFIX + key);
    return text === null ? otherwise : (JSON.parse(text) as T);
  } catch {
    return otherwise;
  }
}

/** Null forgets it. */
export function keep(key: string, value: unknown): void {
  try {
    if (value === null || value === '') localStorage.removeItem(PREFIX + key);
    else localStorage.setItem(PREFIX + key, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: the page works without.
  }
}

/** A secret works once: whoever takes it, in whichever tab, is the only one to have it. */
export function takeSecret(): string {
  const secret = kept('secret', '');
  keep('secret', null);
  return secret;
}
