// What was said: stays at its end while one is there, and put while one reads back.
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { t } from '../i18n';
import type { Chat } from '../model/chat';
import type { Conversation } from '../model/conversation';
import { rowsOf } from '../model/rows';
import type { Said } from '../model/timeline';
import { Icon } from './icons';
import { RowView, UnsentRow } from './row';

/** So many rows there are in the page at most, however much was said. */
const WINDOW = 160;
const STEP = 30;
const NEAR_THE_END = 40;
const NEAR_AN_EDGE = 600;

/** The first row that is seen, and where. */
interface Anchor {
  key: string;
  top: number;
}

interface Props {
  chat: Chat;
  conversation: Conversation;
  onReply(said: Said): void;
}

export function Log({ chat, conversation, onReply }: Props) {
  const box = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const anchor = useRef<Anchor | null>(null);
  const [lastKey, setLastKey] = useState(''); // of the window; empty: the end
  const [active, setActive] = useState('');
  const [away, setAway] = useState(false);
  const { timeline } = conversation;

  const all = useMemo(
    () => rowsOf(timeline.entries, conversation.newFrom, chat.isMe),
    [timeline, timeline.version, conversation.newFrom, chat.nick],
  );
  const found = lastKey === '' ? -1 : all.findLastIndex((row) => row.key === lastKey);
  const end = found < 0 ? all.length : found + 1;
  const start = Math.max(0, end - WINDOW);
  const rows = all.slice(start, end);
  const isWholeEnd = end === all.length;
  const unsent = isWholeEnd ? chat.outbox.of(conversation.name) : [];

  const toEnd = () => {
    atEnd.current = true;
    anchor.current = null;
    setLastKey('');
    box.current!.scrollTop = box.current!.scrollHeight;
  };

  const findAnchor = (): Anchor | null => {
    const edge = box.current!.getBoundingClientRect().top;
    for (const row of box.current!.querySelectorAll<HTMLElement>('[data-key]')) {
      const { top, bottom } = row.getBoundingClientRect();
      if (bottom > edge) return { key: row.dataset.key!, top: top - edge };
    }
    return null;
  };

  // Rows that come and go out of sight move nothing that one looks at.
  useLayoutEffect(() => {
    const element = box.current!;
    if (atEnd.current) {
      element.scrollTop = element.scrollHeight;
      return;
    }
    const kept = anchor.current;
    if (!kept) return;
    const row = [...element.querySelectorAll<HTMLElement>('[data-key]')].find((one) => one.dataset.key === kept.key);
    if (!row) return;
    const moved = row.getBoundingClientRect().top - element.getBoundingClientRect().top - kept.top;
    if (Math.abs(moved) >= 1) element.scrollTop += moved;
  });

  const look = () => {
    chat.looking = atEnd.current;
    if (atEnd.current && !document.hidden && document.hasFocus() && chat.registered) chat.read(conversation);
  };
  useEffect(look);
  useEffect(() => {
    const element = box.current!;
    const resized = new ResizeObserver(() => {
      if (atEnd.current) element.scrollTop = element.scrollHeight;
    });
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
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    atEnd.current = isWholeEnd && below < NEAR_THE_END;
    setAway(!atEnd.current);
    anchor.current = atEnd.current ? null : findAnchor();
    if (atEnd.current) setLastKey('');
    else extend();
    look();
  };

  /** Moves the window where one comes near its edge, and asks for what is older. */
  const extend = () => {
    const element = box.current!;
    const below = element.scrollHeight - element.scrollTop - element.clientHeight;
    if (element.scrollTop < NEAR_AN_EDGE && start > 0) setLastKey(all[Math.max(end - STEP, WINDOW) - 1]?.key ?? '');
    else if (element.scrollTop < NEAR_AN_EDGE) chat.history.older(conversation);
    else if (below < NEAR_AN_EDGE && !isWholeEnd) setLastKey(all[Math.min(end + STEP, all.length) - 1]!.key);
  };
  // Who stays at an edge scrolls no more: what comes there goes on by itself.
  useEffect(() => {
    if (!atEnd.current) extend();
  }, [start, end, timeline.version]);

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
          <div key={row.key} data-key={row.key}>
            <RowView {...{ row, chat, conversation, onReply }} active={active === row.key} onActive={() => setActive(row.key)} />
          </div>
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
