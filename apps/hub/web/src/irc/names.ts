// Names of people and rooms, as the hub compares and allows them.

/** Names are the same if their keys are (CASEMAPPING=ascii). */
export function keyOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

export const sameName = (a: string, b: string) => keyOf(a) === keyOf(b);
export const isRoom = (name: string) => name.startsWith('#');

export function bytesOf(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** What a person has written for a room's name, as the name; empty: it cannot be one. */
export function roomName(text: string): string {
  const name = '#' + text.trim().replace(/^#+/, '').replace(/[\s,:\x00-\x1f\x7f]+/g, '-');
  return name.length > 1 && bytesOf(name) <= 64 ? name : '';
}

export function isNick(text: string): boolean {
  return bytesOf(text) <= 32 && /^[^\s\x00-\x1f\x7f!@#$%&*+,.:;?~'"()=/<>0-9-][^\s\x00-\x1f\x7f!@#$%&*+,.:;?~'"()=/<>]*$/u.test(text);
}

/** Two letters for a picture: of two words, their first ones. */
export function initials(name: string): string {
  const words = name.replace(/^[_#]+/, '').split(/[-_. ]+/).filter(Boolean);
  const letters = words.length > 1 ? [...words[0]!][0]! + [...words[1]!][0]! : [...(words[0] ?? name)].slice(0, 2).join('');
  return /[가-힣]/.test(letters) ? [...letters][0]! : letters.toUpperCase();
}

/** A colour of a few, always the same for a name. */
export function colourOf(name: string, count: number): number {
  let hash = 7;
  for (const letter of keyOf(name)) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  return hash % count;
}
