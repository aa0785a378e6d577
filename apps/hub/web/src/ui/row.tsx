// Rows of a conversation.
import { useMemo, useState } from 'preact/hooks';
import { dayText, language, t, timeText } from '../i18n';
import { keyOf } from '../irc/names';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import type { Unsent } from '../model/outbox';
import { foldedOf, type Row } from '../model/rows';
import { isSaid, type Happened, type Said } from '../model/timeline';
import { Avatar } from './avatar';
import { Icon } from './icons';
import { Text } from './text';

const REACTIONS = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '👀'];
const NAMES_SHOWN = 3;

function namesOf(names: string[]): string {
  if (names.length <= NAMES_SHOWN) return names.join(', ');
  return t('more', { names: names.slice(0, NAMES_SHOWN - 1).join(', '), count: names.length - NAMES_SHOWN + 1 });
}

function foldText(events: Happened[]): string {
  const { joined, left, renamed } = foldedOf(events);
  const parts: string[] = [];
  if (joined.length > 0) parts.push(t('joined', { names: namesOf(joined) }));
  if (left.length > 0) parts.push(t('left', { names: namesOf(left) }));
  for (const [from, to] of renamed) parts.push(t('renamed', { from, to }));
  return parts.join(' · ');
}

function eventText(event: Happened): string {
  const values = { nick: event.nick, about: event.about, text: event.kind === 'topic' ? event.about : event.text };
  return t(event.kind === 'topic' ? 'topicSet' : event.kind === 'kick' ? 'kicked' : 'modeSet', values);
}

interface SaidProps {
  chat: Chat;
  conversation: Conversation;
  said: Said;
  continues: boolean;
  active: boolean;
  onActive(): void;
  onReply(said: Said): void;
}

function Tools({ chat, conversation, said, onReply }: SaidProps) {
  const [picking, setPicking] = useState(false);
  if (said.id === '' || said.redacted) return null;
  const me = conversation.members.get(keyOf(chat.nick));
  const mayDelete = chat.isMe(said.nick) || (me?.op ?? false);
  return (
    <div class="tools">
      {picking &&
        REACTIONS.map((emoji) => (
          <button class="icon" key={emoji} aria-label={emoji} onClick={() => { chat.react(conversation, said, emoji); setPicking(false); }}>{emoji}</button>
        ))}
      <button class="icon" aria-label={t('addReaction')} title={t('addReaction')} aria-expanded={picking} onClick={() => setPicking(!picking)}><Icon name="react" /></button>
      <button class="icon" aria-label={t('reply')} title={t('reply')} onClick={() => onReply(said)}><Icon name="reply" /></button>
      {mayDelete && (
        <button class="icon" aria-label={t('delete')} title={t('delete')} onClick={() => chat.takeBack(conversation, said)}><Icon name="remove" /></button>
      )}
    </div>
  );
}

function Quote({ conversation, id }: { conversation: Conversation; id: string }) {
  const quoted = conversation.timeline.get(id);
  const text = quoted && isSaid(quoted) ? `${quoted.nick}: ${quoted.redacted ? t('deleted') : quoted.text}` : '…';
  return <div class="reply">↪ {text}</div>;
}

/** Drawn again only where it has changed: there are many, and everything that happens asks for all. */
function SaidRow(props: SaidProps) {
  const { chat, said, continues, active } = props;
  const always = active || said.replyTo !== '' ? {} : null; // another each time
  return useMemo(() => drawSaid(props), [said, said.changes, continues, chat.nick, language(), always]);
}

function drawSaid(props: SaidProps) {
  const { chat, conversation, said, continues, active } = props;
  return (
    <div
      class={'m' + (continues ? ' c' : '') + (active ? ' hover' : '')}
      role="article" tabIndex={-1} data-id={said.id} aria-label={`${said.nick}, ${timeText(said.time)}`}
      onMouseEnter={props.onActive} onFocusCapture={props.onActive}
    >
      {active && <Tools {...props} />}
      {continues ? <time class="at">{timeText(said.time)}</time> : <Avatar nick={said.nick} />}
      <div>
        {said.replyTo !== '' && <Quote conversation={conversation} id={said.replyTo} />}
        {!continues && (
          <div class="h">
            <b>{said.nick}</b>
            {said.bot && <span class="via">{t('bot')}</span>}
            <time dateTime={new Date(said.time).toISOString()}>{timeText(said.time)}</time>
          </div>
        )}
        {said.redacted ? (
          <p class="gone">{t('deleted')}</p>
        ) : (
          <p class={said.kind}>
            {said.kind === 'action' && <i>{said.nick} </i>}
            <Text text={said.text} nick={chat.isMe(said.nick) ? '' : chat.nick} />
          </p>
        )}
        {said.reactions.size > 0 && (
          <div class="re">
            {[...said.reactions].map(([emoji, nicks]) => {
              const mine = nicks.some(chat.isMe);
              return (
                <button key={emoji} class={mine ? 'on' : ''} aria-pressed={mine} title={nicks.join(', ')} onClick={() => chat.react(conversation, said, emoji)}>
                  {emoji.slice(0, 16)} {nicks.length}
                </button>
              );
            })}
          </div>
        )}
      </div>
    </div>
  );
}

export function RowView({ row, ...rest }: { row: Row } & Omit<SaidProps, 'said' | 'continues'>) {
  switch (row.kind) {
    case 'said': return <SaidRow {...rest} said={row.said} continues={row.continues} />;
    case 'day': return <div class="day" role="separator">{dayText(row.time)}</div>;
    case 'new': return <div class="newline" role="separator">{t('newSince')}</div>;
    case 'gap': return <div class="day gap" role="separator">{t('gap')}</div>;
    case 'fold': {
      const text = foldText(row.events);
      return text === '' ? null : <div class="fold">{text}</div>;
    }
    case 'event': return <div class="fold">{eventText(row.event)}</div>;
  }
}

/** What was written and is not settled. */
export function UnsentRow({ chat, unsent }: { chat: Chat; unsent: Unsent }) {
  const state = unsent.failed ? unsent.reason : t(chat.registered ? 'sending' : 'waiting');
  return (
    <div class="m pending" role="article" data-once={unsent.once}>
      <Avatar nick={chat.nick} />
      <div>
        <div class="h"><b>{chat.nick}</b><time>{timeText(unsent.time)}</time></div>
        <p class={unsent.action ? 'action' : ''}><Text text={unsent.text} nick="" /></p>
        <div class={'st' + (unsent.failed ? ' bad' : '')}>
          {!unsent.failed && <span class="spinner" aria-hidden="true" />}
          {state}
          {unsent.failed && <button onClick={() => chat.retry(unsent.once)}>{t('retry')}</button>}
          {unsent.failed && <button onClick={() => chat.discard(unsent.once)}>{t('discard')}</button>}
        </div>
      </div>
    </div>
  );
}
