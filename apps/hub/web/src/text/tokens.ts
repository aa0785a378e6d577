// What a message shows: its text in tokens, of which the page makes elements. Nothing in a text is
// ever markup of the page's own.

export type Token =
  | { kind: 'text'; text: string }
  | { kind: 'code'; text: string }
  | { kind: 'strong'; text: string }
  | { kind: 'emphasis'; text: string }
  | { kind: 'mention'; text: string }
  | { kind: 'link'; text: string; url: string };

const PATTERN =
  /`([^`\n]+)`|(?<![\p{L}\p{N}])\*\*([^*\n]+)\*\*|(?<![\p{L}\p{N}*])\*([^*\s][^*\n]*)\*(?![\p{L}\p{N}*])|\b((?:https?:\/\/|mailto:)[^\s<>"`]+)/gu;

/** Codes of IRC for colours and styles: their letters are left out. */
export function withoutFormatting(text: string): string {
  return text.replace(/\x03(\d{1,2}(,\d{1,2})?)?|\x04([0-9a-fA-F]{6})?|[\x00-\x08\x0b-\x1f\x7f]/g, '');
}

/** Only schemes that do no harm. */
export function safeUrl(text: string): string | null {
  try {
    const url = new URL(text);
    return ['http:', 'https:', 'mailto:'].includes(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

/** Punctuation behind a link, and a bracket that it does not open, is not of the link. */
function trimLink(text: string): string {
  let link = text.replace(/[.,;:!?'"…]+$/u, '');
  while (link.endsWith(')') && link.split('(').length < link.split(')').length) link = link.slice(0, -1);
  return link;
}

const escapeRegExp = (text: string) => text.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');

function mentionPattern(names: string[]): RegExp | null {
  if (names.length === 0) return null;
  const any = names.map(escapeRegExp).join('|');
  return new RegExp(`(?<![\\p{L}\\p{N}_])@?(?:${any})(?![\\p{L}\\p{N}_])`, 'giu');
}

export function mentions(text: string, nick: string): boolean {
  return nick !== '' && mentionPattern([nick])!.test(withoutFormatting(text));
}

function addText(tokens: Token[], text: string, nick: string): void {
  const pattern = mentionPattern(nick === '' ? [] : [nick]);
  let from = 0;
  if (pattern) {
    for (const match of text.matchAll(pattern)) {
      if (match.index > from) tokens.push({ kind: 'text', text: text.slice(from, match.index) });
      tokens.push({ kind: 'mention', text: match[0] });
      from = match.index + match[0].length;
    }
  }
  if (from < text.length) tokens.push({ kind: 'text', text: text.slice(from) });
}

/** `nick`: whose mentions stand out; empty: nobody's. */
export function tokensOf(raw: string, nick: string): Token[] {
  const text = withoutFormatting(raw);
  const tokens: Token[] = [];
  let from = 0;
  for (const match of text.matchAll(PATTERN)) {
    const [whole, code, strong, emphasis, address] = match;
    let token: Token | null = null;
    let length = whole.length;
    if (code !== undefined) token = { kind: 'code', text: code };
    else if (strong !== undefined) token = { kind: 'strong', text: strong };
    else if (emphasis !== undefined) token = { kind: 'emphasis', text: emphasis };
    else if (address !== undefined) {
      const link = trimLink(address);
      const url = safeUrl(link);
      if (url) token = { kind: 'link', text: link, url };
      length = link.length;
    }
    if (!token || match.index < from) continue;
    addText(tokens, text.slice(from, match.index), nick);
    tokens.push(token);
    from = match.index + length;
  }
  addText(tokens, text.slice(from), nick);
  return tokens;
}

/** A text in pieces of at most `bytes`, parted at lines, else at words. */
export function piecesOf(text: string, bytes: number): string[] {
  const encoder = new TextEncoder();
  const pieces: string[] = [];
  for (const line of text.split(/\r?\n/)) {
    let piece = '';
    let size = 0;
    for (const part of line.match(/\s*\S+|\s+$/gu) ?? []) {
      const partSize = encoder.encode(part).length;
      if (size > 0 && size + partSize > bytes) {
        pieces.push(piece);
        piece = '';
        size = 0;
      }
      const word = size === 0 ? part.replace(/^ /, pieces.length > 0 ? '' : ' ') : part;
      for (const letter of encoder.encode(word).length > bytes ? word : [word]) {
        const letterSize = encoder.encode(letter).length;
        if (size > 0 && size + letterSize > bytes) {
          pieces.push(piece);
          piece = '';
          size = 0;
        }
        piece += letter;
        size += letterSize;
      }
    }
    if (piece.trim() !== '') pieces.push(piece);
  }
  return pieces;
}
