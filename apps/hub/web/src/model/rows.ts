// What a timeline looks like: its entries in rows, with lines for days and for what is new, and with
// comings and goings folded into one row.
import { isSaid, type Entry, type Gap, type Happened, type Said } from './timeline';

export type Row =
  | { kind: 'day'; key: string; time: number }
  | { kind: 'new'; key: string }
  | { kind: 'said'; key: string; said: Said; continues: boolean }
  | { kind: 'fold'; key: string; events: Happened[] }
  | { kind: 'event'; key: string; event: Happened }
  | { kind: 'gap'; key: string; gap: Gap };

const CONTINUES_WITHIN = 5 * 60_000;
const FOLDED = new Set(['join', 'part', 'quit', 'nick']);

/** When the day of `time` begins and ends, here. */
function dayOf(time: number): { from: number; to: number } {
  const from = new Date(time).setHours(0, 0, 0, 0);
  return { from, to: new Date(from).setDate(new Date(from).getDate() + 1) };
}

/** `readTo`: what is later is new, unless it is `me` who said it; 0: nothing is. */
export function rowsOf(entries: Entry[], readTo: number, isMe: (nick: string) => boolean): Row[] {
  const rows: Row[] = [];
  let day = { from: 0, to: 0 };
  let told = readTo === 0;
  let last: Said | null = null;
  entries.forEach((entry, index) => {
    const key = entry.id || `${entry.time}-${index}`;
    if (entry.time < day.from || entry.time >= day.to) {
      day = dayOf(entry.time);
      rows.push({ kind: 'day', key: 'day' + day.from, time: entry.time });
      last = null;
    }
    if (!told && isSaid(entry) && entry.time > readTo && !isMe(entry.nick)) {
      rows.push({ kind: 'new', key: 'new' });
      told = true;
      last = null;
    }
    if (isSaid(entry)) {
      const continues: boolean =
        last !== null &&
        last.nick === entry.nick &&
        last.kind === entry.kind &&
        entry.kind !== 'action' &&
        entry.replyTo === '' &&
        entry.time - last.time < CONTINUES_WITHIN;
      rows.push({ kind: 'said', key, said: entry, continues });
      last = entry;
      return;
    }
    last = null;
    if (entry.kind === 'gap') rows.push({ kind: 'gap', key, gap: entry });
    else if (FOLDED.has(entry.kind)) {
      const before = rows.at(-1);
      if (before?.kind === 'fold') before.events.push(entry);
      else rows.push({ kind: 'fold', key: 'fold' + key, events: [entry] });
    } else rows.push({ kind: 'event', key, event: entry });
  });
  return rows;
}

export interface Folded {
  joined: string[];
  left: string[];
  renamed: [string, string][];
}

/** What it comes to in the end: who came and went again is not worth a word. */
export function foldedOf(events: Happened[]): Folded {
  const was = new Map<string, boolean>();
  const now = new Map<string, boolean>();
  const first = new Map<string, string>(); // the name before
  const note = (nick: string, before: boolean, after: boolean) => {
    if (!was.has(nick)) was.set(nick, before);
    now.set(nick, after);
  };
  for (const event of events) {
    if (event.kind === 'join') note(event.nick, false, true);
    else if (event.kind === 'nick') {
      first.set(event.about, first.get(event.nick) ?? event.nick);
      first.delete(event.nick);
      if (was.has(event.nick)) {
        was.set(event.about, was.get(event.nick)!);
        now.set(event.about, now.get(event.nick)!);
        was.delete(event.nick);
        now.delete(event.nick);
      }
    } else note(event.nick, true, false);
  }
  const joined = [...now].filter(([nick, here]) => here && !was.get(nick)).map(([nick]) => nick);
  const left = [...now].filter(([nick, here]) => !here && was.get(nick)).map(([nick]) => nick);
  const renamed = [...first].filter(([to, from]) => to !== from && !joined.includes(to)).map(([to, from]): [string, string] => [from, to]);
  return { joined, left, renamed };
}
