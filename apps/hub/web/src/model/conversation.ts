// Conversation: a room, or two people: what was said, who is there, and how far it was read.
import { keyOf } from '../irc/names';
import { isSaid, Timeline } from './timeline';

export interface Member {
  nick: string;
  op: boolean;
  voice: boolean;
  away: boolean;
  bot: boolean;
}

export class Conversation {
  readonly timeline = new Timeline();
  readonly members = new Map<string, Member>();
  topic = '';
  joined = false;
  /** Of two: is the other there? */
  presence: 'here' | 'away' | 'off' = 'off';
  /** Up to when it was read; 0: not known yet. */
  readTo = 0;
  /** Where the line "new" stands, while one looks at it. */
  newFrom = 0;
  unread = 0;
  mentioned = 0;
  /** Filling what was missed: what comes meanwhile does not follow what is there. */
  filling = false;
  /** Up to here all is known. */
  knownTo = '';
  hasOlder = true;
  loadingOlder = false;
  readonly typing = new Map<string, { nick: string; until: number }>();
  version = 0;

  constructor(
    readonly name: string,
    readonly isRoom: boolean,
  ) {}

  get key(): string {
    return keyOf(this.name);
  }

  member(nick: string): Member {
    let member = this.members.get(keyOf(nick));
    if (!member) {
      member = { nick, op: false, voice: false, away: false, bot: false };
      this.members.set(keyOf(nick), member);
    }
    return member;
  }

  rename(from: string, to: string): boolean {
    const member = this.members.get(keyOf(from));
    if (!member) return false;
    this.members.delete(keyOf(from));
    member.nick = to;
    this.members.set(keyOf(to), member);
    return true;
  }

  /** Counts again what was not read. */
  count(me: string, mentionsMe: (text: string) => boolean): void {
    this.unread = 0;
    this.mentioned = 0;
    for (let i = this.timeline.entries.length - 1; i >= 0; --i) {
      const entry = this.timeline.entries[i]!;
      if (entry.time <= this.readTo) break;
      if (!isSaid(entry) || entry.redacted || keyOf(entry.nick) === keyOf(me)) continue;
      this.unread++;
      if (!this.isRoom || mentionsMe(entry.text)) this.mentioned++;
    }
  }
}
