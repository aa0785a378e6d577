import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, SAFE_TO_REPEAT, type Store, type Unsent } from './outbox';
import { foldedOf, rowsOf } from './rows';
import { Timeline, type Happened, type Said } from './timeline';

function said(id: string, time: number, nick = 'ann', text = 'hello'): Said {
  return { kind: 'message', id, time, nick, text, account: '', bot: false, replyTo: '', once: '', redacted: false, reactions: new Map(), changes: 0 };
}
function happened(kind: Happened['kind'], nick: string, about = ''): Happened {
  return { kind, id: '', time: 1, nick, about, text: '' };
}

class MemoryStore implements Store {
  private readonly map = new Map<string, string>();
  get length() { return this.map.size; }
  key(index: number) { return [...this.map.keys()][index] ?? null; }
  getItem(key: string) { return this.map.get(key) ?? null; }
  setItem(key: string, value: string) { this.map.set(key, value); }
  removeItem(key: string) { this.map.delete(key); }
}
function unsent(once: string, time = 0, target = '#a'): Unsent {
  return { once, target, text: once, action: false, replyTo: '', time, failed: false, reason: '' };
}

test('what comes in any order, and twice, is there in order, once', () => {
  const timeline = new Timeline();
  for (const position of [5, 9, 7, 6, 8, 7, 5]) timeline.add(said(`e.1.${position}`, 100 - position));
  assert.deepEqual(timeline.entries.map((entry) => entry.id), ['e.1.5', 'e.1.6', 'e.1.7', 'e.1.8', 'e.1.9']);
  assert.equal(timeline.lastId(), 'e.1.9');
});

test('of different epochs, time decides', () => {
  const timeline = new Timeline();
  timeline.add(said('new.1.1', 200));
  timeline.add(said('old.1.900', 100));
  assert.deepEqual(timeline.entries.map((entry) => entry.id), ['old.1.900', 'new.1.1']);
});

test('reactions count once a person, also before the message is there', () => {
  const timeline = new Timeline();
  timeline.react({ to: 'e.1.1', nick: 'bob', emoji: '👍', on: true });
  timeline.add(said('e.1.1', 1));
  timeline.react({ to: 'e.1.1', nick: 'Bob', emoji: '👍', on: true });
  const entry = timeline.get('e.1.1') as Said;
  assert.deepEqual(entry.reactions.get('👍'), ['Bob']);
  timeline.react({ to: 'e.1.1', nick: 'bob', emoji: '👍', on: false });
  assert.equal(entry.reactions.size, 0);
});

test('what was deleted leaves no text', () => {
  const timeline = new Timeline();
  timeline.add(said('e.1.1', 1));
  timeline.redact('e.1.1');
  assert.equal((timeline.get('e.1.1') as Said).text, '');
  assert.deepEqual(timeline.search('hello'), []);
});

test('memory is bounded', () => {
  const timeline = new Timeline(100);
  for (let i = 1; i <= 150; ++i) timeline.add(said(`e.1.${i}`, i));
  assert.ok(timeline.trim());
  assert.equal(timeline.entries.length, 100);
  assert.equal(timeline.entries[0]!.id, 'e.1.51');
  assert.equal(timeline.get('e.1.1'), undefined);
});

test('rows have lines for days and for what is new', () => {
  const day = 24 * 3600_000;
  const entries = [said('e.1.1', day), said('e.1.2', day + 1000), said('e.1.3', 3 * day, 'bob'), said('e.1.4', 3 * day + 1, 'me')];
  const kinds = (readTo: number) => rowsOf(entries, readTo, (nick) => nick === 'me').map((row) => row.kind);
  assert.deepEqual(kinds(0), ['day', 'said', 'said', 'day', 'said', 'said']);
  assert.deepEqual(kinds(day + 1000), ['day', 'said', 'said', 'day', 'new', 'said', 'said']);
  assert.deepEqual(kinds(3 * day), ['day', 'said', 'said', 'day', 'said', 'said']); // one's own is not new
  const rows = rowsOf(entries, 0, () => false).filter((row) => row.kind === 'said');
  assert.deepEqual(rows.map((row) => row.kind === 'said' && row.continues), [false, true, false, false]);
});

test('comings and goings come to what they come to', () => {
  const folded = foldedOf([happened('join', 'a'), happened('join', 'b'), happened('quit', 'a'), happened('part', 'c'), happened('join', 'c'), happened('quit', 'd'), happened('nick', 'b', 'bee'), happened('nick', 'x', 'y'), happened('nick', 'y', 'z')]);
  assert.deepEqual(folded, { joined: ['bee'], left: ['d'], renamed: [['x', 'z']] });
});

test('the outbox survives a reload, and settles once', () => {
  const store = new MemoryStore();
  const before = new Outbox(store, () => 0);
  before.add(unsent('two', 2));
  before.add(unsent('one', 1));
  before.fail('two', 'refused');
  store.setItem('ieum.outbox.broken', '{');
  const after = new Outbox(store, () => 0);
  assert.deepEqual(after.of('#A').map((one) => one.once), ['one', 'two']);
  assert.deepEqual(after.toSend('').map((one) => one.once), ['one']);
  assert.ok(after.settle('one'));
  assert.ok(!after.settle('one'));
  after.retry('two');
  assert.deepEqual(new Outbox(store, () => 0).toSend('').map((one) => one.once), ['two']);
});

test('what is too old to be safe is not sent again by itself', () => {
  const outbox = new Outbox(new MemoryStore(), () => SAFE_TO_REPEAT + 10);
  outbox.add(unsent('old', 1));
  outbox.add(unsent('young', 100));
  assert.deepEqual(outbox.toSend('too old').map((one) => one.once), ['young']);
  assert.equal(outbox.get('old')!.reason, 'too old');
});
