// History: fills what is not known of a conversation: at its end after a loss, or further back.
import type { Message } from '../irc/message';
import { isRoom, keyOf } from '../irc/names';
import type { Chat } from './chat';
import type { Conversation } from './conversation';

const PAGE = 100;
const FIRST_PAGE = 60;
/** More than so many pages that were missed are not fetched: the newest are shown instead. */
const PAGES_MAX = 10;
const TARGETS_BACK = 30 * 24 * 3600_000;

interface Asked {
  conversation: Conversation;
  how: 'latest' | 'after' | 'before';
  pages: number;
  limit: number;
}

export class History {
  private readonly asked = new Map<string, Asked>();
  private readonly gaps = new Set<string>();
  private serial = 0;
  private lastSeen = 0;

  constructor(private readonly chat: Chat) {}

  /** Which conversations of two there are, or were meanwhile. */
  begin(): void {
    const from = this.lastSeen === 0 ? Date.now() - TARGETS_BACK : this.lastSeen - 60_000;
    const stamp = (time: number) => 'timestamp=' + new Date(time).toISOString();
    this.chat.send('CHATHISTORY', ['TARGETS', stamp(from), stamp(Date.now() + 60_000), '50']);
  }

  lost(): void {
    this.lastSeen = Date.now();
    this.asked.clear();
    this.gaps.clear();
  }

  target(name: string, latest: string): void {
    if (name === '' || isRoom(name)) return;
    const known = this.chat.conversations.has(keyOf(name));
    const conversation = this.chat.conversation(name);
    if (!known) this.chat.send('MARKREAD', [name]);
    if (!known) this.chat.send('MONITOR', ['+', name]);
    if (Date.parse(latest) > 0) this.fill(conversation);
  }

  /** All that had something new are being filled; of the others nothing was missed. */
  targetsListed(): void {
    const filling = new Set([...this.asked.values()].map((asked) => asked.conversation));
    for (const conversation of this.chat.list(false)) {
      if (!filling.has(conversation)) conversation.filling = false;
    }
  }

  /** What is behind the last that is known; all that is new if nothing is. */
  fill(conversation: Conversation): void {
    if ([...this.asked.values()].some((asked) => asked.conversation === conversation && asked.how !== 'before')) return;
    conversation.filling = true;
    if (conversation.knownTo !== '') this.ask(conversation, 'after', 'msgid=' + conversation.knownTo, PAGE, 1);
    else this.ask(conversation, 'latest', '*', FIRST_PAGE, 1);
  }

  older(conversation: Conversation): void {
    const first = conversation.timeline.firstSaidId();
    if (!this.chat.registered || !conversation.hasOlder || conversation.loadingOlder || first === '') return;
    conversation.loadingOlder = true;
    this.ask(conversation, 'before', 'msgid=' + first, PAGE, 1);
  }

  private ask(conversation: Conversation, how: Asked['how'], from: string, limit: number, pages: number): void {
    const label = 'h' + ++this.serial;
    this.asked.set(label, { conversation, how, pages, limit });
    this.chat.send('CHATHISTORY', [how.toUpperCase(), conversation.name, from, String(limit)], { label });
  }

  gapAhead(label: string): void {
    this.gaps.add(label);
  }

  page(label: string, messages: Message[]): void {
    const asked = this.asked.get(label);
    this.asked.delete(label);
    if (!asked) return;
    const { conversation, how } = asked;
    if (this.gaps.delete(label)) this.addGap(conversation, messages);
    for (const message of messages) this.chat.said(message, false);
    const isFull = messages.length >= asked.limit;
    if (how !== 'after') conversation.hasOlder = isFull;
    if (how === 'before') conversation.loadingOlder = false;
    if (how === 'after' && isFull) {
      this.further(conversation, messages, asked.pages);
    } else if (how !== 'before') {
      conversation.filling = false;
      conversation.knownTo = conversation.timeline.lastId() || conversation.knownTo;
    }
    conversation.version++;
    this.chat.recount(conversation);
  }

  private further(conversation: Conversation, messages: Message[], pages: number): void {
    if (pages >= PAGES_MAX) {
      conversation.timeline.clear();
      this.ask(conversation, 'latest', '*', FIRST_PAGE, 1);
      return;
    }
    conversation.knownTo = messages.at(-1)?.tags.msgid ?? conversation.knownTo;
    this.ask(conversation, 'after', 'msgid=' + conversation.knownTo, PAGE, pages + 1);
  }

  refused(label: string, code: string): void {
    const asked = this.asked.get(label);
    this.asked.delete(label);
    if (!asked) return;
    const { conversation } = asked;
    conversation.loadingOlder = false;
    if (code === 'GAP' && asked.how === 'after') {
      this.addGap(conversation, []);
      conversation.knownTo = '';
      this.fill(conversation);
    } else if (asked.how !== 'before') {
      conversation.filling = false;
    }
  }

  private addGap(conversation: Conversation, before: Message[]): void {
    const time = before[0]?.tags.time ? Date.parse(before[0].tags.time) - 1 : Date.now();
    conversation.timeline.add({ kind: 'gap', id: '', time, nick: '' });
  }
}
