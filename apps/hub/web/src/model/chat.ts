// Chat: this person's side of the hub: what is known of it, and what can be done there.
import { formatMessage, nickOf, parseMessage, type Message } from '../irc/message';
import { bytesOf, isRoom, keyOf, roomName, sameName } from '../irc/names';
import { Link } from '../irc/socket';
import { Registration } from '../irc/registration';
import { mentions, piecesOf } from '../text/tokens';
import { t } from '../i18n';
import { Conversation } from './conversation';
import { History } from './history';
import { keep, kept } from './kept';
import { Outbox, type Unsent } from './outbox';
import { isSaid, type EventKind, type Said } from './timeline';

export interface Toast {
  id: number;
  text: string;
}

const DEFAULT_ROOM = '#lobby';
const TYPING_EACH = 3000;
const TYPING_LASTS = 6000;
/** What a nickname, a user's name and a host take at most in front of a message. */
const MASK_BYTES = 32 + 1 + 20 + 1 + 63;

function randomId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(12)), (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Chat {
  nick = kept('nick', '');
  account = '';
  network = 'ieum';
  /** The name that was refused, and why. */
  refusal = '';
  registered = false;
  readonly conversations = new Map<string, Conversation>();
  current = '';
  readonly outbox: Outbox;
  toasts: Toast[] = [];
  /** Rooms of the hub, once they were asked for. */
  rooms: { name: string; people: number; topic: string }[] = [];
  /** What a screen reader is told. */
  announced = '';
  looking = true; // the page is in front, and shows the end of the conversation
  readonly link: Link;
  readonly history: History;
  private readonly registration: Registration;
  private readonly listeners = new Set<() => void>();
  private readonly batches = new Map<string, { type: string; label: string; messages: Message[] }>();
  private typedAt = 0;
  private readTimer = 0;
  private serial = 0;
  private frame = 0;

  constructor() {
    this.outbox = new Outbox(localStorage, Date.now);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    this.link = new Link(`${scheme}://${location.host}/irc`, {
      opened: () => this.registration.begin(this.nick),
      line: (line) => this.receive(line),
      lost: () => this.lost(),
      changed: () => this.changed(),
    });
    this.registration = new Registration((command, params) => this.send(command, params), {
      refused: (why) => this.refuse(why),
      loggedIn: (account) => (this.account = account),
    });
    this.history = new History(this);
    for (const name of kept<string[]>('rooms', [DEFAULT_ROOM])) this.conversation(name);
    for (const name of this.outbox.targets()) this.conversation(name);
    const last = kept('current', '');
    this.current = this.conversations.has(last) ? last : (this.conversations.keys().next().value ?? '');
    if (this.nick !== '') this.link.open();
  }

  // ---- Who looks at it ------------------------------------------------------------------------

  subscribe(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  /** Tells the page, once for all that happens at a time. Hidden pages draw no frames. */
  changed(): void {
    if (this.frame !== 0) return;
    const tell = () => {
      this.frame = 0;
      for (const listener of this.listeners) listener();
    };
    this.frame = document.hidden ? window.setTimeout(tell, 50) : requestAnimationFrame(tell);
  }

  toast(text: string): void {
    const toast = { id: ++this.serial, text };
    this.toasts = [...this.toasts.slice(-3), toast];
    setTimeout(() => this.dismiss(toast.id), 8000);
    this.changed();
  }
  dismiss(id: number): void {
    this.toasts = this.toasts.filter((toast) => toast.id !== id);
    this.changed();
  }

  isMe = (nick: string) => sameName(nick, this.nick);

  conversation(name: string): Conversation {
    let found = this.conversations.get(keyOf(name));
    if (!found) {
      found = new Conversation(name, isRoom(name));
      this.conversations.set(found.key, found);
    }
    return found;
  }
  get here(): Conversation | undefined {
    return this.conversations.get(this.current);
  }
  /** Rooms, then people, each by name. */
  list(rooms: boolean): Conversation[] {
    return [...this.conversations.values()]
      .filter((conversation) => conversation.isRoom === rooms)
      .sort((a, b) => a.key.localeCompare(b.key));
  }

  // ---- What a person does ---------------------------------------------------------------------

  enter(nick: string, password = ''): void {
    this.nick = nick;
    this.refusal = '';
    keep('nick', nick);
    this.registration.password = password;
    if (this.link.state.kind === 'open') this.registration.again(nick);
    else this.link.open();
    this.changed();
  }

  leaveHub(): void {
    this.send('QUIT', []);
    this.link.close();
    this.registered = false;
    for (const key of ['nick', 'secret', 'rooms', 'current']) keep(key, null);
    location.reload();
  }

  logIn(account: string, password: string): void {
    keep('secret', null);
    this.link.close();
    this.enter(account, password);
  }

  register(password: string): void {
    this.send('REGISTER', ['*', '*', password], { label: 'register' });
  }

  rename(nick: string): void {
    this.send('NICK', [nick]);
  }

  open(name: string): void {
    const conversation = this.conversation(name);
    const before = this.here;
    if (before && before !== conversation) before.newFrom = 0;
    this.current = conversation.key;
    keep('current', this.current);
    conversation.newFrom = conversation.unread > 0 ? conversation.readTo : 0;
    if (this.registered) {
      if (conversation.isRoom && !conversation.joined) this.send('JOIN', [conversation.name]);
      if (!conversation.isRoom) this.meet(conversation);
    }
    this.changed();
  }

  /** By a name that was written: a room is joined. */
  joinRoom(text: string): void {
    const name = roomName(text);
    if (name === '') this.toast(t('badRoom'));
    else this.open(name);
  }

  leave(conversation: Conversation): void {
    if (conversation.isRoom && conversation.joined) this.send('PART', [conversation.name]);
    else this.forget(conversation);
  }

  private forget(conversation: Conversation): void {
    this.conversations.delete(conversation.key);
    if (!conversation.isRoom) this.send('MONITOR', ['-', conversation.name]);
    if (this.current === conversation.key) this.current = this.conversations.keys().next().value ?? '';
    this.keepRooms();
    this.changed();
  }

  private keepRooms(): void {
    keep('rooms', this.list(true).map((room) => room.name));
  }

  say(text: string, replyTo = ''): void {
    const here = this.here;
    if (!here) return;
    if (text.startsWith('/') && !text.startsWith('//')) {
      this.command(text, here);
      return;
    }
    this.sayIn(here, text.replace(/^\/\//, '/'), false, replyTo);
  }

  private sayIn(conversation: Conversation, text: string, action: boolean, replyTo: string): void {
    const room = 512 - 2 - MASK_BYTES - bytesOf(`: PRIVMSG ${conversation.name} :`) - (action ? 9 : 0);
    let time = Date.now();
    for (const piece of piecesOf(text, room)) {
      const unsent: Unsent = {
        once: randomId(), target: conversation.name, text: piece, action, replyTo, time: time++, failed: false, reason: '',
      };
      this.outbox.add(unsent);
      this.transmit(unsent);
      replyTo = '';
    }
    conversation.newFrom = 0;
    this.typedAt = 0;
    this.changed();
  }

  private transmit(unsent: Unsent): void {
    const conversation = this.conversation(unsent.target);
    if (!this.registered || (conversation.isRoom && !conversation.joined)) return;
    const tags: Record<string, string> = { label: 's' + unsent.once, '+ieum/once': unsent.once };
    if (unsent.replyTo !== '') tags['+draft/reply'] = unsent.replyTo;
    this.send('PRIVMSG', [unsent.target, unsent.action ? `\x01ACTION ${unsent.text}\x01` : unsent.text], tags);
  }

  retry(once: string): void {
    const unsent = this.outbox.retry(once);
    if (unsent) this.transmit(unsent);
    this.changed();
  }
  discard(once: string): void {
    this.outbox.discard(once);
    this.changed();
  }

  react(conversation: Conversation, said: Said, emoji: string): void {
    const mine = said.reactions.get(emoji)?.some(this.isMe) ?? false;
    this.send('TAGMSG', [conversation.name], {
      [mine ? '+draft/unreact' : '+draft/react']: emoji, '+draft/reply': said.id,
    });
  }
  takeBack(conversation: Conversation, said: Said): void {
    this.send('REDACT', [conversation.name, said.id]);
  }

  typing(active: boolean): void {
    const here = this.here;
    if (!here || !this.registered) return;
    const now = Date.now();
    if (active ? now - this.typedAt < TYPING_EACH : this.typedAt === 0) return;
    this.typedAt = active ? now : 0;
    this.send('TAGMSG', [here.name], { '+typing': active ? 'active' : 'done' });
  }

  /** All that is shown of it was seen. */
  read(conversation: Conversation): void {
    const last = conversation.timeline.entries.findLast(isSaid);
    if (!last || last.time <= conversation.readTo) return;
    conversation.readTo = last.time;
    conversation.unread = conversation.mentioned = 0;
    clearTimeout(this.readTimer);
    this.readTimer = window.setTimeout(() => {
      this.send('MARKREAD', [conversation.name, 'timestamp=' + new Date(conversation.readTo).toISOString()]);
    }, 500);
    this.changed();
  }

  listRooms(): void {
    this.rooms = [];
    this.send('LIST', []);
  }

  private command(text: string, here: Conversation): void {
    const [, name = '', rest = ''] = text.match(/^\/(\S*)\s*([^]*)$/) ?? [];
    const [first = '', ...words] = rest.split(' ');
    const others = words.join(' ');
    switch (name.toLowerCase()) {
      case 'join': return this.joinRoom(first);
      case 'part': case 'leave': case 'close': return this.leave(here);
      case 'me': return this.sayIn(here, rest, true, '');
      case 'nick': return this.rename(first);
      case 'topic': return this.send('TOPIC', [here.name, rest]);
      case 'away': return this.send('AWAY', rest === '' ? [] : [rest]);
      case 'kick': return this.send('KICK', [here.name, first, ...(others === '' ? [] : [others])]);
      case 'ban': return this.send('MODE', [here.name, '+b', first.includes('!') ? first : `${first}!*@*`]);
      case 'unban': return this.send('MODE', [here.name, '-b', first.includes('!') ? first : `${first}!*@*`]);
      case 'op': return this.send('MODE', [here.name, '+o', first]);
      case 'deop': return this.send('MODE', [here.name, '-o', first]);
      case 'mode': return this.send('MODE', [here.name, ...rest.split(' ').filter(Boolean)]);
      case 'invite': return this.send('INVITE', [first, here.name]);
      case 'msg': case 'query':
        if (first === '') return this.toast(t('badCommand', { name }));
        this.open(first);
        if (others !== '') this.sayIn(this.conversation(first), others, false, '');
        return;
      default: return this.toast(t('badCommand', { name }));
    }
  }

  // ---- The line out and in --------------------------------------------------------------------

  send(command: string, params: string[], tags: Record<string, string> = {}): void {
    this.link.send(formatMessage(command, params, tags));
  }

  private lost(): void {
    this.registered = false;
    this.batches.clear();
    this.history.lost();
    for (const conversation of this.conversations.values()) {
      conversation.joined = false;
      conversation.filling = true;
      conversation.loadingOlder = false;
      conversation.typing.clear();
    }
  }

  private refuse(why: string): void {
    this.refusal = why;
    this.link.close();
  }

  private receive(line: string): void {
    const message = parseMessage(line);
    if (!message) return;
    const batch = this.batches.get(message.tags.batch ?? '');
    if (batch && message.command !== 'BATCH' && batch.type === 'chathistory') {
      batch.messages.push(message);
      return;
    }
    const label = message.tags.label ?? batch?.label ?? '';
    if (message.command === 'BATCH') this.batched(message, label);
    else if (!this.registered && this.registration.handle(message)) return;
    else this.handle(message, label);
    this.changed();
  }

  private batched(message: Message, label: string): void {
    const reference = message.params[0] ?? '';
    if (reference.startsWith('+')) {
      this.batches.set(reference.slice(1), { type: message.params[1] ?? '', label, messages: [] });
      return;
    }
    const batch = this.batches.get(reference.slice(1));
    this.batches.delete(reference.slice(1));
    if (batch?.type === 'chathistory') this.history.page(batch.label, batch.messages);
    if (batch?.type === 'draft/chathistory-targets') this.history.targetsListed();
  }

  private handle(message: Message, label: string): void {
    const { command, params, tags, source } = message;
    const nick = nickOf(source);
    const time = tags.time ? Date.parse(tags.time) : Date.now();
    const id = tags.msgid ?? '';
    const happened = (conversation: Conversation, kind: EventKind, who: string, about = '', text = '') => {
      conversation.timeline.add({ kind, id, time, nick: who, about, text });
      this.follow(conversation, id);
      conversation.version++;
    };
    switch (command) {
      case '001': return this.welcome(params[0] ?? this.nick);
      case '005': {
        const network = params.find((param) => param.startsWith('NETWORK='));
        if (network) this.network = network.slice(8);
        return;
      }
      case 'PING': return this.send('PONG', params);
      case 'RESUME':
        if (params[0] === 'TOKEN') keep('secret', params[1] ?? '');
        return;
      case 'JOIN': {
        const room = this.conversation(params[0] ?? '');
        const member = room.member(nick);
        if (this.isMe(nick)) this.entered(room);
        else happened(room, 'join', nick);
        member.nick = nick;
        return;
      }
      case 'PART': case 'KICK': {
        const room = this.conversation(params[0] ?? '');
        const who = command === 'KICK' ? (params[1] ?? '') : nick;
        room.members.delete(keyOf(who));
        if (!this.isMe(who)) {
          happened(room, command === 'KICK' ? 'kick' : 'part', command === 'KICK' ? nick : who, who, params.at(-1));
          return;
        }
        room.joined = false;
        if (command === 'KICK') this.toast(t('youWereKicked', { room: room.name, nick }));
        this.forget(room);
        return;
      }
      case 'QUIT':
        for (const conversation of this.conversations.values()) {
          if (conversation.members.delete(keyOf(nick))) happened(conversation, 'quit', nick);
        }
        return;
      case 'NICK': {
        const to = params[0] ?? '';
        if (this.isMe(nick)) {
          this.nick = to;
          keep('nick', to);
        }
        for (const conversation of this.conversations.values()) {
          if (conversation.rename(nick, to)) happened(conversation, 'nick', nick, to);
        }
        return;
      }
      case 'TOPIC': {
        const room = this.conversation(params[0] ?? '');
        room.topic = params[1] ?? '';
        happened(room, 'topic', nick, room.topic);
        return;
      }
      case 'MODE':
        if (isRoom(params[0] ?? '')) {
          const room = this.conversation(params[0]!);
          happened(room, 'mode', nick, '', params.slice(1).join(' '));
          this.send('NAMES', [room.name]);
        }
        return;
      case 'AWAY':
        for (const conversation of this.conversations.values()) {
          const member = conversation.members.get(keyOf(nick));
          if (member) member.away = params.length > 0;
          if (sameName(conversation.name, nick)) conversation.presence = params.length > 0 ? 'away' : 'here';
          conversation.version++;
        }
        return;
      case '332': this.conversation(params[1] ?? '').topic = params[2] ?? ''; return;
      case '353': return this.named(params[2] ?? '', params[3] ?? '');
      case '354': return this.described(params);
      case '730': case '731':
        for (const target of (params[1] ?? '').split(',')) {
          const found = this.conversations.get(keyOf(nickOf(target)));
          if (found && !found.isRoom) found.presence = command === '730' ? 'here' : 'off';
        }
        return;
      case '322':
        this.rooms.push({ name: params[1] ?? '', people: Number(params[2]), topic: params[3] ?? '' });
        return;
      case 'PRIVMSG': case 'NOTICE': case 'TAGMSG': return this.said(message, true);
      case 'REDACT': return this.conversation(this.otherSide(nick, params[0] ?? '')).timeline.redact(params[1] ?? '');
      case 'MARKREAD': return this.marked(params[0] ?? '', params[1] ?? '*');
      case 'CHATHISTORY': return this.history.target(params[1] ?? '', params[2] ?? '');
      case '900': this.account = params[2] ?? ''; return;
      case 'REGISTER':
        if (params[0] === 'SUCCESS') this.toast(t('registered', { account: params[1] ?? '' }));
        return;
      case 'FAIL': return this.failed(params, label);
      case 'WARN':
        if (params[0] === 'CHATHISTORY') this.history.gapAhead(label);
        return;
      case 'NOTE': return this.toast(params.at(-1) ?? '');
      case 'ERROR': return this.toast(params.at(-1) ?? '');
      default:
        if (/^[45]\d\d$/.test(command)) this.refused(command, params, label);
    }
  }

  private welcome(nick: string): void {
    this.registered = true;
    this.nick = nick;
    keep('nick', nick);
    this.link.settled();
    for (const conversation of this.list(true)) this.send('JOIN', [conversation.name]);
    this.history.begin();
    for (const conversation of this.list(false)) this.meet(conversation);
    for (const unsent of this.outbox.toSend(t('tooOld'))) {
      if (!isRoom(unsent.target)) this.transmit(unsent);
    }
  }

  private entered(room: Conversation): void {
    room.joined = true;
    room.members.clear();
    this.keepRooms();
    if (this.current === '') this.current = room.key;
    this.history.fill(room);
    this.send('WHO', [room.name, '%tnf,7']);
    for (const unsent of this.outbox.toSend(t('tooOld'))) {
      if (sameName(unsent.target, room.name)) this.transmit(unsent);
    }
  }

  /** Somebody to talk with alone: how far it was read, whether they are there. */
  private meet(conversation: Conversation): void {
    this.send('MONITOR', ['+', conversation.name]);
    this.send('MARKREAD', [conversation.name]);
    if (conversation.knownTo === '') this.history.fill(conversation);
  }

  private named(name: string, list: string): void {
    const room = this.conversation(name);
    for (const word of list.split(' ').filter(Boolean)) {
      const prefixes = word.match(/^[@+]*/)![0];
      const member = room.member(word.slice(prefixes.length));
      member.op = prefixes.includes('@');
      member.voice = prefixes.includes('+');
    }
    room.version++;
  }

  private described(params: string[]): void {
    // me, token, nick, flags
    const [, , nick = '', flags = ''] = params;
    for (const conversation of this.conversations.values()) {
      const member = conversation.members.get(keyOf(nick));
      if (!member) continue;
      member.away = flags.startsWith('G');
      member.bot = flags.includes('B');
      conversation.version++;
    }
  }

  private otherSide(nick: string, target: string): string {
    return isRoom(target) || this.isMe(nick) ? target : nick;
  }

  private follow(conversation: Conversation, id: string): void {
    if (id !== '' && !conversation.filling) conversation.knownTo = id;
  }

  /** `live`: it was said just now, and is no history. */
  said(message: Message, live: boolean): void {
    const { tags, params, source, command } = message;
    const nick = nickOf(source);
    if (!source.includes('!')) {
      if (live && params[1]) this.toast(params[1]); // the hub's own word
      return;
    }
    const time = tags.time ? Date.parse(tags.time) : Date.now();
    const name = this.otherSide(nick, params[0] ?? '');
    const isKnown = this.conversations.has(keyOf(name));
    if (!isKnown && command === 'TAGMSG') return; // who types may think better of it
    const conversation = this.conversation(name);
    if (!isKnown && live && !conversation.isRoom) this.meet(conversation);
    const replyTo = tags['+draft/reply'] ?? '';
    if (live) this.follow(conversation, tags.msgid ?? '');
    if (command === 'TOPIC') {
      conversation.timeline.add({ kind: 'topic', id: tags.msgid ?? '', time, nick, about: params[1] ?? '', text: '' });
      return;
    }
    if (command === 'TAGMSG') {
      const typing = tags['+typing'];
      if (typing && live && !this.isMe(nick)) this.typed(conversation, nick, typing === 'active');
      const emoji = tags['+draft/react'] ?? tags['+draft/unreact'];
      if (emoji && replyTo !== '') {
        conversation.timeline.react({ to: replyTo, nick, emoji, on: tags['+draft/react'] !== undefined });
      }
      return;
    }
    let text = params[1] ?? '';
    const action = /^\x01ACTION ([^\x01]*)\x01?$/.exec(text);
    if (action) text = action[1]!;
    const once = tags['+ieum/once'] ?? '';
    if (once !== '' && this.isMe(nick)) this.outbox.settle(once);
    conversation.typing.delete(keyOf(nick));
    const isNew = conversation.timeline.add({
      kind: action ? 'action' : command === 'NOTICE' ? 'notice' : 'message',
      id: tags.msgid ?? '', time, nick, text, account: tags.account ?? '', bot: tags.bot !== undefined,
      replyTo, once, redacted: false, reactions: new Map(), changes: 0,
    });
    if (isNew && live) this.heard(conversation, nick, text);
  }

  private heard(conversation: Conversation, nick: string, text: string): void {
    const isSeen = this.looking && this.current === conversation.key && !document.hidden && document.hasFocus();
    if (!isSeen && !this.isMe(nick) && conversation.newFrom === 0 && this.current === conversation.key) {
      conversation.newFrom = conversation.readTo;
    }
    if (this.looking && conversation.timeline.trim()) conversation.hasOlder = true;
    conversation.count(this.nick, (said) => mentions(said, this.nick));
    if (this.current === conversation.key && !this.isMe(nick)) this.announced = `${nick}: ${text}`;
    if (isSeen || this.isMe(nick)) return;
    if ((!conversation.isRoom || mentions(text, this.nick)) && kept('notify', false)) this.notify(conversation, nick, text);
  }

  private notify(conversation: Conversation, nick: string, text: string): void {
    if (!('Notification' in window) || Notification.permission !== 'granted') return;
    const title = conversation.isRoom ? `${nick} · ${conversation.name}` : nick;
    const notification = new Notification(title, { body: text.slice(0, 200), tag: conversation.key });
    notification.onclick = () => {
      window.focus();
      this.open(conversation.name);
      notification.close();
    };
  }

  private typed(conversation: Conversation, nick: string, active: boolean): void {
    if (active) conversation.typing.set(keyOf(nick), { nick, until: Date.now() + TYPING_LASTS });
    else conversation.typing.delete(keyOf(nick));
    conversation.version++;
    setTimeout(() => {
      const typing = conversation.typing.get(keyOf(nick));
      if (typing && typing.until <= Date.now()) conversation.typing.delete(keyOf(nick));
      this.changed();
    }, TYPING_LASTS + 50);
  }

  private marked(name: string, marker: string): void {
    const conversation = this.conversation(name);
    const time = marker.startsWith('timestamp=') ? Date.parse(marker.slice(10)) : 0;
    // Who has never been here has nothing to catch up on.
    if (time > 0) conversation.readTo = Math.max(conversation.readTo, time);
    else if (conversation.readTo === 0 && conversation.isRoom) conversation.readTo = Date.now();
    this.recount(conversation);
  }

  recount(conversation: Conversation): void {
    conversation.count(this.nick, (said) => mentions(said, this.nick));
    this.changed();
  }

  private failed(params: string[], label: string): void {
    const [command = '', code = ''] = params;
    const text = params.at(-1) ?? '';
    if (command === 'CHATHISTORY') return this.history.refused(label, code);
    if (label.startsWith('s')) {
      const once = label.slice(1);
      if (code === 'UNKNOWN_OUTCOME') {
        // It may be kept or not; with its id it is safe to say it again.
        setTimeout(() => {
          const unsent = this.outbox.get(once);
          if (unsent && !unsent.failed) this.transmit(unsent);
        }, 2000);
        return;
      }
      return this.outbox.fail(once, text);
    }
    this.toast(text);
  }

  private refused(command: string, params: string[], label: string): void {
    const text = params.at(-1) ?? '';
    if (command === '422' || command === '401' && !label) return;
    if (label.startsWith('s')) return this.outbox.fail(label.slice(1), text);
    const name = params[1] ?? '';
    if (isRoom(name) && ['403', '405', '471', '473', '474', '475'].includes(command)) {
      for (const unsent of this.outbox.of(name)) this.outbox.fail(unsent.once, text);
    }
    this.toast(isRoom(name) ? `${name}: ${text}` : text);
  }
}
