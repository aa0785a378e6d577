import assert from 'node:assert/strict';
import { test } from 'node:test';
import { completionsOf, rank } from './completion';
import { mentions, piecesOf, safeUrl, tokensOf } from './tokens';

const kinds = (text: string, nick = '') => tokensOf(text, nick).map((token) => `${token.kind}:${token.text}`);

test('links are http, https and mailto', () => {
  assert.deepEqual(kinds('see https://a.example/x_(y), and more'), ['text:see ', 'link:https://a.example/x_(y)', 'text:, and more']);
  assert.deepEqual(kinds('(http://a.example)'), ['text:(', 'link:http://a.example', 'text:)']);
  assert.equal(safeUrl('javascript:alert(1)'), null);
  assert.equal(safeUrl('data:text/html,x'), null);
  assert.deepEqual(kinds('javascript:alert(1)'), ['text:javascript:alert(1)']);
});

test('markup is text', () => {
  assert.deepEqual(kinds('<img src=x onerror=alert(1)>'), ['text:<img src=x onerror=alert(1)>']);
});

test('code, strong and emphasis; and what only looks like it', () => {
  assert.deepEqual(kinds('a `b *c*` d'), ['text:a ', 'code:b *c*', 'text: d']);
  assert.deepEqual(kinds('*really* **so**'), ['emphasis:really', 'text: ', 'strong:so']);
  assert.deepEqual(kinds('2*3*4 and a * b * c'), ['text:2*3*4 and a * b * c']);
});

test('mentions are whole names', () => {
  assert.deepEqual(kinds('@hayun and hayuna', 'hayun'), ['mention:@hayun', 'text: and hayuna']);
  assert.ok(mentions('Ann: hi', 'ann'));
  assert.ok(!mentions('annual', 'ann'));
  assert.ok(mentions('a[b, come', 'a[b'));
});

test('codes of old clients are left out', () => {
  assert.deepEqual(kinds('\x0304,02red\x03 \x02bold\x02'), ['text:red bold']);
});

test('long texts are parted at lines, words, and letters', () => {
  assert.deepEqual(piecesOf('one\n\ntwo', 100), ['one', 'two']);
  assert.deepEqual(piecesOf('aaa bbb ccc', 7), ['aaa bbb', 'ccc']);
  assert.deepEqual(piecesOf('가나다', 6), ['가나', '다']);
  const text = 'word '.repeat(500) + '한글'.repeat(300);
  for (const piece of piecesOf(text, 350)) assert.ok(new TextEncoder().encode(piece).length <= 350);
  assert.equal(piecesOf(text, 350).join('').replace(/ /g, ''), text.replace(/ /g, ''));
});

test('names are completed in turn', () => {
  const names = ['mina', 'Mike', 'sol'];
  assert.deepEqual(completionsOf('mi', 2, names).map((one) => one.text), ['mina: ', 'Mike: ']);
  assert.deepEqual(completionsOf('hi @so', 6, names), [{ text: 'hi @sol ', caret: 8 }]);
  assert.deepEqual(completionsOf('', 0, names), []);
});

test('the switcher ranks what begins so first', () => {
  assert.equal(rank('xyz', 'design'), null);
  assert.ok(rank('des', '#design')! < rank('sig', '#design')!);
  assert.ok(rank('sig', '#design')! < rank('dsn', '#design')!);
});
