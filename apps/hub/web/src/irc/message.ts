// A line of IRC with IRCv3 tags: taken apart and put together.

export interface Message {
  tags: Record<string, string>;
  /** Who it is from: `nick!user@host`, or a server. */
  source: string;
  command: string;
  params: string[];
}

const UNESCAPED: Record<string, string> = { ':': ';', s: ' ', r: '\r', n: '\n', '\\': '\\' };
const ESCAPED: Record<string, string> = { ';': '\\:', ' ': '\\s', '\r': '\\r', '\n': '\\n', '\\': '\\\\' };

export function unescapeTag(value: string): string {
  return value.replace(/\\(.?)/gs, (_, letter: string) => UNESCAPED[letter] ?? letter);
}

export function escapeTag(value: string): string {
  return value.replace(/[; \r\n\\]/g, (letter) => ESCAPED[letter]!);
}

function parseTags(text: string): Record<string, string> {
  const tags: Record<string, string> = Object.create(null);
  for (const part of text.split(';')) {
    if (part === '') continue;
    const at = part.indexOf('=');
    if (at < 0) tags[part] = '';
    else tags[part.slice(0, at)] = unescapeTag(part.slice(at + 1));
  }
  return tags;
}

/** Null: there is no command in it. */
export function parseMessage(line: string): Message | null {
  let rest = line.replace(/[\r\n]+$/, '');
  const takeWord = () => {
    const end = rest.indexOf(' ');
    const word = end < 0 ? rest : rest.slice(0, end);
    rest = end < 0 ? '' : rest.slice(end).replace(/^ +/, '');
    return word;
  };
  const tags = rest.startsWith('@') ? parseTags(takeWord().slice(1)) : Object.create(null);
  const source = rest.startsWith(':') ? takeWord().slice(1) : '';
  const command = takeWord().toUpperCase();
  if (command === '') return null;
  const params: string[] = [];
  while (rest !== '') {
    if (rest.startsWith(':')) {
      params.push(rest.slice(1));
      break;
    }
    params.push(takeWord());
  }
  return { tags, source, command, params };
}

/** What cannot be in a line (its end, NUL) is left out of parameters. */
export function formatMessage(command: string, params: string[], tags: Record<string, string> = {}): string {
  const words = params.map((param) => param.replace(/[\r\n\0]/g, ' '));
  const last = words.length - 1;
  if (last >= 0 && (words[last] === '' || words[last]!.startsWith(':') || words[last]!.includes(' '))) {
    words[last] = ':' + words[last];
  }
  const parts = Object.entries(tags).map(([key, value]) => (value === '' ? key : `${key}=${escapeTag(value)}`));
  const prefix = parts.length > 0 ? `@${parts.join(';')} ` : '';
  return prefix + [command, ...words].join(' ');
}

export function nickOf(source: string): string {
  const end = source.search(/[!@]/);
  return end < 0 ? source : source.slice(0, end);
}
