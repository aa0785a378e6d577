// Timeline: what was said in one conversation, in the hub's order.
import { keyOf, sameName } from '../irc/names';

export type EventKind = 'join' | 'part' | 'quit' | 'nick' | 'kick' | 'topic' | 'mode';

interface Base {
  /** `EPOCH.ROOM.POSITION`; empty: not (or not yet) of the hub's order. */
  id: string;
  time: number;
  nick: string;
}
export interface Said extends Base {
  kind: 'message' | 'notice' | 'action';
  text: string;
  account: string;
  bot: boolean;
  replyTo: string;
  once: string;
  redacted: boolean;
  /** Nicks by reaction. */
  reactions: Map<string, string[]>;
  /** Counts what has changed of it since it was said. */
  changes: number;
}
export interface Happened extends Base {
  kind: EventKind;
  /** Whom it concerns, or the new name, or the topic. */
  about: string;
  text: string;
}
export interface Gap extends Base {
  kind: 'gap';
}
export type Entry = Said | Happened | Gap;

export const isSaid = (entry: Entry): entry is Said =>
  entry.kind === 'message' || entry.kind === 'notice' || entry.kind === 'action';

interface Place {
  stream: string;
  position: number;
}
function placeOf(id: string): Place | null {
  const at = id.lastIndexOf('.');
  const position = Number(id.slice(at + 1));
  return at > 0 && Number.isSafeInteger(position) ? { stream: id.slice(0, at), position } : null;
}

/** Is `a` behind `b`: by their places, and by time where they have none in common. */
function isBehind(a: Entry, b: Entry): boolean {
  const placeA = placeOf(a.id);
  const placeB = placeOf(b.id);
  if (placeA && placeB && placeA.stream === placeB.stream) return placeA.position > placeB.position;
  return a.time >= b.time;
}

interface Reaction {
  to: string;
  nick: string;
  emoji: string;
  on: boolean;
}

export class Timeline {
  entries: Entry[] = [];
  /** Changes with everything. */
  version = 0;
  private readonly byId = new Map<string, Entry>();
  private readonly early = new Map<string, Reaction[]>();

  constructor(private readonly max = 5000) {}

  get(id: string): Entry | undefined {
    return this.byId.get(id);
  }

  /** False: it is there already. */
  add(entry: Entry): boolean {
    if (entry.id !== '' && this.byId.has(entry.id)) return false;
    this.entries.splice(this.placeFor(entry), 0, entry);
    if (entry.id !== '') this.byId.set(entry.id, entry);
    for (const reaction of this.early.get(entry.id) ?? []) this.react(reaction);
    this.early.delete(entry.id);
    this.version++;
    return true;
  }

  private placeFor(entry: Entry): number {
    let from = 0;
    let to = this.entries.length;
    if (to === 0 || isBehind(entry, this.entries[to - 1]!)) return to;
    while (from < to) {
      const middle = (from + to) >> 1;
      if (isBehind(entry, this.entries[middle]!)) from = middle + 1;
      else to = middle;
    }
    return from;
  }

  react(reaction: Reaction): void {
    const entry = this.byId.get(reaction.to);
    if (!entry) {
      if (this.early.size > 500) this.early.clear();
      this.early.set(reaction.to, [...(this.early.get(reaction.to) ?? []), reaction]);
      return;
    }
    if (!isSaid(entry)) return;
    const nicks = (entry.reactions.get(reaction.emoji) ?? []).filter((nick) => !sameName(nick, reaction.nick));
    if (reaction.on) nicks.push(reaction.nick);
    if (nicks.length > 0) entry.reactions.set(reaction.emoji, nicks);
    else entry.reactions.delete(reaction.emoji);
    entry.changes++;
    this.version++;
  }

  redact(id: string): void {
    const entry = this.byId.get(id);
    if (!entry || !isSaid(entry)) return;
    entry.redacted = true;
    entry.text = '';
    entry.reactions.clear();
    entry.changes++;
    this.version++;
  }

  /** Everything goes: what comes next is not known to follow it. */
  clear(): void {
    this.entries = [];
    this.byId.clear();
    this.early.clear();
    this.version++;
  }

  /** Lets the oldest go, while nobody looks at them. True: some went. */
  trim(): boolean {
    const surplus = this.entries.length - this.max;
    if (surplus <= 0) return false;
    for (const entry of this.entries.splice(0, surplus)) this.byId.delete(entry.id);
    this.version++;
    return true;
  }

  lastId(): string {
    return this.entries.findLast((entry) => entry.id !== '')?.id ?? '';
  }
  firstSaidId(): string {
    return this.entries.find((entry) => entry.id !== '' && isSaid(entry))?.id ?? '';
  }
  /** Those who spoke, the latest first. */
  speakers(): string[] {
    const seen = new Map<string, string>();
    for (let i = this.entries.length - 1; i >= 0 && i > this.entries.length - 300; --i) {
      const entry = this.entries[i]!;
      if (isSaid(entry) && !seen.has(keyOf(entry.nick))) seen.set(keyOf(entry.nick), entry.nick);
    }
    return [...seen.values()];
  }
  search(query: string): Said[] {
    const wanted = query.toLowerCase();
    if (wanted === '') return [];
    return this.entries
      .filter(isSaid)
      .filter((said) => said.text.toLowerCase().includes(wanted) || said.nick.toLowerCase() === wanted)
      .reverse();
  }
}
