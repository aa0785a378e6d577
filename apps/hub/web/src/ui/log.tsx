// What was said: stays at its end while one is there, and put while one reads back.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import { rowsOf } from '../model/rows';
import type { Said } from '../model/timeline';
import { Icon } from './icons';
import { RowView, UnsentRow } from './row';

const ROWS_AT_ONCE = 120;
const NEAR_THE_END = 40;
const NEAR_THE_TOP = 600;

interface Props {
  chat: Chat;
  conversation: Conversation;
  onReply(said: Said): void;
}

export function Log({ chat, conversation, onReply }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const before = useRef({ first: '', height: 0 });
  const [shown, setShown] = useState(ROWS_AT_ONCE);
  const [active, setActive] = useState('');
  const [away, setAway] = useState(false);
  const { timeline } = conversation;

  const all = useMemo(
    () => rowsOf(timeline.entries, conversation.newFrom, chat.isMe),
    [timeline, timeline.version, conversation.newFrom, chat.nick],
  );
  const rows = all.slice(-shown);
  const unsent = chat.outbox.of(conversation.name);

  const toEnd = () => {
    atEnd.current = true;
    box.current!.scrollTop = box.current!.scrollHeight;
  };

  // Rows that came above move nothing that one looks at.
  useLayoutEffect(() => {
    const element = box.current!;
    const first = rows[0]?.key ?? '';
    const grown = element.scrollHeight - before.current.height;
    if (atEnd.current) toEnd();
    else if (first !== before.current.first && grown > 0 && element.scrollTop < NEAR_THE_TOP) element.scrollTop += grown;
    before.current = { first, height: element.scrollHeight };
  });

  const look = () => {
    chat.looking = atEnd.current;
    if (atEnd.current && !document.hidden && document.hasFocus() && chat.registered) chat.read(conversation);
  };
  useEffect(look);
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => atEnd.current && toEnd());
    resized.observe(element);
    addEventListener('focus', look);
    document.addEventListener('visibilitychange', look);
    return () => {
      resized.disconnect();
      removeEventListener('focus', look);
      document.removeEventListener('visibilitychange', look);
    };
  }, []);

  const scrolled = () => {
    const element = box.current!;
    atEnd.current = element.scrollHeight - element.scrollTop - element.clientHeight < NEAR_THE_END;
    setAway(!atEnd.current);
    if (element.scrollTop < NEAR_THE_TOP && !atEnd.current) {
      if (shown < all.length) setShown(shown + ROWS_AT_ONCE);
      else chat.history.older(conversation);
    } else if (atEnd.current && shown > ROWS_AT_ONCE) {
      setShown(ROWS_AT_ONCE);
    }
    look();
  };

  const moved = (event: KeyboardEvent) => {
    if (event.key !== 'ArrowUp' && event.key !== 'ArrowDown') return;
    const messages = [...box.current!.querySelectorAll<HTMLElement>('[data-id]')];
    const at = messages.findIndex((message) => message.contains(document.activeElement));
    const next = messages[at < 0 ? messages.length - 1 : at + (event.key === 'ArrowUp' ? -1 : 1)];
    if (!next) return;
    event.preventDefault();
    next.focus();
  };

  return (
    <div class="logbox">
      <div class="log" role="log" aria-live="off" aria-label={t('messages')} tabIndex={0} ref={box} onScroll={scrolled} onKeyDown={moved} onMouseLeave={() => setActive('')}>
        <div class="filler" />
        {conversation.loadingOlder && <div class="fold">{t('loading')}</div>}
        {rows.length === 0 && unsent.length === 0 && !conversation.filling && <div class="empty">{t('empty')}</div>}
        {rows.map((row) => (
          <RowView key={row.key} {...{ row, chat, conversation, onReply }} active={active === row.key} onActive={() => setActive(row.key)} />
        ))}
        {unsent.map((one) => <UnsentRow key={one.once} chat={chat} unsent={one} />)}
      </div>
      {away && (
        <button class="toend" onClick={toEnd}>
          {conversation.unread > 0 ? t('newMessages') : ''}<Icon name="down" />
          <span class="hidden">{t('newMessages')}</span>
        </button>
      )}
    </div>
  );
}
