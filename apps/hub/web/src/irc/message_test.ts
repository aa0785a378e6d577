import assert from 'node:assert/strict';
import { test } from 'node:test';
import { formatMessage, nickOf, parseMessage } from './message';
import { initials, isNick, keyOf, roomName } from './names';
import { keepAlive, retryDelay } from './pace';

test('a line is taken apart', () => {
  const message = parseMessage('@time=2026-11-28T14:00:00.000Z;+draft/reply=a\\:b\\sc;x :ann!~u@h PRIVMSG #home :hello there\r\n')!;
  assert.equal(message.tags.time, '2026-11-28T14:00:00.000Z');
  assert.equal(message.tags['+draft/reply'], 'a;b c');
  assert.equal(message.tags.x, '');
  assert.equal(message.source, 'ann!~u@h');
  assert.equal(message.command, 'PRIVMSG');
  assert.deepEqual(message.params, ['#home', 'hello there']);
  assert.equal(nickOf(message.source), 'ann');
});

test('odd lines do no harm', () => {
  assert.equal(parseMessage(''), null);
  assert.equal(parseMessage('@a=b'), null);
  assert.equal(parseMessage(':only.a.source'), null);
  assert.deepEqual(parseMessage('ping  a   b :')!.params, ['a', 'b', '']);
  assert.equal(parseMessage('@__proto__=x PING')!.tags.toString, undefined);
});

test('what is put together is one line, whatever is in it', () => {
  assert.equal(formatMessage('PRIVMSG', ['#a', 'hi']), 'PRIVMSG #a hi');
  assert.equal(formatMessage('PRIVMSG', ['#a', ':-)']), 'PRIVMSG #a ::-)');
  assert.equal(formatMessage('PRIVMSG', ['#a', 'a\r\nQUIT']), 'PRIVMSG #a :a  QUIT');
  assert.equal(formatMessage('TAGMSG', ['#a'], { '+x': 'a; b', y: '' }), '@+x=a\\:\\sb;y TAGMSG #a');
  const text = 'back\\slash; and more';
  assert.equal(parseMessage(formatMessage('X', [], { a: text }))!.tags.a, text);
});

test('names', () => {
  assert.equal(keyOf('Ann'), 'ann');
  assert.equal(roomName('  my room '), '#my-room');
  assert.equal(roomName('##a'), '#a');
  assert.equal(roomName('#'), '');
  assert.equal(roomName('가'.repeat(22)), '');
  assert.ok(isNick('ann') && isNick('하윤') && isNick('_x-1'));
  assert.ok(!isNick('') && !isNick('1a') && !isNick('a b') && !isNick('#a') && !isNick('a'.repeat(33)));
  assert.equal(initials('mina'), 'MI');
  assert.equal(initials('jan-ole'), 'JO');
  assert.equal(initials('하윤'), '하');
});

test('it tries again after a while that grows, and gives up what says nothing', () => {
  assert.equal(retryDelay(0, 0.5), 2000);
  assert.equal(retryDelay(3, 0.5), 16_000);
  assert.ok(retryDelay(30, 1) <= 37_500 && retryDelay(30, 0) >= 22_500);
  assert.equal(keepAlive(100_000, 90_000, 0), 'wait');
  assert.equal(keepAlive(100_000, 70_000, 0), 'ask');
  assert.equal(keepAlive(100_000, 70_000, 95_000), 'wait');
  assert.equal(keepAlive(106_000, 70_000, 95_000), 'give up');
});
